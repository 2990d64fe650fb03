"""Judges the JSON of ``pyright --verifytypes``: ``... | python score.py 99`` wants 99 %.

Prints each public name without a known type, and the score, where it is too low.
"""

from __future__ import annotations

import json
import sys


def main(wanted: float) -> int:
    """Return 1 when fewer public names than wanted have a known type."""
    found = json.load(sys.stdin)["typeCompleteness"]
    score = 100 * found["completenessScore"]
    if score >= wanted:
        return 0
    for symbol in found["symbols"]:
        if symbol["isExported"] and not symbol["isTypeKnown"]:
            print(symbol["name"])
    print(f"{score:.2f} % of the public names have a type; {wanted} % is wanted")
    return 1


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))

"""What the graphs of a file call a weight, and what its author did.

GE's ONNX parser makes a constant of an initializer ``w`` and calls it
``w_Initializer_<k>``, k being the rank of ``w`` among the sorted names of all
initializers: it changes whenever another one comes or goes. Constants of
``Constant`` nodes keep their node's name. So what a compiler added is taken
off again, unless two weights would have one name then: those keep the graph's.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

_SIGN: Final = "_Initializer_"
_ADDED: Final = re.compile(r"(.+)_Initializer_\d+", re.DOTALL)


def author(name: str) -> str:
    """Return a weight's name without what GE's parser adds to it."""
    found = _ADDED.fullmatch(name) if _SIGN in name else None
    return found[1] if found else name


def own(names: list[str]) -> list[str]:
    """Return the own name of each weight, in order of the names that the graphs have for them."""
    if _SIGN not in "\0".join(names):
        return names
    wanted = [*map(author, names)]
    count = Counter(wanted)
    return [one if count[one] == 1 else name for name, one in zip(names, wanted, strict=True)]


def explained(asked: Iterable[str], names: Collection[str]) -> str:
    """Say why weights that were asked for have another name, for a message; "" for nothing.

    Args:
        asked: Names that no weight has; what is no text is passed over.
        names: Those of the weights.
    """
    said = [_explained(one, names) for one in asked if isinstance(one, str)]
    return "".join(f". {one}" for one in said if one)


def _explained(asked: str, names: Collection[str]) -> str:
    if author(asked) in names:
        return f"{asked!r} is GE's name of the weight {author(asked)!r}"
    alike = [name for name in names if author(name) in (asked, author(asked))]
    if len(alike) > 1:
        return (
            f"{', '.join(map(repr, alike))} would all be {author(asked)!r}, so each keeps the name"
            " that GE gave it"
        )
    return ""

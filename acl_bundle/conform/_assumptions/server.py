"""The process that makes the checks, each in a fork of its own.

``python -m acl_bundle.conform._assumptions.server`` reads what is asked, as JSON, on stdin, and
writes a line of JSON for each check.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from acl_bundle._binding.library import load_library
from acl_bundle.conform._assumptions import CHECKS
from acl_bundle.conform._assumptions.checks import Check, TriedOn
from acl_bundle.conform._assumptions.trial import Untried, done
from acl_bundle.conform.apart import Say, in_fork
from acl_bundle.errors import AclBundleError

__all__ = ["main"]

SECONDS = 600.0
"""How long a check may take, the start of the device included."""


def _find_out(check: Check, asked: dict[str, Any], say: Say) -> None:
    """Make one check in this process."""
    load_library(asked["library"])
    where = TriedOn(Path(asked["path"]), asked["device"])
    try:
        if check.needs_device:
            done("aclInit", b"")
            done("aclrtSetDevice", where.device)
        holds, evidence = check.find_out(where)
        say({"verdict": "holds" if holds else "does not hold", "evidence": evidence})
    except (Untried, AclBundleError, OSError) as error:
        say({"verdict": "not tried", "evidence": str(error)})


def _found(check: Check, asked: dict[str, Any]) -> dict[str, Any]:
    """What a check found, or how its process ended."""
    found: dict[str, Any] = {}
    for message in in_fork(lambda say: _find_out(check, asked, say), SECONDS, SECONDS):
        if "error" in message:
            said = f"an answer that cannot be read: {message['error']}"
            found = {"verdict": "does not hold", "evidence": said}
        if "verdict" in message:
            found = message
    if not found:
        found = {"verdict": "does not hold", "evidence": f"the process {message['ended']}"}
    return {"number": check.number, "says": check.says, **found}


def main() -> None:
    """Read what is asked, and answer."""
    asked = json.load(sys.stdin)
    out = os.fdopen(os.dup(1), "w", buffering=1)
    chosen = [
        one for one in CHECKS.values() if asked["only"] is None or one.number in asked["only"]
    ]
    for check in sorted(chosen, key=lambda one: int(one.number[1:])):
        out.write(json.dumps(_found(check, asked)) + "\n")


if __name__ == "__main__":
    main()

"""``acl-bundle fake replay``: what the fake answers to the calls of a trace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.status import DIFFERENT, OK
from acl_bundle.conform import trace
from acl_bundle.errors import AclBundleError

__all__ = ["run"]


def run(path: Path, files: Path | None, as_json: bool) -> int:
    """Make the calls of a trace on the fake, and show what is answered otherwise.

    Returns:
        The exit status; no call that could be made is no answer of yes.
    """
    found = trace.replay(path, files)
    left, unseen = _rows(found.left_out), _rows(found.unseen)
    if as_json:
        output.document(
            {
                "calls": found.calls,
                "other_processes": found.other_processes,
                "same": found.same,
                "rows": [row._asdict() for row in found.unequal],
                "left_out": left,
                "unseen": unseen,
            }
        )
    else:
        output.line(f"{found.calls} calls: {found.same} answered the same on the fake")
        if found.unequal:
            output.table(f"{len(found.unequal)} otherwise:", found.unequal)
        if left:
            output.table("Not made:", left)
        if unseen:
            output.table("Made, but for a part:", unseen)
        if found.other_processes:
            output.line(f"{found.other_processes} calls of other processes were left out")
        output.line("The bytes of memory are not in a trace: zeros were copied.")
    if found.died:
        raise AclBundleError(f"the process that makes the calls {found.died}; run it again")
    return DIFFERENT if found.unequal or (found.calls and not found.same) else OK


def _rows(found: Mapping[tuple[str, str], int]) -> list[dict[str, object]]:
    return [
        {"function": function, "calls": count, "why": why}
        for (function, why), count in found.items()
    ]

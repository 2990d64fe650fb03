"""``acl-bundle fake replay``: what the fake answers to the calls of a trace."""

from __future__ import annotations

from pathlib import Path

from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.status import DIFFERENT, OK
from acl_bundle.conform import trace

__all__ = ["run"]


def run(path: Path, files: Path | None, as_json: bool) -> int:
    """Make the calls of a trace on the fake, and show what is answered otherwise.

    Returns:
        The exit status.
    """
    found = trace.replay(path, files)
    left = [
        {"function": function, "calls": count, "why": why}
        for (function, why), count in found.left_out.items()
    ]
    if as_json:
        output.document(
            {
                "calls": found.calls,
                "other_processes": found.other_processes,
                "same": found.same,
                "rows": [row._asdict() for row in found.unequal],
                "left_out": left,
            }
        )
    else:
        output.line(f"{found.calls} calls: {found.same} answered the same on the fake")
        if found.unequal:
            output.table(f"{len(found.unequal)} otherwise:", found.unequal)
        if left:
            output.table("Not made:", left)
        if found.other_processes:
            output.line(f"{found.other_processes} calls of other processes were left out")
        output.line("The bytes of memory are not in a trace: zeros were copied.")
    return DIFFERENT if found.unequal else OK

"""The command line: ``acl-bundle demo``, ``acl-bundle inspect``, ``acl-bundle weights`` and more.

Each command has a folder of its own; `app` lists them, `shell` has what they share. A command
first makes plain data and then shows it. docs/shell.md says how to add one.

Needs the extra ``cli``; ``acl-bundle demo`` needs ``demo``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from acl_bundle.cli.shell.trouble import status_of

__all__ = ["main"]


def main() -> None:
    """Run ``acl-bundle`` with the process's arguments.

    Raises:
        SystemExit: Always: 0 when all went well, 1 for an answer that is no, 2 for trouble
            (docs/exit_codes.md).
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # whoever started it has closed the stream
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):  # whatever a name holds can be printed
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    programs: list[Callable[..., object]] = []
    status = status_of(lambda: _import(programs), "--json" in sys.argv)
    for program in programs:
        program(prog_name="acl-bundle")
    raise SystemExit(status)


def _import(programs: list[Callable[..., object]]) -> int:
    from acl_bundle.cli.app import app  # noqa: PLC0415  typer may be missing

    programs.append(app)
    return 0

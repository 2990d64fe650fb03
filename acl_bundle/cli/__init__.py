"""The command line: ``acl-bundle demo``, ``acl-bundle inspect``, ``acl-bundle weights`` and more.

`main` turns every error that is the caller's to mend into one message and exit
status 1 (`trouble`); wrong arguments are told by typer, with status 2. A command's
own module (`inspect`, `doctor`, `demo`) first makes plain data and then shows it.

Needs the extra ``cli``; ``acl-bundle demo`` needs ``demo``.
"""

from __future__ import annotations

import sys

from acl_bundle.cli.shell.trouble import told

__all__ = ["main"]


def main() -> None:
    """Run ``acl-bundle`` with the process's arguments.

    Raises:
        SystemExit: Always: 0 when all went well, 1 for an error, 2 for wrong
            arguments.
    """
    with told():
        from acl_bundle.cli.app import app  # noqa: PLC0415  typer may be missing

        try:
            app(prog_name="acl-bundle")
        finally:
            sys.stdout.flush()  # what fails here fails where it can be told

"""The command line: ``acl-bundle demo``, ``acl-bundle inspect``, ``acl-bundle doctor``.

`main` turns every error that is the caller's to mend into one message and exit
status 1; wrong arguments are told by typer, with status 2. A command's own
module (`inspect`, `doctor`, `demo`) first makes plain data and then shows it.

Needs the extra ``cli``; ``acl-bundle demo`` needs ``demo``.
"""

from __future__ import annotations

import sys

from acl_bundle.errors import AclBundleError

__all__ = ["main"]

_EXTRAS = {
    "typer": "cli",
    "rich": "cli",
    "onnx": "demo",
    "onnxruntime": "demo",
    "sklearn": "demo",
}


def _missing(error: ModuleNotFoundError) -> str | None:
    """Say how to get a module that is missing, None when it is none of ours to have."""
    if error.name == "acl_bundle._acl":
        return "the package is not built here: run make, or pip install it"
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    extra = _EXTRAS[package]
    return f"this needs {package}, of the extra {extra!r}: pip install 'acl-bundle[{extra}]'"


def _run() -> None:
    from acl_bundle.cli.app import app  # noqa: PLC0415  typer may be missing

    app(prog_name="acl-bundle")


def main() -> None:
    """Run ``acl-bundle`` with the process's arguments.

    Raises:
        SystemExit: Always: 0 when all went well, 1 for an error, 2 for wrong
            arguments.
    """
    try:
        _run()
    except ModuleNotFoundError as error:
        message = _missing(error)
        if message is None:
            raise
    except AclBundleError as error:
        message = str(error)
    except OSError as error:
        message = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    sys.exit(f"acl-bundle: {message}")

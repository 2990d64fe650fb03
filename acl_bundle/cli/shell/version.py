"""``acl-bundle --version``: the package, its binding, and the library that would be opened."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.util import find_spec
from typing import Annotated, Any

import typer

import acl_bundle
from acl_bundle._binding.library import candidates
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.arguments import Json

__all__ = ["root"]


def root(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the versions, and which AscendCL would be opened, and end."
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Take what stands before a command."""
    if version:
        _show(_facts(), as_json)
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("Missing command.")
    if as_json:
        context.fail("--json comes behind the command and its arguments.")


def _facts() -> dict[str, Any]:
    binding = find_spec("acl_bundle._acl")
    return {
        "version": acl_bundle.__version__,
        "binding": None if binding is None else _abi(str(binding.origin)),
        "python": platform.python_version(),
        "platform": f"{platform.system().lower()}-{platform.machine()}",
        "library": _library(),
    }


def _show(facts: dict[str, Any], as_json: bool) -> None:
    if as_json:
        output.document(facts)
        return
    output.line(f"acl-bundle {facts['version']}")
    output.line(f"binding: {facts['binding'] or 'not built here'}")
    output.line(f"Python {facts['python']} on {facts['platform']}")
    output.line(f"library: {facts['library'] or 'none is found; acl-bundle doctor says why'}")


def _abi(path: str) -> str:
    """Which interpreters a compiled module is for, by its file's name: abi3, cpython-313t-..."""
    return os.path.basename(path).split(".")[1]


def _library() -> str | None:
    """The library that would be opened, which is not opened here: that may take a second."""
    for first, second in candidates(None):
        found = _found(first)
        if found and (second is None or _found(second)):
            return found if second is None else f"{found} + {_found(second)}"
    return None


def _found(name: str) -> str | None:
    """Where the dynamic linker finds a library."""
    if os.sep in name:
        return name if os.path.isfile(name) else None
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        path = os.path.join(folder, name)
        if folder and os.path.isfile(path):
            return path
    return _cached(name)


def _cached(name: str) -> str | None:
    """Where the linker's cache has a library."""
    program = shutil.which("ldconfig", path=f"{os.environ.get('PATH', '')}:/sbin:/usr/sbin")
    if program is None:
        return None
    done = subprocess.run([program, "-p"], capture_output=True, text=True, check=False)
    lines = (line.split() for line in done.stdout.splitlines())
    return next((words[-1] for words in lines if words and words[0] == name), None)

"""What compiles a program of C or C++ against the fake: flags, or a folder shaped as CANN's.

Build files of samples know no flags: they look for folders beneath ``$DDK_PATH``,
``$NPU_HOST_LIB`` or ``$ASCEND_HOME_PATH``, whose names changed with CANN's releases. `make` makes
all of them as links, in a folder that the caller names.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from acl_bundle import fake
from acl_bundle.cli.shell import output

__all__ = ["cflags", "libs", "make", "show", "variables"]

PARTS = ("runtime", "acllib", "fwkacllib", "atc", "compiler", "x86_64-linux", "aarch64-linux",
         "arm64-linux")  # fmt: skip
ROOTS = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME", "ASCEND_HOME", "DDK_PATH")
"""What build files take for the toolkit's folder."""


def cflags() -> str:
    """Return the compiler's flags, quoted for a shell."""
    return shlex.quote(f"-I{fake.include_path()}")


def libs() -> str:
    """Return the linker's flags, quoted for a shell."""
    return f"{shlex.quote(f'-L{fake.library_path().parent}')} -lascendcl"


def show(flags: str, as_json: bool) -> None:
    """Print flags for a shell, or as a list of words."""
    if as_json:
        output.document({"flags": shlex.split(flags)})
    else:
        print(flags)


def variables(folder: Path) -> list[str]:
    """Return the shell lines that name a folder of `make` to build files."""
    root = shlex.quote(str(folder.absolute()))
    named = [f"export {name}={root}" for name in ROOTS]
    return [*named, f"export NPU_HOST_LIB={root}/lib64"]


def _link(path: Path, to: Path | str) -> None:
    if path.is_symlink():
        path.unlink()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)


def make(folder: Path) -> None:
    """Make a folder that build files take for CANN's toolkit, or make one of these anew.

    Headers lie in ``include``, libraries in ``lib64``, ``lib64/stub`` and ``devlib``, beneath the
    folder itself and beneath every other folder that a release of CANN had them in, also one
    beneath the other: each of these is a link to the folder itself.

    Raises:
        FileExistsError: The folder holds something else.
        FileNotFoundError: The package was not built.
    """
    include, library = fake.include_path(), fake.library_path().parent
    ours = folder / "include" / "acl"
    if folder.exists() and any(folder.iterdir()) and not ours.is_symlink():
        raise FileExistsError(
            f"{folder} holds something else than a toolkit of acl-bundle; "
            "name a new or empty folder"
        )
    compiler = Path(fake.__file__).parents[1] / "build" / "chip" / "include"
    for one in (*include.iterdir(), *compiler.iterdir()):
        _link(folder / "include" / one.name, one)
    for one in library.glob("*.so"):
        _link(folder / "lib64" / one.name, one)
    for name in (*PARTS, "lib64/stub"):
        _link(folder / name, ".")
    for name in ("ascend-toolkit", "nnrt"):
        _link(folder / name / "latest", "..")
    _link(folder / "devlib", "lib64")

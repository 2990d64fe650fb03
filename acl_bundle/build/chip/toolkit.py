"""Where GE's compiler is, and the program that calls it, compiled here at first need."""

from __future__ import annotations

import glob
import hashlib
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from acl_bundle.errors import CompileError

_LINKED: Final = ("ge_compiler", "graph", "graph_base", "fmk_onnx_parser")
_HOMES: Final = ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")
_INSTALLED: Final = "/usr/local/Ascend/*/lib64", "/usr/local/Ascend/ascend-toolkit/*/lib64"
_HERE: Final = Path(__file__).parent
_SOURCE: Final = _HERE / "ge_compile.cc"
_COMPILERS: Final = ("c++", "g++", "clang++")


def find() -> Path:
    """Return the folder with GE's libraries.

    Raises:
        CompileError: There is none.
    """
    tried = []
    for folder in _folders():
        if all((folder / f"lib{one}.so").exists() for one in _LINKED):
            return folder
        tried.append(str(folder))
    raise CompileError(
        "toolkit",
        f"GE's compiler was not found: no folder has lib{'.so, lib'.join(_LINKED)}.so."
        f" Tried {', '.join(tried) or 'nothing'}. Source the set_env.sh of a CANN toolkit, which"
        ' needs no NPU; to try without CANN, eval "$(acl-bundle fake env)"',
    )


def _folders() -> Iterator[Path]:
    yield from map(Path, filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")))
    yield from (Path(os.environ[one], "lib64") for one in _HOMES if os.environ.get(one))
    yield from (Path(one) for pattern in _INSTALLED for one in sorted(glob.glob(pattern)))


def program(libraries: Path) -> Path:
    """Return the program that calls GE, compiled if it is not there yet.

    It is kept in ``$XDG_CACHE_HOME/acl-bundle`` (or ``~/.cache``), under a name
    that stands for its source, the compiler and the libraries.

    Raises:
        CompileError: There is no C++ compiler, or it fails.
        OSError: It cannot be kept there.
    """
    compiler = _compiler()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "acl-bundle"
    made = folder / f"ge-compile-{_digest(compiler, libraries)}"
    if made.exists():
        return made
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f".{made.name}.{os.getpid()}"
    try:
        _compile(compiler, libraries, part)
        os.replace(part, made)
    finally:
        part.unlink(missing_ok=True)
    return made


def _compiler() -> list[str]:
    chosen = shlex.split(os.environ.get("CXX", ""))
    for one in [chosen] if chosen else [[name] for name in _COMPILERS]:
        if shutil.which(one[0]):
            return one
    raise CompileError(
        "helper",
        f"no C++ compiler: none of {', '.join(chosen[:1] or _COMPILERS)} is here. Install one, g++"
        " say, or name it: CXX=<compiler>",
    )


def _digest(compiler: list[str], libraries: Path) -> str:
    found = hashlib.sha256()
    for path in [_SOURCE, *sorted((_HERE / "include").rglob("*.h"))]:
        found.update(path.read_bytes())
    stamp = [(libraries / f"lib{one}.so").stat().st_mtime_ns for one in _LINKED]
    found.update(repr([compiler, str(libraries.resolve()), stamp]).encode())
    return found.hexdigest()[:16]


def _compile(compiler: list[str], libraries: Path, out: Path) -> None:
    command = [
        *compiler, "-std=c++17", "-O1", "-D_GLIBCXX_USE_CXX11_ABI=0", "-I", str(_HERE / "include"),
        str(_SOURCE), "-o", str(out), "-L", str(libraries),
        "-Wl,--unresolved-symbols=ignore-in-shared-libs",
        *(f"-l{one}" for one in _LINKED), "-ldl",
    ]  # fmt: skip
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return
    lacks = "undefined reference" in done.stderr or "undefined symbol" in done.stderr
    hint = " This CANN lacks a function: 8.0.RC3 or newer is needed." if lacks else ""
    raise CompileError(
        "helper", f"{shlex.join(command)} failed.{hint}\n{done.stderr.strip()[-2000:]}"
    )

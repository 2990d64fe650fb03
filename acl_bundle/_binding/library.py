"""The AscendCL library of this process: where it is looked for, and what it has.

It is opened at the first use, or by `load_library`, and stays open for the life of the process.
"""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Callable, Iterable, Iterator

from acl_bundle import errors
from acl_bundle._binding.shim import NULL, ffi, lib, text

__all__ = [
    "attempts",
    "candidates",
    "forget",
    "has",
    "lacks",
    "library",
    "load_library",
    "need",
    "when_forgotten",
]

DRIVER_FOLDERS = "/usr/local/Ascend/*/lib64"
PAIR = ("libacl_rt.so", "libacl_mdl.so")

_lock = threading.Lock()
_opened: str | None = None
attempts: list[tuple[str, str]] = []
"""What the last search tried, in order: a library, and why not ("" for the open one)."""


def candidates(path: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield every library to try, in order: (path, its second half or None)."""
    given = path or os.environ.get("ACL_BUNDLE_LIBRARY")
    if given:
        yield given, None
        return
    yield "libascendcl.so", None
    yield PAIR
    homes = [os.environ.get(key) for key in ("ASCEND_HOME_PATH", "ASCEND_TOOLKIT_HOME")]
    folders = [os.path.join(home, "lib64") for home in homes if home]
    for folder in [*folders, *sorted(glob.glob(DRIVER_FOLDERS))]:
        yield os.path.join(folder, "libascendcl.so"), None
        yield os.path.join(folder, PAIR[0]), os.path.join(folder, PAIR[1])


def _open(path: str | None) -> str:
    """Open the first library that can be, or list every attempt."""
    attempts.clear()
    for first, second in candidates(path):
        error = lib.ab_open(os.fsencode(first), NULL if second is None else os.fsencode(second))
        name = first if second is None else f"{first} + {second}"
        attempts.append((name, text(error)))
        if error == NULL:
            return name
    if not path and not os.environ.get("ACL_BUNDLE_LIBRARY"):
        attempts.append((DRIVER_FOLDERS, f"{len(glob.glob(DRIVER_FOLDERS))} folders match"))
    raise errors.LibraryNotFoundError(
        "no AscendCL library could be opened:\n"
        + "".join(f"  {name}: {why}\n" for name, why in attempts)
        + "Name it with acl_bundle.load_library(path) or ACL_BUNDLE_LIBRARY=<path>,"
        " or source CANN's set_env.sh first."
    )


def load_library(path: str | os.PathLike[str] | None = None) -> str:
    """Open libascendcl.so for this process and return the name it was found by.

    Called without need at any first use; call it to choose the library. The
    search: ``path``; else ``$ACL_BUNDLE_LIBRARY``; else ``libascendcl.so``, then
    ``libacl_rt.so`` with ``libacl_mdl.so``, as the dynamic linker finds them;
    then both in ``lib64`` of ``$ASCEND_HOME_PATH``, ``$ASCEND_TOOLKIT_HOME`` and
    ``/usr/local/Ascend/*``. The library stays open for the life of the process.

    Raises:
        LibraryNotFoundError: None could be opened; every attempt is listed.
        RuntimeError: Another library is already open.
    """
    global _opened  # noqa: PLW0603
    wanted = None if path is None else os.fspath(path)
    with _lock:
        if _opened is None:
            _opened = _open(wanted)
        elif wanted is not None and not _same(wanted, _opened):
            raise RuntimeError(
                f"{_opened} is already open in this process; {errors.visible(wanted)} cannot be"
                " opened beside it."
                " Choose the library before the first use, or in another process."
            )
        return _opened


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def library() -> str | None:
    """Name the library that is open, or None."""
    return _opened


def has(function: str) -> bool:
    """Whether the library (opened if need be) has this function of acl_api.h."""
    load_library()
    return bool(lib.ab_has(function.encode()))


_forgets: list[Callable[[], None]] = []


def when_forgotten(call: Callable[[], None]) -> None:
    """Have something called before a library forgets all that it handed out."""
    _forgets.append(call)


def forget() -> None:
    """The library is about to forget all that it handed out."""
    for call in _forgets:
        call()


def need(what: str, functions: Iterable[str]) -> None:
    """Refuse a library that lacks functions. C does not look: it would call what is not there.

    Args:
        what: What needs them, for the message.
        functions: Of acl_api.h.

    Raises:
        UnsupportedError: It lacks some; they are named.
    """
    lacking = [name for name in functions if not has(name)]
    if lacking:
        raise errors.UnsupportedError(f"{what}: {lacks(', '.join(lacking))}")


def lacks(names: str) -> str:
    """Say that this library is too old to have these functions."""
    return f"{library()}{_version()} has no {names}: this CANN is too old for it"


def _version() -> str:
    """Which version the library says that it is, if it can."""
    numbers = [ffi.new("int32_t *") for _ in range(3)]
    if not has("aclrtGetVersion") or lib.aclrtGetVersion(*numbers):
        return ""
    return f" (AscendCL {'.'.join(str(number[0]) for number in numbers)})"

"""The door: the only module that reaches the compiled shim and, through it, ACL.

The library is opened at the first use of `acl`, or by `load_library`. Then
`acl` holds one closure per function of csrc/acl_api.h, chosen by what it
returns: an aclError becomes an exception with the library's own error text,
read on the same thread at once; a NULL object becomes an exception; sizes,
names and enums come back as they are. A function that this CANN lacks is a
closure that says so. No call site can forget a status.

The shim's own calls (`ab_*`, in `lib`) answer with one number; `raise_failure`
turns the failing ones into the same exceptions. What the shim makes that is
not a cffi function but Python's own, `make_calls` hands out.
"""

from __future__ import annotations

import ctypes
import glob
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NoReturn

from acl_bundle import errors
from acl_bundle._acl import ffi, lib

__all__ = ["BUSY", "LOWEST_EPOCH", "NULL", "RUNNING", "acl", "attempts", "checked", "fail", "ffi",
           "has", "lib", "library", "load_library", "make_bound",
           "make_calls", "named", "need", "pointed", "raise_failure", "text"]  # fmt: skip

NULL = ffi.NULL
DRIVER_FOLDERS = "/usr/local/Ascend/*/lib64"
TEXT_MAX, NAME_MAX = 1 << 16, 4096
INT64_MAX = 2**63 - 1
PAIR = ("libacl_rt.so", "libacl_mdl.so")

_lock = threading.Lock()
_opened: str | None = None
attempts: list[tuple[str, str]] = []
"""What the last search tried, in order: a library, and why not ("" for the open one)."""


def text(pointer: Any) -> str:
    """A C string as Python's, its first 64 KiB; NULL is empty."""
    return "" if pointer == NULL else ffi.string(pointer, TEXT_MAX).decode("utf-8", "replace")


def checked(function: str, value: int, right: str, *, least: int = 0, most: int = INT64_MAX) -> int:
    """A number that the library answered, within what it can be.

    Raises:
        LibraryError: It is beyond; `right` says what would be right.
    """
    if not least <= value <= most:
        raise errors.LibraryError(function, value, right)
    return int(value)


def pointed(function: str, pointer: Any) -> Any:
    """What a call that succeeded has made; NULL is nothing.

    Raises:
        LibraryError: It is NULL.
    """
    if pointer == NULL:
        raise errors.LibraryError(function, None, "it succeeded, so it has made something")
    return pointer


def named(function: str, pointer: Any) -> str:
    """The name of a tensor.

    Raises:
        LibraryError: There is none, or it has no end.
    """
    found = ffi.string(pointed(function, pointer), NAME_MAX)
    if len(found) == NAME_MAX:
        raise errors.LibraryError(function, found[:40], f"a name has less than {NAME_MAX} bytes")
    return str(found.decode("utf-8", "backslashreplace"))


def _candidates(path: str | None) -> Iterator[tuple[str, str | None]]:
    """Every library to try, in order: (path, its second half or None)."""
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
    for first, second in _candidates(path):
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
                f"{_opened} is already open in this process; {wanted} cannot be opened beside it."
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


def fail(function: str, code: int, detail: str | None = None) -> NoReturn:
    """Raise the exception for a status, with the library's own text, unless that is given."""
    if detail is None:
        detail = text(lib.aclGetRecentErrMsg()) if has("aclGetRecentErrMsg") else ""
    raise errors.from_status(function, code, detail.strip())


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
        raise errors.UnsupportedError(f"{what}: {_lacks(', '.join(lacking))}")


def _lacks(names: str) -> str:
    return f"{library()}{_version()} has no {names}: this CANN is too old for it"


def _version() -> str:
    """Which version the library says that it is, if it can."""
    numbers = [ffi.new("int32_t *") for _ in range(3)]
    if not has("aclrtGetVersion") or lib.aclrtGetVersion(*numbers):
        return ""
    return f" (AscendCL {'.'.join(str(number[0]) for number in numbers)})"


def _unsupported(name: str) -> Callable[..., Any]:
    def function(*_: Any) -> NoReturn:
        raise errors.UnsupportedError(_lacks(name))

    return function


def _checked(name: str, raw: Callable[..., Any]) -> Callable[..., Any]:
    def function(*arguments: Any) -> None:
        status = raw(*arguments)
        if status:
            fail(name, status)

    return function


def _made(name: str, raw: Callable[..., Any]) -> Callable[..., Any]:
    def function(*arguments: Any) -> Any:
        made = raw(*arguments)
        if made == NULL:
            fail(name, errors.BAD_ALLOC)
        return made

    return function


_PLAIN = frozenset({"aclmdlGetDatasetTensorDesc", "aclGetDataBufferAddr", "aclmdlGetDatasetBuffer"})


def _facade(name: str) -> Callable[..., Any]:
    if not has(name):
        return _unsupported(name)
    raw = getattr(lib, name)
    result = ffi.typeof(raw).result
    if result.cname == "int":
        return _checked(name, raw)
    if result.kind == "pointer" and result.item.kind == "struct" and name not in _PLAIN:
        return _made(name, raw)
    return raw  # type: ignore[no-any-return]


class _Functions:
    """One attribute per ACL function, made when it is first asked for."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if not name.startswith("acl") or name not in dir(lib):
            raise AttributeError(f"csrc/acl_api.h declares no {name}")
        function = _facade(name)
        setattr(self, name, function)
        return function


acl: Any = _Functions()

_maker = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)
make_calls: Callable[[tuple[Any, ...]], Any] = _maker(lib.ab_call_maker())
"""Makes the functions (run, call) of a graph from the parts that csrc/acl_call.c lists."""
make_bound: Callable[[tuple[Any, ...]], Any] = _maker(lib.ab_bound_maker())
"""Makes the function of a binding from its parts."""

_STEPS = {
    lib.AB_STEP_GET_CONTEXT: "aclrtGetCurrentContext",
    lib.AB_STEP_SET_CONTEXT: "aclrtSetCurrentContext",
    lib.AB_STEP_COPY_IN: "aclrtMemcpy",
    lib.AB_STEP_EXECUTE: "aclmdlExecute",
    lib.AB_STEP_COPY_OUT: "aclrtMemcpy",
    lib.AB_STEP_SET_BUFFER: "aclUpdateDataBuffer",
    lib.AB_STEP_SET_DESC: "aclmdlSetDatasetTensorDesc",
    lib.AB_STEP_SET_BATCH: "aclmdlSetDynamicBatchSize",
    lib.AB_STEP_SET_HW: "aclmdlSetDynamicHWSize",
    lib.AB_STEP_SET_DIMS: "aclmdlSetInputDynamicDims",
    lib.AB_STEP_NEW_DESC: "aclCreateTensorDesc",
    lib.AB_STEP_GET_DIM: "aclGetTensorDescDimV2",
    lib.AB_STEP_ALLOCATE: "aclrtMalloc",
    lib.AB_STEP_FREE: "aclrtFree",
    lib.AB_STEP_GET_DESC: "aclmdlGetDatasetTensorDesc",
    lib.AB_STEP_SAVE: "aclrtMemcpy",
    lib.AB_STEP_PUT_BACK: "aclrtMemcpy",
    lib.AB_STEP_EXECUTE_ASYNC: "aclmdlExecuteAsync",
    lib.AB_STEP_SYNCHRONIZE: "aclrtSynchronizeStreamWithTimeout",
    lib.AB_STEP_STREAM_QUERY: "aclrtStreamQuery",
    lib.AB_STEP_STREAM_WAIT: "aclrtStreamWaitEvent",
    lib.AB_STEP_RECORD: "aclrtRecordEvent",
    lib.AB_STEP_QUEUE_IN: "aclrtMemcpyAsync",
    lib.AB_STEP_QUEUE_OUT: "aclrtMemcpyAsync",
}
_LIES = {
    lib.AB_STEP_BAD_RANK: "aclGetTensorDescNumDims",
    lib.AB_STEP_BAD_SIZE: "aclGetTensorDescSize",
    lib.AB_STEP_BAD_MEMORY: "aclrtMalloc",
    lib.AB_STEP_BAD_OUTPUT: "aclGetDataBufferAddr",
}
LOWEST_EPOCH = -(1 << 32)
BUSY = -(lib.AB_STEP_BUSY << 32)
RUNNING = -(lib.AB_STEP_RUNNING << 32)
_INWARD = (lib.AB_STEP_COPY_IN, lib.AB_STEP_QUEUE_IN)
_OUTWARD = (lib.AB_STEP_COPY_OUT, lib.AB_STEP_QUEUE_OUT)


def raise_failure(
    result: int,
    what: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    detail: str | None = None,
) -> NoReturn:
    """Raise what a shim call below LOWEST_EPOCH means; see csrc/acl_gate.h.

    Args:
        result: The answer of an ``ab_*`` call.
        what: The graph, for the message.
        inputs: Names behind the index of a failed copy to the device.
        outputs: Names behind the index of a failed copy from it.
        detail: What the library said, where it did so on another thread.
    """
    number = -result
    status = int(ffi.cast("int32_t", number & 0xFFFFFFFF))
    step, index = number >> 32 & 0xFF, number >> 40
    if step in _LIES:
        raise errors.LibraryError(_LIES[step], status, f"see output {index} of {what}")
    if step == lib.AB_STEP_CLOSED:
        raise errors.ClosedError(
            f"the bundle of {what} was closed, or collected: keep it while its graphs are used"
        )
    if step == lib.AB_STEP_FORKED:
        raise errors.ClosedError(
            f"the bundle of {what} was loaded before this process was forked from its parent:"
            " load it in this process, or use the spawn start method"
        )
    if step == lib.AB_STEP_POISONED:
        raise errors.PoisonedError(
            f"{what} is refused: a failed update or init left the weights in an unknown state."
            " Run bundle.init(), or update every weight at once"
        )
    if step == lib.AB_STEP_HUNG:
        raise errors.BusyError(
            f"{what} is refused: a run of bundle.graphs[{index}] that was not over in time is still"
            " on the device. Its asynchronous runs, and whatever writes the weights, can go on when"
            " it is over; runs without timeout_ms go on now. Nothing was changed"
        )
    try:
        fail(_STEPS[step], status, detail)
    except errors.AclError as error:
        names = inputs if step in _INWARD else outputs
        copied = step in (*_INWARD, *_OUTWARD) and index < len(names)
        error.where = f"in {what}" + (f", copying {names[index]!r}" if copied else "")
        raise

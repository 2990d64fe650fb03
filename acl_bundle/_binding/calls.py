"""One closure per function of csrc/acl/acl_api.h: every status becomes an exception.

What a closure does is chosen by what its function returns: an aclError becomes an exception with
the library's own error text, read on the same thread at once; a NULL object becomes an exception;
sizes, names and enums come back as they are. A function that this CANN lacks is a closure that
says so. No call site can forget a status.

What the shim makes that is not a cffi function but Python's own, `make_calls` hands out.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

from acl_bundle import errors
from acl_bundle._binding.library import has, lacks
from acl_bundle._binding.shim import NULL, ffi, lib, text

if TYPE_CHECKING:
    from acl_bundle._binding.shim import Lib

__all__ = ["acl", "checked", "fail", "make_bound", "make_calls", "make_dlpack", "named", "pointed"]

NAME_MAX = 4096
INT64_MAX = 2**63 - 1


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


def fail(function: str, code: int, detail: str | None = None) -> NoReturn:
    """Raise the exception for a status, with the library's own text, unless that is given."""
    if detail is None:
        detail = text(lib.aclGetRecentErrMsg()) if has("aclGetRecentErrMsg") else ""
    raise errors.from_status(function, code, detail.strip())


def _unsupported(name: str) -> Callable[..., Any]:
    def function(*_: Any) -> NoReturn:
        raise errors.UnsupportedError(lacks(name))

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
            raise AttributeError(f"csrc/acl/acl_api.h declares no {name}")
        function = _facade(name)
        setattr(self, name, function)
        return function


acl = cast("Lib", _Functions())
"""ACL's functions, with a type for each argument. Statuses are exceptions here."""

_maker = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)
make_calls: Callable[[tuple[Any, ...]], Any] = _maker(lib.ab_call_maker())
"""Makes the functions (run, call) of a graph from the parts that csrc/infer/frame.h lists."""
make_bound: Callable[[tuple[Any, ...]], Any] = _maker(lib.ab_bound_maker())
"""Makes the function of a binding from its parts."""
make_dlpack: Callable[[tuple[Any, ...]], Any] = _maker(lib.ab_dlpack_maker())
"""Makes a DLPack capsule from the parts that csrc/device/dlpack.c lists."""

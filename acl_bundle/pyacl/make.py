"""The module `acl`, made of the table."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Callable
from functools import cache, partial
from types import ModuleType
from typing import Any

from acl_bundle import errors
from acl_bundle._binding.library import lacks, load_library
from acl_bundle._binding.shim import ffi, lib
from acl_bundle.pyacl.owners import SOURCES, judged
from acl_bundle.pyacl.special import SPECIAL
from acl_bundle.pyacl.structs import STRUCTS, address
from acl_bundle.pyacl.table import FAMILIES, MODULES, Row, rows
from acl_bundle.pyacl.unsimulated import answer

__all__ = ["acl_module", "find"]

_ELSEWHERE = {  # without libacl_dvpp.so: what does the same in libascendcl.so
    "acldvppMalloc": "aclrtMalloc",  # its policy is the word behind: 0, huge pages first
    "acldvppFree": "aclrtFree",
}
_CONTAINERS = {"l": list, "d": dict}

_make: Callable[[tuple[Any, ...]], Callable[..., Any]] = ctypes.PYFUNCTYPE(
    ctypes.py_object, ctypes.py_object
)(lib.ab_pyacl_maker())


_BESIDE = {"aclprof": "libmsprofiler.so"}
"""Libraries of CANN's beside libascendcl.so, by how the names of their functions begin."""


def _find_beside(c: str) -> int:
    """Return the address in a library of its own; 0 where there is none."""
    for start, name in _BESIDE.items():
        if c.startswith(start):
            try:
                return ctypes.cast(ctypes.CDLL(name)[c], ctypes.c_void_p).value or 0
            except (OSError, AttributeError):
                return 0
    return 0


def find(c: str) -> int:
    """Return the address of a function of the open library, which is opened if need be.

    Raises:
        LibraryNotFoundError: There is no library.
        UnsupportedError: It has no such function, nor has the one beside it.
    """
    load_library()
    found = int(lib.ab_symbol(c.encode())) or _find_beside(c)
    if not found:
        raise errors.UnsupportedError(lacks(c))
    return found


def _find_dvpp(c: str) -> int:
    """Return the address in libacl_dvpp.so; where that is not there, memory is the device's own."""
    load_library()
    try:
        library = ctypes.CDLL("libacl_dvpp.so")
        return ctypes.cast(library[c], ctypes.c_void_p).value or 0
    except (OSError, AttributeError):
        return find(_ELSEWHERE.get(c, c))


def _where(row: Row) -> Callable[[], int]:
    return partial(_find_dvpp if row.module == "media" else find, row.c)


def _raw(row: Row, pattern: str) -> Callable[..., Any]:
    return _make((row.name, row.failed, pattern, _where(row)))


def _filled(row: Row) -> Callable[..., Any]:
    """Make a function whose last parameter is a struct that becomes a dict."""
    pattern, _, rest = row.pattern.partition("{")
    kind, _, result = rest.partition("}")
    call, struct = _raw(row, f"{pattern}k{result}"), STRUCTS[kind]

    def function(*args: Any) -> tuple[dict[str, object], int]:
        filled = ffi.new(struct.kind)
        ret = call(*args, address(filled))
        return ({} if ret and struct.empty else struct.read(filled)), ret

    return function


def _within(value: Any, bits: int) -> int:
    found = operator.index(value)
    if found >> (bits - 1) not in (0, -1):
        raise OverflowError(value)
    return found


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(value)
    return value


def _float(value: Any) -> float:
    if isinstance(value, str | bytes | bytearray):  # float() reads them
        raise TypeError(value)
    return float(value)


def _text(value: Any) -> str:
    if b"\0" in _of(str, value).encode():
        raise ValueError(value)
    return str(value)


_TAKE: dict[str, Callable[[Any], Any]] = {  # as PyArg_ParseTuple does
    "k": lambda value: _of(int, value) % (1 << 64),
    "I": lambda value: operator.index(value) % (1 << 32),
    "H": lambda value: operator.index(value) % (1 << 16),
    "i": lambda value: _within(value, 32),
    "f": _float,
    "s": _text,
}


def _taken(row: Row, args: tuple[Any, ...]) -> list[Any]:
    """The arguments of a function of Python's, converted.

    Raises:
        TypeError: They are too few or too many, or of other kinds.
    """
    kinds = row.how[1:]
    if not len(kinds.rstrip("?")) <= len(args) <= len(kinds):
        raise TypeError(row.failed)
    try:
        given = [_TAKE.get(kind, lambda one: one)(arg) for kind, arg in zip(kinds, args)]  # noqa: B905
    except (TypeError, ValueError, OverflowError):
        raise TypeError(row.failed) from None
    for at, (kind, one) in enumerate(zip(kinds, given), 1):  # noqa: B905  some may be absent
        if kind in _CONTAINERS and not isinstance(one, _CONTAINERS[kind]):
            raise TypeError(f"argument {at} is not {_CONTAINERS[kind].__name__}")
    return given


def _special(row: Row) -> Callable[..., Any]:
    """Make a function of Python's, which is given the one of C."""
    call = _where(row) if row.pattern == "-" else _raw(row, row.pattern)
    does, takes_none = SPECIAL[row.full], row.how == "@"

    def function(*args: Any) -> Any:
        return does(call) if takes_none else does(call, *_taken(row, args))

    return function


def _function(row: Row) -> Callable[..., Any]:
    if row.how.startswith("!"):
        made = answer(row.full, row.how)
    elif row.how:
        made = _special(row)
    elif "{" in row.pattern:
        made = _filled(row)
    elif row.full in SOURCES:
        made = judged(row.full, _raw(row, row.pattern))
    else:
        return _raw(row, row.pattern)
    made.__name__ = made.__qualname__ = row.name
    made.__module__ = row.place
    return made


def _family(module: ModuleType, starts: tuple[str, ...]) -> Callable[[str], Any]:
    """Make the `__getattr__` of a module that has every name of some families."""

    def find_name(name: str) -> Callable[..., Any]:
        if not name.startswith(starts):
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        how = "!p" if "_create_" in name and name.endswith("_desc") else "!"
        made = answer(f"{module.__name__}.{name}", how)
        made.__name__ = name
        setattr(module, name, made)
        return made

    return find_name


@cache
def acl_module() -> ModuleType:
    """Return `acl` with its modules, one for the process; `sys.modules` is left alone."""
    acl = ModuleType("acl")
    by_name = {"": acl}
    for name in MODULES:
        by_name[name] = ModuleType(f"acl.{name}")
        setattr(acl, name, by_name[name])
    for row in rows():
        setattr(by_name[row.module], row.name, _function(row))
    for name, starts in FAMILIES.items():
        by_name[name].__dict__["__getattr__"] = _family(by_name[name], starts)
    return acl

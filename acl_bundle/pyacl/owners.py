"""Owners of the memory that pointers of `acl.util` lead to.

A pointer is good while its owner lives. Programs write ``bytes_to_ptr(x.tobytes())``, whose owner
dies at once; so the last few owners are kept alive here, KEPT of them and no more than KEPT_BYTES.
pyACL keeps none, so a call that is given memory which only this module keeps is told: by the fake
as violation AB-RT-0030, over another library by a ResourceWarning.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import warnings
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

from acl_bundle._binding.library import load_library
from acl_bundle._binding.shim import lib

__all__ = ["SOURCES", "forget", "judged", "keep"]

KEPT = 64
KEPT_BYTES = 256 << 20

SOURCES = {
    "acl.rt.memcpy": (0, 2),
    "acl.rt.memcpy_async": (0, 2),
    "acl.rt.memcpy2d": (0, 2),
    "acl.rt.memcpy2d_async": (0, 2),
    "acl.mdl.load_from_mem": (0,),
    "acl.mdl.load_from_mem_with_mem": (0,),
    "acl.mdl.query_size_from_mem": (0,),
    "acl.mdl.bundle_load_from_mem": (0,),
    "acl.mdl.get_desc_from_mem": (1,),
    "acl.set_tensor_const": (1,),
}
"""Which arguments of a function may be memory of the host that it reads or writes."""

_kept: dict[int, tuple[Any, int]] = {}  # an owner and its bytes, by address, the oldest first
_told: set[int] = set()  # addresses that the fake was told of
_lock = threading.Lock()


def keep(where: int, owner: Any, nbytes: int) -> None:
    """Keep an owner of memory alive until enough others came after it."""
    with _lock:
        _drop(where)
        _kept[where] = (owner, nbytes)
        while len(_kept) > KEPT or (len(_kept) > 1 and _sum() > KEPT_BYTES):
            _drop(next(iter(_kept)))


def _drop(where: int) -> None:
    """Forget an owner; from now on nothing is known about its memory."""
    _, nbytes = _kept.pop(where, (None, 0))
    if where in _told:
        _told.discard(where)
        _tell(where, nbytes, owned=True)


def _sum() -> int:
    return sum(nbytes for _, nbytes in _kept.values())


def forget() -> None:
    """Let go of all owners: the library begins anew."""
    with _lock:
        _kept.clear()
        _told.clear()


def _is_fake() -> bool:
    """Whether the library that is open, or about to be, has the fake's own functions."""
    load_library()
    return bool(lib.ab_symbol(b"aclfakeHost"))


@cache
def _aclfake_host() -> Callable[[int, int, int], int]:
    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    return kind(int(lib.ab_symbol(b"aclfakeHost")))


def _tell(where: int, nbytes: int, *, owned: bool) -> None:
    _aclfake_host()(where, nbytes, owned)


def _references(where: int) -> int:
    kept = _kept.get(where)
    return sys.getrefcount(kept[0]) if kept else 0


def _references_of_one() -> int:
    """How many references there are to an owner that nobody else has; -1 where they tell nothing.

    A free-threaded interpreter counts them otherwise.
    """
    _kept[-1] = (bytearray(1), 1)
    found = _references(-1)
    del _kept[-1]
    return found if getattr(sys, "_is_gil_enabled", lambda: True)() else -1


_ALONE = _references_of_one()


def _start(pointer: int) -> int | None:
    """Where the kept memory begins that a pointer lies in."""
    if pointer in _kept:
        return pointer
    for where, (_, nbytes) in _kept.items():
        if where < pointer < where + nbytes:
            return where
    return None


def _judge(full: str, pointer: int) -> None:
    """Tell of memory whose owner the program has dropped, before a call is given it."""
    with _lock:
        where = _start(pointer)
        if where is None or _references(where) != _ALONE:
            return
        nbytes = _kept[where][1]
        if _is_fake():
            if where not in _told:
                _told.add(where)
                _tell(where, nbytes, owned=False)
            return
    warnings.warn(
        f"{full}: the owner of the memory at {pointer:#x} was dropped before the call; pyACL"
        " does not keep it alive: keep the object of bytes_to_ptr or numpy_to_ptr in a"
        " variable", ResourceWarning, stacklevel=3,
    )  # fmt: skip


def judged(full: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function's pointers be looked at before it is called."""
    places = SOURCES[full]

    @wraps(call)
    def function(*args: Any) -> Any:
        if _kept:
            for place in places:
                if place < len(args) and isinstance(args[place], int):
                    _judge(full, args[place])
        return call(*args)

    return function

"""`acl.mdl.dump_reg_callback`: pieces of dumped tensors, as dicts, for a function of the program.

It runs in the library's thread, with the GIL. What it raises is printed by `sys.unraisablehook`, as
in any callback of ctypes'.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["FUNCTIONS", "as_dict", "forget"]


class Chunk(ctypes.Structure):
    """acldumpChunk, up to the bytes that stand behind it."""

    _fields_ = (
        ("file_name", ctypes.c_char * 4096),
        ("buf_len", ctypes.c_uint32),
        ("is_last_chunk", ctypes.c_uint32),
        ("offset", ctypes.c_int64),
        ("flag", ctypes.c_int32),
    )


DATA = Chunk.flag.offset + ctypes.sizeof(ctypes.c_int32)
"""Where the bytes begin, from the chunk on."""
_KIND = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32)
_given: list[Callable[[dict[str, object]], object]] = []  # the last that was taken, or nobody


def as_dict(where: int) -> dict[str, object]:
    """Return a chunk as pyACL does; data_buf is an address, good until the function returns."""
    chunk = Chunk.from_address(where)
    return {
        "file_name": chunk.file_name.decode("utf-8", "replace"),
        "data_buf": where + DATA,
        "buf_len": chunk.buf_len,
        "is_last_chunk": chunk.is_last_chunk,
        "offset": chunk.offset % (1 << 64),
        "flag": chunk.flag,
    }


def _hand(where: int | None, _: int) -> int:
    for function in _given[-1:]:
        function(as_dict(where or 0))
    return 0


@cache
def _pointer() -> tuple[Any, int]:
    """The face of `_hand` in C, which lives as long as the process, with its address."""
    face = _KIND(_hand)
    return face, ctypes.cast(face, ctypes.c_void_p).value or 0


def dump_reg_callback(raw: Callable[..., int], function: Any, flag: int) -> int:
    """Let a function have each piece of a dump."""
    ret = raw(_pointer()[1], flag)
    if ret == 0:
        _given[:] = [function]
    return ret


def dump_unreg_callback(raw: Callable[..., None]) -> None:
    """Let nobody have them."""
    raw()
    _given.clear()


def forget() -> None:
    """Drop the function: the library has forgotten it."""
    _given.clear()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "acl.mdl.dump_reg_callback": dump_reg_callback,
    "acl.mdl.dump_unreg_callback": dump_unreg_callback,
}

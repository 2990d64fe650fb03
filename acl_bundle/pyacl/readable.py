"""Whether the host can read an address: asked of the kernel, which answers and does not crash."""

from __future__ import annotations

import ctypes
import errno
import platform
from typing import Final

__all__ = ["is_readable"]

_SIGPROCMASK: Final = {"x86_64": 14, "aarch64": 135}.get(platform.machine())
_WORD: Final = 8  # bytes of a signal set
_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.argtypes = (
    ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t,
)  # fmt: skip


def is_readable(pointer: int, nbytes: int) -> bool:
    """Return False if the first or the last of some bytes cannot be read; True if nobody knows.

    rt_sigprocmask reads a set of signals there, and changes nothing: its first argument is wrong.
    """
    if _SIGPROCMASK is None or not nbytes:
        return True
    last = pointer + nbytes - 1
    return _is_word(pointer) and (pointer // _WORD == last // _WORD or _is_word(last))


def _is_word(pointer: int) -> bool:
    ctypes.set_errno(0)
    _syscall(_SIGPROCMASK, -1, pointer // _WORD * _WORD % (1 << 64), None, _WORD)
    return ctypes.get_errno() != errno.EFAULT

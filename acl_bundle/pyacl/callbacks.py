"""What the library calls: functions on streams, and the one that is told of a task's failure.

They run in the thread that the library calls them in, with the GIL. What one of them raises is
printed by `sys.unraisablehook`, as in any callback of ctypes', and the library goes on.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable
from functools import cache
from typing import Any

__all__ = ["forget", "launch_callback", "set_exception_info_callback"]

_pending: dict[int, tuple[Callable[[Any], object], Any]] = {}
_numbers = itertools.count(1)
_told: list[Callable[[int], object]] = []  # the exception's, or nobody
_KIND = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def _run(number: int | None) -> None:
    function, argument = _pending.pop(number or 0)
    function(argument)


def _tell(info: int | None) -> None:
    for function in _told[-1:]:
        function(info or 0)


@cache
def _pointers() -> tuple[Any, int, Any, int]:
    """The faces of `_run` and `_tell` in C, which live as long as the process, with addresses."""
    run, tell = _KIND(_run), _KIND(_tell)
    where = [ctypes.cast(one, ctypes.c_void_p).value or 0 for one in (run, tell)]
    return run, where[0], tell, where[1]


def launch_callback(
    raw: Callable[..., int], function: Any, argument: Any, block: int, stream: int
) -> int:
    """Queue function(argument) on a stream; a process_report thread runs it."""
    if not callable(function):
        raise TypeError("parameter must be callable")
    number = next(_numbers)
    _pending[number] = (function, argument)
    try:
        ret = raw(_pointers()[1], number, block, stream)
    except TypeError:
        _pending.pop(number)
        raise
    if ret:
        _pending.pop(number, None)
    return ret


def set_exception_info_callback(raw: Callable[..., int], function: Any = None) -> int:
    """Let a function be told of each task that fails; none without one."""
    if function is not None and not callable(function):
        raise TypeError("acl.rt.set_exception_info_callback args parse failed")
    ret = raw(0 if function is None else _pointers()[3])
    if ret == 0:
        _told[:] = [] if function is None else [function]
    return ret


def forget() -> None:
    """Drop what was queued and has not run: the library has forgotten its streams."""
    _pending.clear()
    _told.clear()

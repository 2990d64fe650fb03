"""Sockets that no child of this process keeps: with one, it would hide this process's end.

A program that is started gets none, for Python's sockets close on exec. A forked child closes what
it finds in the list here.

    T1: makes a socket, and notes it                       both steps under the lock
    T2: forks: takes the lock first, so the list is whole
    the child: closes what is noted
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from socket import socket

_lock = threading.RLock()  # a signal handler may fork between the two steps
_open = weakref.WeakSet[socket]()


def unshared(make: Callable[[], socket]) -> socket:
    """Make a socket that a forked child closes.

    Args:
        make: Makes it, without blocking.
    """
    with _lock:
        made = make()
        _open.add(made)
        return made


def _close_all() -> None:
    for one in list(_open):
        one.close()
    _open.clear()
    _lock.release()


os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_close_all)

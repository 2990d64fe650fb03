"""A device of this process: initialised, counted, and current when needed.

ACL wants `aclInit` once, a device per process and a context per thread. Each
`Device` takes one count of each of the first two and gives them back; entry
points ask for the thread's context and put back what they found, because
another library (torch_npu, say) may share the thread.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from acl_bundle._api import NULL, acl, fail, ffi, has, text
from acl_bundle._owner import Owner, uninterrupted
from acl_bundle.errors import CONTEXT_NULL, REPEAT_INITIALIZE, AclError

HOST = 1


class _Process:
    """Stands for the process where a library can be finalised only at its end."""


_process = _Process()


def _initialise() -> None:
    """Count this process in with aclInit; 100002 says that somebody was first."""
    first = True
    try:
        acl.aclInit(NULL)
    except AclError as error:
        if error.code != REPEAT_INITIALIZE:
            raise
        first = False
    if first and not has("aclFinalizeReference"):
        weakref.finalize(_process, acl.aclFinalize)


def _finalise() -> None:
    if has("aclFinalizeReference"):
        acl.aclFinalizeReference(NULL)


def current_context() -> Any:
    """Return this thread's context, or None."""
    context = ffi.new("aclrtContext *")
    try:
        acl.aclrtGetCurrentContext(context)
    except AclError as error:
        if error.code != CONTEXT_NULL:
            raise
        return None
    return context[0]


@contextmanager
def activated(context: Any) -> Iterator[None]:
    """Make a context this thread's, and put back what was there."""
    previous = current_context()
    if previous != context:
        acl.aclrtSetCurrentContext(context)
    try:
        yield
    finally:
        if previous is not None and previous != context:
            acl.aclrtSetCurrentContext(previous)


class Device(Owner):
    """One Ascend device, held until closed.

    Several objects may hold the same device; ACL counts them, and the last to
    close resets it. Bundles hold their device themselves. Keep a Device open
    to spare repeated loads the device's start, which can take seconds.

    Args:
        index: Which device, from 0.

    Raises:
        LibraryNotFoundError: No libascendcl.so could be opened.
        TypeError, ValueError: The index is not an int, or cannot be one of ACL's.
        AclError: aclInit or aclrtSetDevice failed; 107001 means no such device.
    """

    def __init__(self, index: int = 0) -> None:
        if not isinstance(index, int) or isinstance(index, bool):
            raise TypeError(f"a device is named by its index, an int, not {index!r}")
        if index not in range(-(2**31), 2**31):
            raise ValueError(f"device {index} is beyond what ACL can name; indices start at 0")
        try:
            with uninterrupted():
                _initialise()
                super().__init__()
                self._open(index)
        except BaseException:
            self.close()
            raise

    def _open(self, index: int) -> None:
        self._stack.callback(_finalise)
        previous = current_context()
        acl.aclrtSetDevice(index)
        self._stack.callback(acl.aclrtResetDevice, index)
        self.index = index
        self.context = current_context()
        if self.context is None:
            fail("aclrtGetCurrentContext", CONTEXT_NULL)
        self.activated = partial(activated, self.context)
        if previous is not None:
            acl.aclrtSetCurrentContext(previous)

    @property
    def soc_name(self) -> str:
        """The chip's name, e.g. ``"Ascend910B1"``; empty when the library cannot tell."""
        self._check_open()
        return text(acl.aclrtGetSocName())

    @property
    def on_host(self) -> bool:
        """Whether this program runs beside the device and not on it (aclrtGetRunMode)."""
        self._check_open()
        mode = ffi.new("aclrtRunMode *")
        with self.activated():
            acl.aclrtGetRunMode(mode)
        return int(mode[0]) == HOST

    def __repr__(self) -> str:
        return f"<Device {self.index}{' closed' if self.closed else ''}>"

"""A device of this process: initialised, counted, and current when needed.

ACL wants `aclInit` once, a device per process and a context per thread. Each
`Device` takes one count of each of the first two and gives them back; entry
points ask for the thread's context and put back what they found, because
another library (torch_npu, say) may share the thread.
"""

from __future__ import annotations

import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, SupportsIndex

from acl_bundle._base.arrays import whole
from acl_bundle._base.owner import Owner, uninterrupted
from acl_bundle._binding.calls import acl, checked, pointed
from acl_bundle._binding.config import Config, configuration
from acl_bundle._binding.failures import raise_failure
from acl_bundle._binding.library import has, need
from acl_bundle._binding.shim import NULL, ffi, lib, text
from acl_bundle.errors import REPEAT_INITIALIZE, AclError

if TYPE_CHECKING:
    from acl_bundle._binding.shim import aclrtContext

Activated = Callable[[], AbstractContextManager[None]]


class _Process:
    """Stands for the process where a library can be finalised only at its end."""


_process = _Process()


_given: bytes | None = None
"""The content of the configuration that this package began with; None: somebody else did."""


def _initialise(config: Config | None) -> None:
    """Count this process in with aclInit; 100002 says that somebody was first.

    Without a configuration the path is "": of a NULL, after another content, CANN makes a string,
    which ends the process.
    """
    global _given  # noqa: PLW0603
    with configuration(config) as (path, content):
        try:
            acl.aclInit(path)
        except AclError as error:
            if error.code != REPEAT_INITIALIZE:
                raise
            _check_the_same(config, content)
            return
    _given = content
    if not has("aclFinalizeReference"):
        weakref.finalize(_process, acl.aclFinalize)


def _check_the_same(config: Config | None, content: bytes) -> None:
    """Say that a configuration does nothing, as another one is in force."""
    if config is not None and _given not in (None, content):
        warnings.warn(
            "this process has begun ACL with another configuration, which stays; config= does"
            " nothing: give it to the first Device or Bundle of the process",
            RuntimeWarning,
            stacklevel=2,
        )


def _finalise() -> None:
    if has("aclFinalizeReference"):
        acl.aclFinalizeReference(NULL)


@contextmanager
def activated(context: aclrtContext, index: int) -> Iterator[None]:
    """Make the context of a device this thread's, and put back what was there.

    What was there may have ended meanwhile; then the thread keeps this one.
    """
    visit = ffi.new("ab_visit *")
    _entered(lib.ab_context_enter(context, visit), index)
    try:
        yield
    finally:
        lib.ab_context_leave(visit)


def _entered(result: int, index: int) -> None:
    if result:
        raise_failure(result, f"a call for device {index}", (), ())


class Device(Owner):
    """One Ascend device, held until closed.

    Several objects may hold the same device; ACL counts them, and the last to
    close resets it. Bundles hold their device themselves. Keep a Device open
    to spare repeated loads the device's start, which can take seconds.

    Args:
        index: Which device, from 0: whatever `operator.index` takes.
        config: The configuration for aclInit: the path of a JSON file, its text, or
            a dict (for dumps and profiling, say); None for ``$ACL_BUNDLE_CONFIG``,
            a path or a text, or none. The first one that the process gives, this
            package or another library, counts to its end: ACL refuses another
            content (100000), and looks at none while somebody has it initialised.

    Raises:
        LibraryNotFoundError: No libascendcl.so could be opened.
        OSError: The configuration cannot be read.
        TypeError, ValueError: The index is no integer, or cannot be one of ACL's;
            or `config` is no configuration.
        AclError: aclInit or aclrtSetDevice failed; 107001 means no such device.
        UnsupportedError: The library lacks what a device takes.
    """

    def __init__(self, index: SupportsIndex = 0, *, config: Config | None = None) -> None:
        index = whole(index, "device is an index, an int")
        if index not in range(-(2**31), 2**31):
            raise ValueError(f"device {index} is beyond what ACL can name; indices start at 0")
        need("a device", ("aclrtGetCurrentContext", "aclrtSetCurrentContext"))
        with self._closed_on_failure(), uninterrupted():
            _initialise(config)
            super().__init__()
            self._open(index)

    def _open(self, index: int) -> None:
        self._stack.callback(_finalise)
        visit, context = ffi.new("ab_visit *"), ffi.new("aclrtContext *")
        _entered(lib.ab_context_look(visit), index)
        acl.aclrtSetDevice(index)
        self._stack.callback(acl.aclrtResetDevice, index)
        try:
            acl.aclrtGetCurrentContext(context)
            pointed("aclrtGetCurrentContext", context[0])
            self.index: int = index
            self.context: aclrtContext = context[0]
            self.activated: Activated = partial(activated, self.context, index)
            self._hold(self.context)
            lib.ab_context_entered(self.context, visit)
        finally:
            lib.ab_context_leave(visit)

    def _hold(self, context: aclrtContext) -> None:
        if not lib.ab_context_hold(context):
            raise MemoryError("no memory to remember a device's context")
        self._stack.callback(lib.ab_context_drop, context)

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
        return checked("aclrtGetRunMode", mode[0], "0 or 1", most=lib.ACL_HOST) == lib.ACL_HOST

    def __repr__(self) -> str:
        return f"<Device {self.index}{' closed' if self.closed else ''}>"

"""Shared memory without a name: it goes when the last process that has it ends, however it ends.

Another process of the same user opens it by the owner's process and descriptor (``/proc``), once,
and keeps it mapped.
"""

from __future__ import annotations

import mmap
import os
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from weakref import WeakValueDictionary

from acl_bundle.errors import AclBundleError

MAPPED_MOST = 4
"""How many regions of others a process keeps mapped."""


@dataclass(frozen=True)
class Region:
    """Where shared memory is found.

    Attributes:
        process: The id of the owner.
        descriptor: The owner's descriptor.
        inode: Tells it from a later one of the same descriptor.
        nbytes: Its size.
    """

    process: int
    descriptor: int
    inode: int
    nbytes: int


class OwnRegion:
    """A region of this process's own.

    Args:
        nbytes: Its size; more than 0.

    Attributes:
        region: Where others find it.
        view: Its bytes, to write.
    """

    def __init__(self, nbytes: int) -> None:
        self._descriptor = os.memfd_create("acl_bundle fleet", os.MFD_CLOEXEC)
        try:
            os.ftruncate(self._descriptor, nbytes)
            self.view: mmap.mmap = mmap.mmap(self._descriptor, nbytes)
        except BaseException:
            os.close(self._descriptor)
            raise
        inode = os.fstat(self._descriptor).st_ino
        self.region: Region = Region(os.getpid(), self._descriptor, inode, nbytes)
        _own[self.region] = self

    def __del__(self) -> None:
        if "view" in vars(self) and os.getpid() == self.region.process:
            os.close(self._descriptor)  # the mapping goes with the last array over it


_own: WeakValueDictionary[Region, OwnRegion] = WeakValueDictionary()
_mapped: OrderedDict[Region, mmap.mmap] = OrderedDict()
_lock = Lock()


def mapped(region: Region) -> mmap.mmap:
    """A region of this process, or of another one, read-only then.

    Raises:
        AclBundleError: Its owner is gone, or has let it go.
    """
    own = _own.get(region)
    if own is not None:
        return own.view
    with _lock:
        found = _mapped.pop(region, None)
        if found is None:
            found = _opened(region)
        _mapped[region] = found
        while len(_mapped) > MAPPED_MOST:
            _mapped.popitem(last=False)
        return found


def _opened(region: Region) -> mmap.mmap:
    path = f"/proc/{region.process}/fd/{region.descriptor}"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise AclBundleError(
            f"the weights in shared memory of process {region.process} cannot be opened: {error}"
        ) from error
    try:
        if os.fstat(descriptor).st_ino != region.inode:
            raise AclBundleError(
                f"the weights in shared memory of process {region.process} are gone: it has let"
                " them go since"
            )
        return mmap.mmap(descriptor, region.nbytes, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)

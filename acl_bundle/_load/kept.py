"""What a bundle is loaded from, kept as it was for as long as the bundle is.

The library reads a model again when a second id of a graph is wanted, and a name leads to whatever
stands there by then. So a path is opened once and mapped; what it leads to later does not matter.
A buffer that somebody may write is copied. A file that is written in place changes under its
mapping: whoever is about to read again asks first, and afterwards, whether it is the same still.

Where the library must read by name (`Kept.unchanged` with ``named``), the name and what lies in the
folder `weight` beside it must lead to the files of before.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle import om
from acl_bundle._base.files import Path_, map_open, open_regular
from acl_bundle._base.owner import Finalizer
from acl_bundle.errors import SourceChangedError

Identity = tuple[int, int, int, int]
"""Device, inode, bytes and nanoseconds of the last write."""
OUTSIDE = "weight"
"""The folder beside a file in which its outside weights lie."""


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _at(path: str) -> Identity | None:
    """What a name leads to now; None: to nothing."""
    try:
        return _identity(os.stat(path))
    except OSError:
        return None


def _exporter(buffer: object) -> object:
    """Whose memory a view shows."""
    while True:
        if isinstance(buffer, memoryview):
            buffer = buffer.obj
        elif isinstance(buffer, np.ndarray) and buffer.base is not None:
            buffer = buffer.base
        else:
            return buffer


def _beside(path: str) -> dict[str, Identity | None]:
    """The files of its outside weights, beside a file's name and beside what it leads to."""
    files = {path, os.path.realpath(path)}
    folders = [os.path.join(os.path.dirname(one), OUTSIDE) for one in files]
    names = [(folder, name) for folder in folders if os.path.isdir(folder)
             for name in os.listdir(folder)]  # fmt: skip
    return {one: _at(one) for one in (os.path.join(*name) for name in names)}


def _close(opened: list[int]) -> None:
    while opened:
        os.close(opened.pop())


class Kept:
    """The bytes of a bundle file, and a way to see whether they are as they were.

    Args:
        source: A path, which is opened now and not again, or a buffer. Bytes and read-only
            mappings are used in place; a buffer that can be written is copied.

    Attributes:
        file: What stands in it.
        path: The absolute path; None of a buffer.

    Raises:
        BundleFormatError, OSError, TypeError, ValueError: As `om.open_loadable`.
    """

    def __init__(self, source: om.Source) -> None:
        self.file: om.Bundle
        self.path: str | None = None
        self._opened: int | None = None
        self._sum: int | None = None
        self._mapping: mmap.mmap | None = None
        self._outside: dict[str, Identity | None] = {}
        if isinstance(source, str | os.PathLike):
            self._open(source)
        else:
            self._borrow(source)

    def _open(self, path: Path_) -> None:
        with open_regular(path) as file:
            self._own(os.dup(file.fileno()))
            self._was = _identity(os.fstat(file.fileno()))
            self.path = os.path.abspath(os.fspath(path))
            self.file = om.open_loadable(map_open(file, path), name=os.fspath(path))
        if self.file.has_external_weights:
            self._outside = _beside(self.path)

    def _own(self, opened: int) -> None:
        self._opened = opened
        self._finalizer = Finalizer(self, _close, [opened])

    def _borrow(self, buffer: Any) -> None:
        owner = _exporter(buffer)
        if isinstance(owner, mmap.mmap) and memoryview(owner).readonly:
            self.file = om.open_loadable(buffer)
            self._sum = zlib.crc32(self.file.data)
            self._mapping, self._length = owner, _length(owner)
        elif isinstance(owner, bytes) or not _is_contiguous(buffer):
            self.file = om.open_loadable(buffer)
        else:
            self.file = om.open_loadable(bytes(memoryview(buffer)))

    def another(self) -> Kept:
        """The same once more, for a second bundle."""
        made = Kept.__new__(Kept)
        made.__dict__.update(self.__dict__)
        if self._opened is not None:
            made._own(os.dup(self._opened))
        return made

    @cached_property
    def _first_values(self) -> dict[str, NDArray[np.generic]]:
        return self.file.first_values

    def first_value(self, name: str) -> NDArray[np.generic] | None:
        """A copy of what the init graph assigns to a weight; None where the file does not tell.

        Raises:
            SourceChangedError: The file is not what was loaded.
        """
        with self.unchanged(named=False):
            found = self._first_values.get(name)
            return None if found is None else found.copy()

    @contextmanager
    def unchanged(self, named: bool) -> Iterator[None]:
        """Have the library read it again.

        Args:
            named: It reads by name.

        Raises:
            SourceChangedError: It is not what was loaded.
        """
        self._check(named)
        yield
        self._check(named)

    def _check(self, named: bool) -> None:
        if self._opened is not None and _identity(os.fstat(self._opened)) != self._was:
            raise _changed(self.path, "was written in place")
        if self._mapping is not None and _length(self._mapping) < self._length:
            raise _changed("the file behind the mapping", "was cut short")  # to read it is SIGBUS
        if self._sum is not None and zlib.crc32(self.file.data) != self._sum:
            raise _changed("the file behind the mapping", "was written in place")
        if named and self.path is not None:
            self._check_names(self.path)

    def _check_names(self, path: str) -> None:
        for name, was in {path: self._was, **self._outside}.items():
            if _at(name) != was:
                raise _changed(name, "was written, replaced or removed")

    def close(self) -> None:
        """Close the file. The mapping lives as long as a view of it."""
        if self._opened is not None:
            self._finalizer()


def _length(mapping: mmap.mmap) -> int:
    """The bytes of the file behind a mapping; 0 where the mapping has not kept the file open."""
    try:
        return mapping.size()
    except (OSError, ValueError):
        return 0


def _is_contiguous(buffer: Any) -> bool:
    try:
        return memoryview(buffer).c_contiguous
    except TypeError:
        return False


def _changed(what: str | None, how: str) -> SourceChangedError:
    return SourceChangedError(
        f"{what} {how} since the bundle was loaded. What was loaded goes on and answers as before,"
        " but this needs the graph once more (submit, stream, timeout_ms and replicas do), and it"
        " would be of another model: load the bundle anew. Replace a file by a rename, and it is"
        " not needed"
    )

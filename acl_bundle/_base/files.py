"""The one way in which this package opens a file to read it: regular files only, never waiting.

To open a FIFO waits for a writer, to open a tape winds it, and to read /dev/zero
never ends. So what a path leads to, links followed, is looked at first, opened
without waiting if it is a regular file, and looked at again once it is open, for
the name may lead elsewhere by then.
"""

from __future__ import annotations

import errno
import mmap
import os
import stat
from typing import BinaryIO, Final, TypeAlias

Path_: TypeAlias = str | os.PathLike[str]

_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_KINDS: Final = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
}


class NoRegularFileError(OSError):
    """A path leads to a FIFO, a socket or a device, which are not opened."""


def check_folder(path: object, name: str) -> None:
    """Refuse what is no path of text; `name` is what the caller calls it.

    Raises:
        TypeError: It is bytes, an int or the like.
        ValueError: It holds a null byte.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise TypeError(f"{name} is {path!r:.80}; the path of a folder, as str or Path, is right")
    if "\0" in os.fspath(path):
        raise ValueError(f"{name} is {os.fspath(path)!r:.80}; no path has a null byte")


def open_regular(path: Path_) -> BinaryIO:
    """Open a regular file to read its bytes; never waits for anybody.

    Raises:
        NoRegularFileError: It is a FIFO, a socket or a device.
        IsADirectoryError: It is a folder.
        OSError: It cannot be opened: it is not there, the links lead in a circle.
    """
    check_regular(path, os.stat(path).st_mode)
    handle = os.open(path, _FLAGS)
    try:
        check_regular(path, os.fstat(handle).st_mode)
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def map_regular(path: Path_) -> memoryview:
    """Map a regular file, read-only; an empty one is no bytes.

    The mapping lives as long as a view of it does. The file must not be cut short
    meanwhile: to touch what is beyond its end takes the process down.

    Raises:
        OSError: As for `open_regular`; it was cut short while it was being opened.
    """
    with open_regular(path) as file:
        return map_open(file, path)


def map_open(file: BinaryIO, path: Path_) -> memoryview:
    """As `map_regular`, of a file that is open already; the path is for the message."""
    size = os.fstat(file.fileno()).st_size
    if not size:
        return memoryview(b"")
    try:
        return memoryview(mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
    except ValueError:
        message = "it was cut short while it was being opened"
        raise OSError(errno.ESTALE, message, os.fspath(path)) from None


def read_regular(path: Path_, most: int) -> bytes:
    """Read a regular file, no more than its first ``most`` bytes.

    Raises:
        OSError: As for `open_regular`.
    """
    with open_regular(path) as file:
        return file.read(most)


def check_regular(path: Path_, mode: int) -> None:
    """Refuse what is no regular file.

    Args:
        path: For the message.
        mode: What `os.stat` says that it is.

    Raises:
        NoRegularFileError, IsADirectoryError: See `open_regular`.
    """
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder, not a file", os.fspath(path))
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "something else")
        message = f"this is no regular file but {kind}; a regular file is right"
        raise NoRegularFileError(errno.EINVAL, message, os.fspath(path))

"""A weights file as bytes: mapped, or a buffer that is borrowed.

A mapping lives as long as a view of it does, so arrays that were handed out
stay valid after a source is closed. Whoever replaces a file that is mapped must
give it a new name and rename (as every writer of this package does): a file
that is cut short while its bytes are being read takes the process down.
"""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path, PurePosixPath
from typing import Final, TypeAlias

from acl_bundle._base.files import NoRegularFileError, Path_, check_regular, map_regular
from acl_bundle.errors import WeightsFormatError

Buffer: TypeAlias = bytes | bytearray | memoryview | mmap.mmap
_NO_FILE: Final = {
    errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
}  # fmt: skip


def read(source: Path_ | Buffer) -> tuple[memoryview, str]:
    """Return all bytes of a file or buffer, read-only and not copied, and what to call them.

    Raises:
        OSError: The file cannot be opened.
        TypeError: It is neither a path nor a buffer.
    """
    if isinstance(source, str | os.PathLike):
        return map_file(source), os.fspath(source)
    try:
        view = memoryview(source)
    except TypeError:
        raise TypeError(f"give a path or the file's bytes, not {type(source).__name__}") from None
    if not view.c_contiguous:
        raise ValueError("the buffer is not contiguous; pass bytes or a contiguous copy")
    return view.cast("B").toreadonly(), f"<{view.nbytes} bytes>"


def check_path(path: object) -> None:
    """Refuse what is no path of text.

    Raises:
        TypeError: It is bytes, an open file or the like.
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise TypeError(
            f"give a path as str or Path, not {type(path).__name__};"
            " weights.Safetensors(data) reads the bytes of a file"
        )


def map_file(path: Path_) -> memoryview:
    """Map a regular file.

    Raises:
        WeightsFormatError: It is a FIFO, a socket or a device.
        OSError: It cannot be opened.
    """
    try:
        return map_regular(path)
    except NoRegularFileError as error:
        raise bad(path, str(error.strerror)) from None


def map_part(path: Path_) -> memoryview:
    """Map a file that was found beside another, or in a folder, and was not named by the user.

    Raises:
        WeightsFormatError: It is not there, or no regular file.
        OSError: It is there and cannot be opened.
    """
    try:
        return map_file(path)
    except OSError as error:
        if error.errno not in _NO_FILE:
            raise
        raise bad(path, f"it cannot be opened: {error.strerror}") from None


def whole(data: memoryview, file: str) -> memoryview:
    """Return the bytes of a file, unless it was cut short since it was mapped.

    What is beyond a file's end cannot be touched without ending the process.
    This sees what was overwritten before a value is asked for, and no more.

    Raises:
        WeightsFormatError: The file is shorter than it was.
    """
    mapped = data.obj
    if isinstance(mapped, mmap.mmap) and mapped.size() < len(mapped):
        raise bad(
            file,
            f"it had {len(mapped)} bytes when it was opened, and has {mapped.size()} now; replace"
            " a file by renaming another one over it",
        )
    return data


def bad(file: object, message: str) -> WeightsFormatError:
    """Make the exception that says what is wrong with a file."""
    name = os.fspath(file) if isinstance(file, os.PathLike) else file
    return WeightsFormatError(f"{name}: {message}")


def inside(name: str, folder: Path, what: str, *others: Path) -> Path:
    """Return the path of a file in a folder, under a name that is not trusted.

    Links are followed, and must stay in the folder or in one of ``others``.

    Args:
        name: The name as written, relative and with ``/``.
        folder: Where it counts from.
        what: What the message calls it: ``"index.json: the shard of 'w'"``.
        others: Folders that links may lead to.

    Raises:
        WeightsFormatError: The name leads elsewhere, or to no file.
    """
    if not is_plain_name(name):
        raise bad(what, f"the file is {name!r}; a path inside the folder {folder} is right")
    path = folder / name
    try:
        real = path.resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, an impossible name
        raise bad(what, f"the file is {name!r}, which cannot be looked up: {error}") from None
    if not any(real.is_relative_to(one.resolve()) for one in (folder, *others)):
        raise bad(what, f"the file is {name!r}, a link that leads out of {folder}, to {real}")
    try:
        check_regular(path, os.stat(path).st_mode)
    except OSError as error:
        raise bad(what, f"the file is {name!r}, but {path} is no file: {error.strerror}") from None
    return path


def is_plain_name(name: str) -> bool:
    """Say whether a relative name cannot lead out of the folder it is used in."""
    parts = PurePosixPath(name)
    odd = "\0" in name or "\\" in name or parts.is_absolute() or ".." in parts.parts
    return bool(parts.parts) and not odd

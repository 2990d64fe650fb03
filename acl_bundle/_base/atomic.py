"""Writing a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from acl_bundle._base.files import Path_, check_regular

NAME_MAX = 32
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)
_HIDDEN = re.compile(r"\.(.+)\.[0-9a-f]{12}", re.DOTALL)


def hidden_for(name: str) -> str | None:
    """Return which name a file of `replacing` waits for, cut to `NAME_MAX`; None for others."""
    found = _HIDDEN.fullmatch(name)
    return found and found[1]


@contextmanager
def replacing(target: Path_, *inputs: Path_) -> Iterator[BinaryIO]:
    """Open a file beside ``target`` that takes its name when the block ends well.

    The bytes are flushed to the disk before. If the block fails, or a reader
    has the old file mapped, the old file is as it was. The new one has its mode.

    Args:
        target: The name in the end; a file of that name is replaced, and of a
            link the file that it leads to, which need not be there yet.
        inputs: Files that may not be replaced, because they are being read.

    Raises:
        ValueError: ``target`` is one of the inputs.
        NoRegularFileError: There is a FIFO, a socket or a device.
        OSError: The folder cannot be written, or the links lead in a circle.
    """
    check_apart(target, *inputs)
    mode = _mode(target)
    with _named_later(Path(os.path.realpath(target)), os.replace) as file:
        if mode is not None:
            os.fchmod(file.fileno(), mode)
        yield file


def check_replaceable(target: Path_, *, inside: Path_) -> None:
    """Refuse early what `replacing` refuses, and a link out of a folder.

    Raises:
        ValueError: ``target`` leads out of the folder ``inside``.
        NoRegularFileError, IsADirectoryError: There is something else than a file.
    """
    real = Path(os.path.realpath(target))
    if not real.is_relative_to(os.path.realpath(inside)):
        raise ValueError(
            f"{os.fspath(target)}: it is a link that leads out of {os.fspath(inside)}, to {real}"
        )
    _mode(target)


def _mode(target: Path_) -> int | None:
    """The mode of the file that is to be replaced; None when there is none."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    check_regular(target, mode)
    return stat.S_IMODE(mode)


@contextmanager
def creating(target: Path_) -> Iterator[BinaryIO]:
    """Open a file that takes the name ``target`` when the block ends well, if that is free.

    The bytes are flushed to the disk before. Of several that want one name, in
    whatever processes, one gets it; what has the name is never changed.

    Raises:
        FileExistsError: Something has the name by then.
        OSError: The folder cannot be written.
    """
    with _named_later(Path(target), _name_once) as file:
        yield file


@contextmanager
def _named_later(path: Path, give_name: Callable[[Path, Path], object]) -> Iterator[BinaryIO]:
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", os.fspath(path.parent))
    name = path.parent / f".{path.name[:NAME_MAX]}.{secrets.token_hex(6)}"
    try:
        with open(_create(name, path), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        give_name(name, path)
    finally:
        with suppress(FileNotFoundError):  # not made yet, or renamed already
            os.unlink(name)


def _name_once(name: Path, target: Path) -> None:
    """Give a file a second name, unless something has it.

    Without hard links an empty file is made first, which one alone can do, and
    replaced. Whoever is killed in between leaves it, and the name is taken.
    """
    try:
        os.link(name, target, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samefile(name, target):  # NFS may have done it and lost its answer
            raise
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
        os.replace(name, target)


def _create(name: Path, target: Path) -> int:
    """Make a new file; what cannot be made is told of the target, which the caller knows."""
    try:
        return os.open(name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o666)
    except OSError as error:
        error.filename = os.fspath(target)
        raise


def check_apart(target: Path_, *inputs: Path_) -> None:
    """Refuse to write a file that is being read, under whatever name.

    Raises:
        ValueError: ``target`` is one of the inputs.
    """
    for one in inputs:
        if os.path.exists(target) and os.path.exists(one) and os.path.samefile(target, one):
            raise ValueError(
                f"{os.fspath(target)} is the input {os.fspath(one)}; write to another file"
            )

"""A record in a file: a lock beside it, a new file, fsync, and its name."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_
from acl_bundle.fleet._decision.decision import Decision
from acl_bundle.fleet._decision.text import MOST, found, written


class FileRecord:
    """A decision record in a file, for processes of one host, or of a file system with locks.

    A change is a new file that is flushed to the disk and takes the name; the folder is flushed
    too. ``<path>.lock`` is locked (flock) meanwhile, and stays.

    Args:
        path: The file; its folder must be there. A file that is not there is made by the first
            change.
    """

    def __init__(self, path: Path_) -> None:
        self.path: Path = Path(os.path.abspath(os.fspath(path)))
        if not self.path.parent.is_dir():
            raise FileNotFoundError(f"{self.path}: the folder of a decision record must be there")

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"file {self.path}"

    def read(self) -> Decision:
        """See `DecisionRecord`."""
        try:
            with open(self.path, "rb") as file:
                return found(file.read(MOST + 1), self.where)
        except FileNotFoundError:
            return found(None, self.where)

    def claim(self, at_least: int = 0) -> Decision:
        """See `DecisionRecord`."""
        return self._change(lambda now: now.next_claimed(at_least))

    def decide(self, epoch: int, version: int | str) -> None:
        """See `DecisionRecord`."""
        self._change(lambda now: now.decided(epoch, version))

    def resolve(self, epoch: int) -> Decision:
        """See `DecisionRecord`."""
        return self._change(lambda now: now.resolved(epoch))

    def _change(self, change: Callable[[Decision], Decision]) -> Decision:
        with self._locked():
            now = self.read()
            new = change(now)
            if new != now:
                with replacing(self.path) as file:
                    file.write(written(new))
                _flush_folder(self.path.parent)
            return new

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def __repr__(self) -> str:
        return f"FileRecord({str(self.path)!r})"


def _flush_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

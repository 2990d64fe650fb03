"""Waking up when something changes in a directory: by watchfiles, else by polling.

The system's notices are a help and never relied upon: there are none for what
other machines do to a network file system, and none without watchfiles. So
every wait ends after ``poll`` seconds all the same.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

from acl_bundle.follow._versions.amounts import amount

log = logging.getLogger("acl_bundle.follow.watch")
SLICE_MS = 100


class FolderWatch:
    """Watches one directory.

    Args:
        path: The directory.
        poll: The longest wait, in seconds.

    Raises:
        TypeError, ValueError: ``poll`` is no positive number.
    """

    def __init__(self, path: Path, poll: float) -> None:
        self._path, self._poll = path, amount(poll, "poll", "seconds")
        self._notices: Generator[Any, None, None] | None = None
        self._watched: tuple[int, int] | None = None

    def begin(self) -> None:
        """Watch from now on; anew when the directory was replaced.

        Raises:
            OSError: The directory cannot be found.
        """
        try:
            status = os.stat(self._path)
        except OSError:
            self.close()  # the next directory of that name may have the same inode
            raise
        place = status.st_dev, status.st_ino
        if place == self._watched:
            return
        self.close()
        self._watched = place
        self._notices = self._watching()

    def _watching(self) -> Generator[Any, None, None] | None:
        try:
            import watchfiles  # noqa: PLC0415  of an extra
        except ImportError:
            return None
        notices: Generator[Any, None, None] = watchfiles.watch(
            self._path,
            watch_filter=None,
            debounce=SLICE_MS,
            step=10,
            rust_timeout=SLICE_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
            recursive=False,
        )
        try:
            next(notices)  # the system is only asked here
        except Exception as error:  # no more watches, say, whatever watchfiles makes of that
            self._give_up(error)
            return None
        return notices

    def _give_up(self, error: Exception) -> None:
        log.warning("%s cannot be watched, so it is polled: %s", self._path, error)
        self._notices = None

    def wait(self, seconds: float, stop: Event) -> None:
        """Return at a notice, at ``stop``, or after ``seconds``, or ``poll`` if that is less."""
        until = monotonic() + min(seconds, self._poll)
        while self._notices is not None and monotonic() < until and not stop.is_set():
            try:
                if next(self._notices):
                    return
            except Exception as error:  # StopIteration as well: a generator that is over
                self._give_up(error)
        stop.wait(max(until - monotonic(), 0.0))

    def close(self) -> None:
        """Watch no longer."""
        if self._notices is not None:
            self._notices.close()
        self._notices = self._watched = None

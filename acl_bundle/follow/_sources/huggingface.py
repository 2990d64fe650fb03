"""A model's folder in the cache of Hugging Face's hub as a source: a version is a revision.

::

    models--org--name/refs/main               "3f0c..."    the commit that a revision stands for
    models--org--name/snapshots/3f0c.../      model.safetensors, or an index and its shards
    models--org--name/blobs/                  the bytes, which the snapshots link to

Commits have no order, so a version is ordered by the time at which the revision came to stand for
it: the newest is what ``refs/main`` says, also where that is an older commit again. Whoever
downloads writes the revision first and the files after it; until the weights are there, and whole
by their format, the version is waited for.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event
from typing import Final

from acl_bundle import weights
from acl_bundle._base.files import check_folder
from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._sources.directory import check_whole
from acl_bundle.follow._sources.watch import FolderWatch
from acl_bundle.follow._versions.order import timed
from acl_bundle.follow._versions.source import Checkpoint, Impossible, Weights
from acl_bundle.weights._base.file import is_plain_name, map_file

_COMMIT: Final = re.compile(r"[0-9a-f]{40}\Z")
_TEXT_MAX: Final = 256


class HuggingFace:
    """Follow a revision of a model in a cache that huggingface_hub fills.

    Args:
        path: The model's folder, ``models--org--name``. It may be missing; then it is waited for.
        revision: A branch or tag.
        kind: As for `weights.open`.
        poll: Seconds between looks, where nothing wakes the follower earlier.

    Raises:
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        revision: str = "main",
        *,
        kind: str | None = None,
        poll: float = 1.0,
    ) -> None:
        check_folder(path, "path")
        if not isinstance(revision, str) or not is_plain_name(revision):
            raise ValueError(f"revision is {revision!r}; a branch or tag such as 'main' is right")
        self.path: Path = Path(path).absolute()
        self._ref, self._kind = self.path / "refs" / revision, kind
        self._watch = FolderWatch(self._ref.parent, poll)
        self._last: tuple[str, int] | None = None

    def __repr__(self) -> str:
        return f"<HuggingFace {os.fspath(self.path)!r}, {self._ref.name!r}>"

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List the commit that the revision stands for now.

        Raises:
            OSError: There is no such revision, or it cannot be read.
            ValueError: It stands for no commit.
        """
        self._watch.begin()
        status = os.stat(self._ref)
        commit = bytes(map_file(self._ref)[:_TEXT_MAX]).decode("utf-8", "replace").strip()
        if not _COMMIT.match(commit):
            raise ValueError(f"{self._ref}: it is {commit[:64]!r}; a commit of 40 digits is right")
        if self._last is None:
            self._last = commit, status.st_mtime_ns
        elif self._last[0] != commit:  # newer, also where it was written after `stat`
            self._last = commit, max(status.st_mtime_ns, self._last[1] + 1)
        version, order = timed(*self._last)
        opening = partial(self._open, commit)
        return [Checkpoint(version, order, opening, self._last[1] / 1e9)]

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when a revision may have changed; see `Source.wait`."""
        self._watch.wait(seconds, stop)

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    @contextmanager
    def _open(self, commit: str) -> Iterator[Weights]:
        folder = self.path / "snapshots" / commit
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: it is not there; a download may be on its way")
        with weights.open(folder, kind=self._kind) as opened:
            for file in opened.files:
                real = Path(file).resolve()
                if not real.is_relative_to(self.path.resolve()):
                    raise WeightsFormatError(f"{file}: it is a link that leads out of {self.path}")
            check_whole(opened)
            yield opened


def is_cache(path: str | os.PathLike[str]) -> bool:
    """Say whether a folder is a model's in such a cache."""
    return os.path.isdir(os.path.join(path, "refs")) and os.path.isdir(
        os.path.join(path, "snapshots")
    )

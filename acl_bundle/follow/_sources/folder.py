"""A folder that is yet to come, or empty: what lies in it then says what follows it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Final

from acl_bundle.follow._sources.directory import Directory
from acl_bundle.follow._sources.huggingface import HuggingFace, is_cache
from acl_bundle.follow._versions.source import Checkpoint, Impossible

_OF_A_CACHE: Final = {"refs", "snapshots", "blobs"}


class UndecidedFolder:
    """Follow a `Directory`, or a model's folder in a cache of Hugging Face's hub.

    Args:
        path: The folder. Until it shows what it is, it is watched as a directory.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._source: Directory | HuggingFace = Directory(path)
        self._path: Path = self._source.path
        self._decided = False

    def __repr__(self) -> str:
        return repr(self._source)

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List what is there now; see `Directory.versions` and `HuggingFace.versions`."""
        if not self._decided and self._is_half_a_cache():
            return []
        return self._source.versions()

    def _is_half_a_cache(self) -> bool:
        """Look what the folder is; True while only some of a cache's folders are there."""
        try:
            names = {name for name in os.listdir(self._path) if not name.startswith(".")}
        except OSError:  # the source tells
            return False
        self._decided = bool(names - _OF_A_CACHE) or is_cache(self._path)
        if is_cache(self._path):
            self._source.close()
            self._source = HuggingFace(self._path)
        return bool(names) and not self._decided

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when something may have changed; see `Source.wait`."""
        self._source.wait(seconds, stop)

    def close(self) -> None:
        """Stop watching."""
        self._source.close()

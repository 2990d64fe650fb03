"""A folder of .npy files: one weight each, named by its path inside the folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

from acl_bundle._base.files import Path_
from acl_bundle.weights._base.file import bad, inside
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec
from acl_bundle.weights._sources.npy import NoNumbersError
from acl_bundle.weights._sources.npz import SUFFIX, open_npy

_State: TypeAlias = tuple[int, int, int, int]


class Folder(Source):
    """The arrays of a folder and of those inside it: ``encoder/0/weight`` and so on.

    Each file is mapped when it is read and stays mapped while its array lives.
    A file that was replaced or written since the folder was opened is refused,
    so values are never of two versions.
    """

    kind = "npy folder"

    def __init__(self, path: Path_) -> None:
        """Read every file's header.

        Raises:
            WeightsFormatError: There is no .npy file, one is damaged or
                pickled, or a link leads out of the folder.
            OSError: A file cannot be opened.
        """
        folder = Path(path)
        names = sorted(one.relative_to(folder).as_posix() for one in folder.rglob(f"*{SUFFIX}"))
        if not names:
            raise bad(folder, "the folder has no .npy file")
        self._paths = {
            name.removesuffix(SUFFIX): inside(name, folder, os.fspath(folder)) for name in names
        }
        specs: dict[str, Spec] = {}
        skipped: dict[str, str] = {}
        self._states: dict[str, _State] = {}
        for name, one in self._paths.items():
            self._states[name] = _state(one)
            try:
                specs[name] = open_npy(one)[0].spec
            except NoNumbersError as reason:
                skipped[name] = str(reason)
        super().__init__(os.fspath(path), specs, skipped)

    @property
    def files(self) -> tuple[str, ...]:
        """One file per weight."""
        return tuple(map(os.fspath, self._paths.values()))

    def _read(self, name: str) -> Array:
        path = self._paths[name]
        found, data = open_npy(path)
        if _state(path) != self._states[name]:
            raise bad(path, "it is not what it was when the folder was opened; open that anew")
        return found.view(data)

    def _release(self) -> None:
        pass


def _state(path: Path) -> _State:
    """What changes when a file is replaced or written."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns

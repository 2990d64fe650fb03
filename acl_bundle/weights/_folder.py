"""A folder of .npy files: one weight each, named by its path inside the folder."""

from __future__ import annotations

import os
from pathlib import Path

from acl_bundle.weights._file import Path_, bad, inside
from acl_bundle.weights._npz import SUFFIX, open_npy
from acl_bundle.weights._source import Source
from acl_bundle.weights._spec import Array


class Folder(Source):
    """The arrays of a folder and of those inside it: ``encoder/0/weight`` and so on.

    Each file is mapped when it is read and stays mapped while its array lives.
    """

    kind = "npy folder"

    def __init__(self, path: Path_) -> None:
        """Read every file's header.

        Raises:
            WeightsFormatError: There is no .npy file, one is damaged, pickled
                or without numbers, or a link leads out of the folder.
            OSError: A file cannot be opened.
        """
        folder = Path(path)
        names = sorted(one.relative_to(folder).as_posix() for one in folder.rglob(f"*{SUFFIX}"))
        if not names:
            raise bad(folder, "the folder has no .npy file")
        self._paths = {
            name.removesuffix(SUFFIX): inside(name, folder, os.fspath(folder)) for name in names
        }
        specs = {name: open_npy(one)[0].spec for name, one in self._paths.items()}
        super().__init__(os.fspath(path), specs)

    @property
    def files(self) -> tuple[str, ...]:
        """One file per weight."""
        return tuple(map(os.fspath, self._paths.values()))

    def _read(self, name: str) -> Array:
        found, data = open_npy(self._paths[name])
        if found.spec != self._specs[name]:
            raise bad(
                self._paths[name],
                f"it holds {found.spec}, but held {self._specs[name]} when the folder was opened",
            )
        return found.view(data)

    def _release(self) -> None:
        pass

"""A model in several safetensors files, and the index that says which holds what.

The index is JSON: ``{"metadata": {...}, "weight_map": {"<name>": "<file>"}}``.
The files are trusted no more than any other: they lie beside the index, links
followed, and hold what the index promises.
"""

from __future__ import annotations

import os
from pathlib import Path

from acl_bundle._files import Path_
from acl_bundle.weights import _json
from acl_bundle.weights._file import bad, inside, map_file
from acl_bundle.weights._safetensors import Safetensors
from acl_bundle.weights._source import Source
from acl_bundle.weights._spec import Array


class Shards(Source):
    """A sharded safetensors model; names come in the order of the index."""

    kind = "safetensors index"

    def __init__(self, index: Path_) -> None:
        """Read the index and the headers of all files it names.

        Raises:
            WeightsFormatError: The index is damaged, leads out of its folder,
                or promises what a file does not hold.
            OSError: A file cannot be opened.
        """
        path = Path(index)
        places = _weight_map(path)
        first = {file: name for name, file in reversed(places.items())}
        self._files = {file: Safetensors(_shard(file, path, name)) for file, name in first.items()}
        self._places = places
        for name, file in places.items():
            if name not in self._files[file]:
                raise bad(path, f"the index says that {name!r} lies in {file!r}, which lacks it")
        skipped = {
            name: f"{file} holds it, but the index does not list it there"
            for file, shard in self._files.items()
            for name in shard
            if name not in places
        }
        specs = {name: self._files[file].spec(name) for name, file in places.items()}
        super().__init__(os.fspath(index), specs, skipped)

    @property
    def files(self) -> tuple[str, ...]:
        """The index and the files it names."""
        return (self.file, *(shard.file for shard in self._files.values()))

    def _read(self, name: str) -> Array:
        return self._files[self._places[name]][name]

    def _release(self) -> None:
        for shard in self._files.values():
            shard.close()


def _shard(file: str, index: Path, name: str) -> Path:
    """Find a shard; where the index is a link, it may lie where the index really does."""
    what = f"{index}: the shard of {name!r}"
    return inside(file, index.parent, what, index.resolve().parent)


def _weight_map(path: Path) -> dict[str, str]:
    index = _json.parse(map_file(path), path, "the index")
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places:
        raise bad(path, "the index has no weight_map; an object of name to file is right")
    for name, file in places.items():
        if not isinstance(file, str):
            raise bad(path, f"the shard of {name!r} is {file!r}; a file name is right")
    return places

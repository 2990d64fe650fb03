"""A model in several files of safetensors or torch, and the index that says which holds what.

The index is JSON: ``{"metadata": {...}, "weight_map": {"<name>": "<file>"}}``.
The files are trusted no more than any other: they lie beside the index, links
followed, and hold what the index promises.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Final

from acl_bundle._base.files import Path_, read_regular
from acl_bundle.weights._base import json
from acl_bundle.weights._base.file import bad, inside, map_file
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array
from acl_bundle.weights._sources.safetensors.file import Safetensors
from acl_bundle.weights._sources.torch.file import Torch

_ZIP: Final = b"PK\x03\x04"


class Shards(Source):
    """A sharded safetensors model; names come in the order of the index."""

    kind = "safetensors index"
    _reader: ClassVar[type[Safetensors] | type[Torch]] = Safetensors

    def __init__(self, index: Path_) -> None:
        """Read the index and the headers of all files it names.

        Raises:
            WeightsFormatError: The index is damaged, leads out of its folder,
                or promises what a file does not hold.
            UnsupportedError: The library that reads the files is not installed.
            OSError: A file cannot be opened.
        """
        path = Path(index)
        places = _weight_map(path)
        first = {file: name for name, file in reversed(places.items())}
        self._files: dict[str, Source] = {
            file: self._reader(_shard(file, path, name)) for file, name in first.items()
        }
        skipped = {
            name: f"{file} holds it, but the index does not list it there"
            for file, shard in self._files.items()
            for name in shard
            if name not in places and name not in shard.aliases
        }
        self._places: dict[str, str] = {}
        for name, file in places.items():
            if name in self._files[file]:
                self._places[name] = file
            elif name in self._files[file].skipped:
                skipped[name] = self._files[file].skipped[name]
            else:
                raise bad(path, f"the index says that {name!r} lies in {file!r}, which lacks it")
        specs = {name: self._files[file].spec(name) for name, file in self._places.items()}
        aliases = {
            alias: name
            for file, shard in self._files.items()
            for alias, name in shard.aliases.items()
            if self._places.get(name) == file and places.get(alias, file) == file
        }
        super().__init__(os.fspath(index), specs, skipped, aliases)

    @property
    def files(self) -> tuple[str, ...]:
        """The index and the files it names."""
        return (self.file, *(shard.file for shard in self._files.values()))

    def _read(self, name: str) -> Array:
        return self._files[self._places[name]][name]

    def _release(self) -> None:
        for shard in self._files.values():
            shard.close()


class TorchShards(Shards):
    """A sharded model of torch's files."""

    kind = "torch index"
    _reader = Torch


def index_reader(path: Path_) -> type[Shards]:
    """Return what reads an index, by the first file that it names.

    Raises:
        WeightsFormatError: The index is damaged, or leads out of its folder.
        OSError: A file cannot be opened.
    """
    name, file = next(iter(_weight_map(Path(path)).items()))
    start = read_regular(_shard(file, Path(path), name), len(_ZIP))
    return TorchShards if start == _ZIP else Shards


def _shard(file: str, index: Path, name: str) -> Path:
    """Find a shard; where the index is a link, it may lie where the index really does."""
    what = f"{index}: the shard of {name!r}"
    return inside(file, index.parent, what, index.resolve().parent)


def _weight_map(path: Path) -> dict[str, str]:
    index = json.parse(map_file(path), path, "the index")
    places = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(places, dict) or not places:
        raise bad(path, "the index has no weight_map; an object of name to file is right")
    for name, file in places.items():
        if not isinstance(file, str):
            raise bad(path, f"the shard of {name!r} is {file!r}; a file name is right")
    return places

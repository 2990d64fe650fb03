"""TensorFlow checkpoints, read by `tf.train.load_checkpoint`.

A checkpoint is an ``.index`` file and ``.data-?????-of-?????`` files; what
names it is the prefix they share; one in the first format (`_checkpoint_v1`) is a
file or several. Names are TensorFlow's: a variable of a
model saved by Keras is called ``.../.ATTRIBUTES/VARIABLE_VALUE``
(`rename` with a regex takes that off). Each value is a copy.
"""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from acl_bundle._base.extra import need
from acl_bundle._base.files import Path_
from acl_bundle.weights._base.file import bad, map_file, map_part
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec, is_number
from acl_bundle.weights._sources.tensorflow.checkpoint_v1 import TABLE_MAGIC, files_of, place

INDEX = ".index"
_SHARD = re.compile(r"\.data-(\d{5})-of-(\d{5})$")


class TensorFlowCheckpoint(Source):
    """The variables of a checkpoint."""

    kind = "tensorflow checkpoint"

    def __init__(self, prefix: Path_) -> None:
        """Open a checkpoint.

        Args:
            prefix: The path without ``.index``; with it is fine too. In the first
                format, the file, or what the names of several begin with.

        Raises:
            WeightsFormatError: A file of it is missing or damaged, or the path is
                no prefix of one.
            UnsupportedError: TensorFlow is not installed.
            OSError: The path leads to nothing, or a file cannot be opened.
        """
        path = os.fspath(prefix).removesuffix(INDEX)
        self._first = files_of(path)
        if not self._first:
            _check_files(path, os.fspath(prefix))
        tf = need("tensorflow", "tensorflow", "reading a TensorFlow checkpoint")
        try:
            self._reader: Any = tf.train.load_checkpoint(
                place(self._first) if self._first else path
            )
            shapes = self._reader.get_variable_to_shape_map()
            types = self._reader.get_variable_to_dtype_map()
        except Exception as error:  # TensorFlow's own, and what its bindings make of them
            raise bad(path, f"TensorFlow cannot read the checkpoint: {_first(error)}") from error
        specs, skipped = {}, {}
        for name in sorted(shapes):
            dtype = np.dtype(types[name].as_numpy_dtype)
            if is_number(dtype):
                specs[name] = Spec(tuple(shapes[name]), dtype)
            else:
                skipped[name] = f"{types[name].name} holds no numbers"
        super().__init__(path, specs, skipped)

    @property
    def files(self) -> tuple[str, ...]:
        """The index and the data files."""
        if self._first:
            return tuple(self._first)
        return (self.file + INDEX, *map(os.fspath, _data_files(self.file)))

    def _read(self, name: str) -> Array:
        try:
            return np.asarray(self._reader.get_tensor(name))
        except Exception as error:
            raise bad(self.file, f"TensorFlow cannot read {name!r}: {_first(error)}") from error

    def _release(self) -> None:
        self._reader = None


def _check_files(prefix: str, given: str) -> None:
    if given == prefix and not os.path.lexists(prefix + INDEX):
        raise _no_prefix(prefix)
    index = (map_part if given == prefix else map_file)(prefix + INDEX)
    if bytes(index[-8:]) != TABLE_MAGIC:
        raise bad(
            prefix + INDEX,
            f"it ends with {bytes(index[-8:]).hex()!r}; {TABLE_MAGIC.hex()!r} is right",
        )
    beside = _data_files(prefix)
    for one in beside:
        map_part(one)  # TensorFlow would wait for a FIFO
    names = (one.name[len(Path(prefix).name) :] for one in beside)
    shards = [found for found in map(_SHARD.fullmatch, names) if found]
    if not shards:
        raise bad(prefix, "there is no .data-?????-of-????? file beside the .index")
    count = int(shards[0][2])
    there = {int(one[1]) for one in shards if int(one[2]) == count}
    lacking = sorted(set(range(count)) - there)
    if lacking:
        raise bad(prefix, f"data files {lacking} of {count} are missing")


def _no_prefix(path: str) -> Exception:
    """Say what a path is, with whose name no .index file begins."""
    if not os.path.exists(path):
        message = f"there is no such file, and none with {INDEX} behind it"
        return FileNotFoundError(errno.ENOENT, message, path)
    name = os.path.basename(path) + INDEX
    if os.path.isfile(path) and bytes(map_file(path)[-8:]) == TABLE_MAGIC:
        return bad(
            path,
            "it ends as the .index file of a TensorFlow checkpoint does, under another name; call"
            f" it {name!r}, beside its .data-?????-of-????? files of the same prefix",
        )
    return bad(path, f"it is no prefix of a checkpoint: there is no {name!r} beside it")


def _data_files(prefix: str) -> list[Path]:
    folder, stem = Path(prefix).parent, Path(prefix).name
    beside = sorted(one for one in folder.glob("*.data-*") if one.name.startswith(stem))
    return [one for one in beside if _SHARD.fullmatch(one.name[len(stem) :])]


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]

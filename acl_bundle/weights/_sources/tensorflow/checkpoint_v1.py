"""TensorFlow's first format of checkpoints: one file, or several under one pattern.

``model.ckpt-1``, or ``model.ckpt-1-00000-of-00002`` and its like, each a sorted table as
an ``.index`` file is, whose first entry describes the tensors in it. TensorFlow reads them still.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from acl_bundle._base.files import Path_, read_regular
from acl_bundle.weights._base.file import bad, map_part

TABLE_MAGIC: Final = bytes.fromhex("57fb808b247547db")  # the last bytes of every table
PATTERN: Final = re.compile(r"-(\d{5}|\?{5})-of-(\d{5})$")
_SLICES: Final = 0x0A  # the tag that a description of tensors begins with


def files_of(path: Path_) -> list[str]:
    """Return the files of a checkpoint in the first format; none where there is no such one.

    Args:
        path: Of one of its files, or what their names begin with.

    Raises:
        WeightsFormatError: Files of it are missing, or are no files.
        OSError: A file cannot be read.
    """
    name = os.fspath(path)
    if os.path.isfile(name):
        if not _is_first(name):
            return []
        found = PATTERN.search(name)
        return _parts(name[: found.start()]) if found else [name]
    return [] if os.path.lexists(name) else _parts(name)


def place(files: list[str]) -> str:
    """Return what TensorFlow takes: the file, or the pattern of several."""
    found = PATTERN.search(files[0])
    return f"{files[0][: found.start()]}-?????-of-{found[2]}" if found else files[0]


def _parts(prefix: str) -> list[str]:
    folder, stem = Path(prefix).parent, Path(prefix).name
    names = [one.name for one in folder.iterdir()] if folder.is_dir() else []
    parts = [PATTERN.fullmatch(one[len(stem) :]) for one in names if one.startswith(stem)]
    counts = sorted({found[2] for found in parts if found})
    if not counts or not _is_first(f"{prefix}-{_first(parts)}"):
        return []
    if len(counts) > 1:
        raise bad(prefix, f"there are files of {' and of '.join(counts)}; one number is right")
    there = {found[1] for found in parts if found}
    wanted = [f"{number:05}" for number in range(int(counts[0]))]
    lacking = [int(number) for number in wanted if number not in there]
    if lacking:
        raise bad(prefix, f"files {lacking} of {len(wanted)} are missing")
    return [f"{prefix}-{number}-of-{counts[0]}" for number in wanted]


def _first(parts: list[re.Match[str] | None]) -> str:
    found = next(one for one in parts if one)
    return found[0].removeprefix("-")


def _is_first(path: str) -> bool:
    """Whether a file is a table whose first value describes tensors."""
    head = read_regular(path, 16)
    if bytes(map_part(path)[-8:]) != TABLE_MAGIC or head[:2] != b"\0\0":
        return False
    value = head[2:].lstrip(bytes(range(0x80, 0x100)))  # behind its length, whose last byte is left
    return value[1:2] == bytes([_SLICES])

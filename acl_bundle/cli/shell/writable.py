"""What a command writes: never a file that it reads, under whatever name.

It is asked before any work, with all that the command reads. A path that is read may stand for
several files: the external data of an ONNX model, the manifest of a bundle, the parts of a
checkpoint, all that lies in a folder.
"""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from acl_bundle import weights
from acl_bundle._base.atomic import check_apart
from acl_bundle._base.files import check_regular
from acl_bundle.errors import AclBundleError
from acl_bundle.om._bundle.manifest import PROGRAM_SUFFIX
from acl_bundle.om._bundle.manifest import SUFFIX as MANIFEST_SUFFIX

__all__ = ["check_writable"]

_PARTS: Final = (".index", ".meta", ".data-*-of-*")
"""Behind the prefix of a checkpoint of TensorFlow's."""


def check_writable(
    outs: Iterable[str | Path | None], read: Iterable[str | Path | None] = ()
) -> None:
    """Refuse outputs, before any work, that could not or must not be written.

    Args:
        outs: What is written; None for what is not.
        read: What is read: files, folders, prefixes of checkpoints; other texts are no path.

    Raises:
        ValueError: One is read, a link or hard link to it included, or two are one file.
        IsADirectoryError, NoRegularFileError: One is a folder, or a device or the like.
        FileNotFoundError: There is no such folder to write into.
    """
    wanted = [Path(one) for one in outs if one is not None]
    for place, out in enumerate(wanted):
        _check_place(out)
        for other in wanted[:place]:
            if os.path.realpath(out) == os.path.realpath(other) or _same(out, other):
                raise ValueError(f"{other} and {out} are one file; give each a file of its own")
    there = [out for out in wanted if os.path.exists(out)]
    if there:  # what is not there is nothing that is read
        files = [file for path in read if path is not None for file in _behind(os.fspath(path))]
        for out in there:
            check_apart(out, *files)


def _check_place(out: Path) -> None:
    if os.path.exists(out):
        check_regular(out, os.stat(out).st_mode)
    if not out.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder", os.fspath(out.parent))


def _same(a: Path, b: Path) -> bool:
    return os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)


def _behind(path: str) -> Iterator[str]:
    """Yield the files that are read when a path is."""
    yield path
    if os.path.isdir(path):
        for folder, _, names in os.walk(path, followlinks=True):
            yield from (os.path.join(folder, name) for name in names)
        return
    prefix = path.removesuffix(".meta").removesuffix(".index")
    for part in _PARTS:
        yield from glob.glob(glob.escape(prefix) + part)
    kind = ""
    with suppress(AclBundleError, OSError, ValueError), weights.open(path) as source:
        kind = source.kind
        yield from source.files
    if kind == "om" or path.endswith(".om"):
        yield from (f"{path}{suffix}" for suffix in (MANIFEST_SUFFIX, PROGRAM_SUFFIX))

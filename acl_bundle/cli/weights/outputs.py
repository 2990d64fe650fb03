"""What a command writes: never a file it reads, under whatever name, and never half of one."""

from __future__ import annotations

import errno
import os
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from acl_bundle import weights
from acl_bundle._base.atomic import check_apart, replacing
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.spec import Weights, spec_of

SAFETENSORS, NPZ = ".safetensors", ".npz"


def check(out: Path, inputs: Iterable[str | Path]) -> None:
    """Refuse an output, before any work, that could not or must not be written.

    Raises:
        ValueError: It is one of the inputs, a link or hard link to one included.
        OSError: Its folder does not exist, or it is a folder itself.
    """
    check_apart(out, *inputs)
    if out.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), os.fspath(out))
    if not out.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.fspath(out.parent))


def check_format(out: Path) -> None:
    """Refuse a name that does not say which format to write.

    Raises:
        ValueError: It ends in neither ``.safetensors`` nor ``.npz``.
    """
    if out.suffix not in (SAFETENSORS, NPZ):
        raise ValueError(
            f"{out}: its suffix says which format to write; {SAFETENSORS} or {NPZ} is right"
        )


def write(values: Weights, out: Path) -> None:
    """Write weights in the format that the name says, whole or not at all.

    Each weight is fetched once and written before the next one is.

    Raises:
        WeightError: The format has no such dtype or name.
        OSError: The file cannot be written; what was there still is.
    """
    if out.suffix == SAFETENSORS:
        weights.save(values, out)
    else:
        _npz(values, out)


def _npz(values: Weights, out: Path) -> None:
    for name in values:
        dtype = spec_of(values, name).dtype
        if dtype.kind == "V":
            raise WeightError(
                f"{name!r} is {dtype.name}, a dtype that .npz lacks; write {SAFETENSORS}"
            )
    with replacing(out) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name in values:
            member = zipfile.ZipInfo(f"{name}.npy")
            with archive.open(member, "w", force_zip64=True) as target:
                np.lib.format.write_array(target, np.asarray(values[name]), allow_pickle=False)

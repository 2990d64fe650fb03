"""Arrays that a command writes: in which format, and never half of a file."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from acl_bundle import weights
from acl_bundle._base.atomic import replacing
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.spec import Weights, spec_of

SAFETENSORS, NPZ = ".safetensors", ".npz"


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

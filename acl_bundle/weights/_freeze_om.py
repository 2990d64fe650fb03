"""Replacing constants inside a compiled file: the same bytes but for theirs.

Nothing in a container depends on the values of constants (there is no
checksum), so a copy with some ranges replaced is a whole file again.
"""

from __future__ import annotations

import numpy as np

from acl_bundle import om
from acl_bundle.errors import WeightError
from acl_bundle.weights._atomic import replacing
from acl_bundle.weights._file import Path_
from acl_bundle.weights._om import constants
from acl_bundle.weights._pieces import raw
from acl_bundle.weights._spec import Array, Weights

_SLICE = 64 << 20


def freeze_om(weights: Weights, model: Path_, out: Path_) -> None:
    """Write a copy of a bundle or plain model; names, shapes and dtypes were checked.

    Raises:
        WeightError: A constant shares its bytes with another one that stays.
        BundleFormatError: The file is damaged.
        OSError: A file cannot be read or written.
    """
    file = om.open(model)
    data = file.data
    places = _places(constants(file, str(model)), data)
    _check_shared(places, weights)
    with replacing(out, model) as target:
        at = 0
        for start, end, name in places:
            if name in weights:
                for piece in range(at, start, _SLICE):
                    target.write(data[piece : min(piece + _SLICE, start)])
                target.write(raw(weights[name]))
                at = end
        for piece in range(at, len(data), _SLICE):
            target.write(data[piece : piece + _SLICE])


def _places(values: dict[str, Array], data: memoryview) -> list[tuple[int, int, str]]:
    """Return where each constant's bytes stand in the file: they are views of it."""
    base = np.frombuffer(data, np.uint8).ctypes.data
    spans = ((one.ctypes.data - base, one.nbytes, name) for name, one in values.items())
    return sorted((start, start + nbytes, name) for start, nbytes, name in spans if nbytes)


def _check_shared(places: list[tuple[int, int, str]], weights: Weights) -> None:
    end, before = 0, ""
    for start, stop, name in places:
        if start < end and (name in weights or before in weights):
            raise WeightError(
                f"constants {before!r} and {name!r} share bytes of the file, so one cannot be"
                " replaced without the other"
            )
        if stop > end:
            end, before = stop, name

"""Replacing constants inside a compiled file.

A bundle's init graph and a chip's plain model have them in WEIGHTS_DATA alone:
the new file is the old one with some ranges replaced, as nothing in a
container depends on the values (there is no checksum). A plain model made by
:mod:`acl_bundle.build` carries small constants in its program as well, which is
then written anew (:mod:`acl_bundle.weights._freeze.program`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import BinaryIO

import numpy as np

from acl_bundle import om
from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_
from acl_bundle.errors import WeightError
from acl_bundle.om import PartitionType
from acl_bundle.weights._base.pieces import raw
from acl_bundle.weights._base.spec import Array, Weights
from acl_bundle.weights._freeze.derived import derived, first_values
from acl_bundle.weights._freeze.program import rewritten
from acl_bundle.weights._sources.om import constants, program_of

_SLICE = 64 << 20


def freeze_om(weights: Weights, model: Path_, out: Path_) -> None:
    """Write a copy of a bundle or plain model; names, shapes and dtypes were checked.

    Where a bundle has a weight program, weights are its sources: the constants that are
    made of them are replaced, and the first values that the program keeps.

    Raises:
        WeightError: A constant is made of more than is known, or the program lies beside
            the file; a constant shares its bytes with another one that stays,
            or stands in the program in another form.
        BundleFormatError: The file is damaged.
        OSError: A file cannot be read or written.
    """
    file, name = om.open(model), os.fspath(model)
    values, program = constants(file, name), program_of(file, name)
    if program is not None:
        _check_own(file, name)
        weights = derived(program, weights, values)
        values = {**values, **first_values(program)}
    places = _places(values)
    _check_shared(places, weights)
    with replacing(out, model) as target:
        for piece in _pieces(file, weights):
            _splice(target, piece, places, weights)


def _check_own(file: om.Bundle | om.Model, name: str) -> None:
    """Refuse a program that stands in a file of its own, for the copy would have none."""
    if isinstance(file, om.Bundle) and file.manifest and file.manifest.program is not None:
        raise WeightError(
            f"{name}: its weight program lies beside it, so a copy would be without. Freeze the"
            " ONNX model, and build or compile that"
        )


def _pieces(file: om.Bundle | om.Model, weights: Weights) -> Iterable[memoryview]:
    """The new file but for WEIGHTS_DATA, which is the old one's still."""
    if isinstance(file, om.Bundle) or file.is_compiled_for_chip:
        return [file.data]
    parts = [
        (PartitionType(part.type), [_program(part.data, part.type, weights)])
        for part in file.partitions
    ]
    return om.write_model(parts, header=file.header)


def _program(data: memoryview, kind: int, weights: Weights) -> memoryview:
    return memoryview(rewritten(data, weights)) if kind == PartitionType.TASK_INFO else data


def _places(values: dict[str, Array]) -> list[tuple[int, int, str]]:
    """Where each constant's bytes stand in memory: they are views of the mapped file."""
    spans = ((one.ctypes.data, one.nbytes, name) for name, one in values.items())
    return sorted((start, start + nbytes, name) for start, nbytes, name in spans if nbytes)


def _splice(
    target: BinaryIO, piece: memoryview, places: list[tuple[int, int, str]], weights: Weights
) -> None:
    """Write a piece, with the new values of those constants that stand in it."""
    base, at = np.frombuffer(piece, np.uint8).ctypes.data, 0
    for start, end, name in places:
        if name in weights and base <= start < base + len(piece):
            _write(target, piece[at : start - base])
            target.write(raw(weights[name]))
            at = end - base
    _write(target, piece[at:])


def _write(target: BinaryIO, data: memoryview) -> None:
    for at in range(0, len(data), _SLICE):
        target.write(data[at : at + _SLICE])


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

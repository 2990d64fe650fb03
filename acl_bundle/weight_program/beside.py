"""Keeping a weight program beside a bundle that is there already, in its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from acl_bundle import om
from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_
from acl_bundle.errors import BundleFormatError, RoleError, WeightError
from acl_bundle.om import Manifest, ManifestWeight
from acl_bundle.om._bundle import manifest
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program.compose import before, fit
from acl_bundle.weight_program.program import Array, WeightProgram
from acl_bundle.weight_program.text import from_bytes, to_bytes

_NEAR: Final = 1e-2
"""A half-precision model's rounding, and far less than what training changes."""


def save_beside(program: WeightProgram, bundle: Path_) -> Path:
    """Keep a program beside a bundle file; see `build.Match.save_beside`.

    One that was kept so before is replaced. First values of sources are left out where
    the bundle's own differ: it was made of other weights, and a part of an update must
    not be completed from two versions.

    Raises:
        WeightError, RoleError, BundleFormatError, OSError: As it says.
    """
    file = om.open_loadable(bundle)
    there = file.manifest
    if there is not None and there.program is not None and manifest.BESIDE not in there.made:
        raise WeightError(
            f"{there.path}: this bundle was compiled with a weight program, whose names are the"
            " trainer's; to compile it anew with another, give build.compile the program"
        )
    if "update" not in file.roles:
        raise RoleError(f"{bundle}: no graph of it takes weights, so nothing could take a program")
    specs = _specs(program, file, bundle)
    whole = memoryview(to_bytes(_whole(program, file, specs)))
    made = _manifest(file, bundle, specs)
    made = replace(made, program=whole, made={**made.made, manifest.BESIDE: True})
    with replacing(made.program_path, bundle) as target:
        target.write(whole)
    with replacing(made.path, bundle) as target:
        target.write(made.to_json().encode())
    return Path(made.path)


def _specs(program: WeightProgram, file: om.Bundle, bundle: Path_) -> list[WeightSpec]:
    """The bundle's weights; shapes that its file does not say are those that the program makes."""
    made = {one.name: one.shape for one in program.constants}
    found = []
    for one in file.variables.values():
        shape = made.get(one.name) if one.shape is None else one.shape
        if shape is None:
            raise WeightError(
                f"{bundle} does not say the shape of {one.name!r}, which the program does not make:"
                " a program that makes every weight is right"
            )
        found.append(WeightSpec(one.name, shape, one.numpy))
    return found


def _whole(program: WeightProgram, file: om.Bundle, specs: list[WeightSpec]) -> WeightProgram:
    """The program for all that the update graph takes, with the first values that the file has."""
    own = file.models[file.roles["update"]].weight_program
    try:
        whole = fit(program, specs) if own is None else before(program, from_bytes(own))
    except ValueError as error:
        if isinstance(error, WeightError):
            raise
        raise BundleFormatError(f"{file!r}, its weight program: {error}") from error
    there = file.first_values
    other = [
        name
        for place, piece in enumerate(whole.pieces)
        if len(piece.sources) > 1 and whole.first.keys() >= {*piece.sources}
        and not _alike(whole.compute(place, whole.first.__getitem__), there, piece.constant.name)
        for name in piece.sources
    ]  # fmt: skip
    return replace(whole, first={n: one for n, one in whole.first.items() if n not in other})


def _alike(value: Array, there: Mapping[str, Array], name: str) -> bool:
    """Whether the bundle's first value is one that was made of the program's."""
    if name not in there:
        return False
    wide, found = value.astype(np.float64), there[name].astype(np.float64)
    return bool(np.allclose(wide, found, rtol=_NEAR, atol=_NEAR * abs(wide).max(initial=0)))


def _manifest(file: om.Bundle, bundle: Path_, specs: list[WeightSpec]) -> Manifest:
    """The bundle's manifest, or a new one."""
    if file.manifest is not None:
        return replace(file.manifest, digest=file.digest)
    inside = {one.name: one.in_graph for one in file.variables.values()}
    weights = tuple(
        ManifestWeight(one.name, inside[one.name], one.dtype.name, one.shape or ()) for one in specs
    )
    return Manifest(manifest.path_of(bundle), weights, len(file.data), digest=file.digest)

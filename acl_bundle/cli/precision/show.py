"""What ``acl-bundle precision`` prints: what must stay float32, as a table or as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acl_bundle.answers import Where
from acl_bundle.cli.shell import output
from acl_bundle.compare import Tolerance
from acl_bundle.precision import KeepFloat32, KeepFloat32Layers


@dataclass(frozen=True)
class Searched:
    """What was searched, and on what.

    Attributes:
        path: The model.
        where: What computed, in words.
        dtype: The half precision.
        tolerance: What outputs may differ.
        inputs: How many sets of inputs were compared on.
        seconds: How long it took.
    """

    path: Path
    where: str
    dtype: str
    tolerance: Tolerance
    inputs: int
    seconds: float


def weights(what: Searched, where: Where, found: KeepFloat32, as_json: bool) -> None:
    """Print which weights must stay."""
    if as_json:
        data = {"library": where.library, "fake": where.is_fake, **_data(what, found)}
        output.document({**data, "keep_float32": found.names})
        return
    _heading(what, "weights must stay float32")
    if found.unchanged:
        lose = _count(len(found.unchanged), "weight loses", "weights lose")
        output.line(f"{lose} nothing in {what.dtype}")
    if found.others:
        output.line(f"not float32, and left alone: {len(found.others)}")
    overflow = any(one.why == "overflow" for one in found.kept)
    these = "those that do not overflow" if overflow else "these"
    every = len(found.kept) + len(found.rounded)
    output.line(_verdict(what, found, every, "all weights in float32", these))
    output.table("", [one._asdict() for one in found.kept])
    if found.kept and found.met:
        output.line(f"--dtype {what.dtype} {options('--keep-float32', found.names)}")
    sets = _count(found.tried, "set", "sets")
    output.line(f"tried {sets} of weights in {what.seconds:.1f} s")


def layers(what: Searched, found: KeepFloat32Layers, out: Path | None, as_json: bool) -> None:
    """Print which layers must stay."""
    if as_json:
        output.document({**_data(what, found), "keep_dtype": found.names, "out": out})
        return
    _heading(what, "layers must compute in float32")
    if found.others:
        none = f"no {what.dtype}, and"
        one, many = f"node has {none} stays as it is", f"nodes have {none} stay as they are"
        output.line(_count(len(found.others), one, many))
    every = len(found.kept) + len(found.half)
    output.line(_verdict(what, found, every, "all layers in float32", "these"))
    output.table("", [one._asdict() for one in found.kept])
    if found.kept and found.met:
        output.line(f"--dtype {what.dtype} {options('--keep-float32-layer', found.names)}")
    if out is not None:
        names = _count(len(found.kept), "name", "names")
        output.line(f"wrote {out}, {names}: atc --keep_dtype={shlex.quote(str(out))}")
    sets = _count(found.tried, "set", "sets")
    output.line(f"tried {sets} of layers in {what.seconds:.1f} s")


def options(option: str, names: Sequence[str]) -> str:
    """Return names as options of ``weights convert`` and ``build``, quoted for a shell."""
    return " ".join(f"{option} {shlex.quote(name)}" for name in names)


def _heading(what: Searched, which: str) -> None:
    output.line(f"{what.path}: which {which} beside {what.dtype}")
    output.line(what.where)
    sets = _count(what.inputs, "set of inputs", "sets of inputs")
    output.line(f"{what.tolerance}, on {sets}; an error of 1 is the whole tolerance")


def _verdict(
    what: Searched, found: KeepFloat32 | KeepFloat32Layers, every: int, exact: str, these: str
) -> str:
    """Say in a sentence what was found."""
    if not found.met:
        return (
            f"the tolerance is not met even with {exact}: error {found.error:.3g};"
            " two runs of one model differ by more"
        )
    if not found.kept:
        return f"all {every} may be {what.dtype}: error {found.error:.3g}"
    return (
        f"{len(found.kept)} of {every} must stay float32; with all the others in"
        f" {what.dtype} the error is {found.error:.3g}, with {these} too {found.whole:.3g}"
    )


def _count(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _data(what: Searched, found: KeepFloat32 | KeepFloat32Layers) -> dict[str, Any]:
    return {
        "file": what.path,
        "note": what.where,
        "dtype": what.dtype,
        "tolerance": asdict(what.tolerance),
        "inputs": what.inputs,
        **{name: value for name, value in vars(found).items() if name != "kept"},
        "kept": [one._asdict() for one in found.kept],
        "seconds": what.seconds,
    }

"""What ``acl-bundle precision`` prints: which weights must stay, as a table or as JSON."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acl_bundle.answers import Where
from acl_bundle.cli.shell import output
from acl_bundle.compare import Tolerance
from acl_bundle.precision import KeepFloat32


@dataclass(frozen=True)
class Searched:
    """What was searched, and on what.

    Attributes:
        path: The model.
        where: The library.
        dtype: The half precision.
        tolerance: What outputs may differ.
        inputs: How many sets of inputs were compared on.
        seconds: How long it took.
    """

    path: Path
    where: Where
    dtype: str
    tolerance: Tolerance
    inputs: int
    seconds: float


def found(what: Searched, weights: KeepFloat32, as_json: bool) -> None:
    """Print what was found."""
    if as_json:
        output.document(_data(what, weights))
        return
    output.line(f"{what.path}: which weights must stay float32 beside {what.dtype}")
    output.line(f"{what.where}")
    sets = "1 set of inputs" if what.inputs == 1 else f"{what.inputs} sets of inputs"
    output.line(f"{what.tolerance}, on {sets}; an error of 1 is the whole tolerance")
    for line in _verdict(what, weights):
        output.line(line)
    output.table("", [one._asdict() for one in weights.kept])
    if weights.kept and weights.met:
        output.line(f"--dtype {what.dtype} {options(weights.names)}")
    output.line(f"tried {weights.tried} sets of weights in {what.seconds:.1f} s")


def options(names: tuple[str, ...]) -> str:
    """Return the names as options of ``weights convert`` and ``build``, quoted for a shell."""
    return " ".join(f"--keep-float32 {shlex.quote(name)}" for name in names)


def _verdict(what: Searched, weights: KeepFloat32) -> list[str]:
    """Say in sentences what was found."""
    every = len(weights.kept) + len(weights.rounded)
    lines = []
    if weights.unchanged:
        lose = (
            "1 weight loses"
            if len(weights.unchanged) == 1
            else f"{len(weights.unchanged)} weights lose"
        )
        lines.append(f"{lose} nothing in {what.dtype}")
    if weights.others:
        lines.append(f"not float32, and left alone: {len(weights.others)}")
    if not weights.met:
        lines.append(
            f"the tolerance is not met even with all weights in float32: error {weights.error:.3g};"
            " two runs of one model differ by more"
        )
    elif not weights.kept:
        lines.append(f"all {every} may be {what.dtype}: error {weights.error:.3g}")
    else:
        overflow = any(one.why == "overflow" for one in weights.kept)
        these = "those that do not overflow" if overflow else "these"
        lines.append(
            f"{len(weights.kept)} of {every} must stay float32; with all the others in"
            f" {what.dtype} the error is {weights.error:.3g}, with {these} too {weights.whole:.3g}"
        )
    return lines


def _data(what: Searched, weights: KeepFloat32) -> dict[str, Any]:
    return {
        "file": what.path,
        "library": what.where.library,
        "fake": what.where.is_fake,
        "note": str(what.where),
        "dtype": what.dtype,
        "tolerance": asdict(what.tolerance),
        "inputs": what.inputs,
        "keep_float32": weights.names,
        **{name: value for name, value in vars(weights).items() if name != "kept"},
        "kept": [one._asdict() for one in weights.kept],
        "seconds": what.seconds,
    }

"""The weight program of a split graph, and the constants that become variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from onnx import ModelProto

from acl_bundle import dtypes
from acl_bundle.build._fold.split import Split, split
from acl_bundle.build._fold.values import Values
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Constant, WeightProgram


@dataclass(frozen=True)
class Folded:
    """What a model's weights became.

    Attributes:
        constants: What becomes a variable, in order, with its first value.
        program: How sources become constants.
    """

    constants: tuple[ModelConstant, ...]
    program: WeightProgram


def fold(
    model: ModelProto,
    constants: Mapping[str, ModelConstant],
    chosen: Sequence[ModelConstant],
    *,
    passes: bool,
    init: bool,
    aliases: Mapping[str, str],
    unused: Sequence[str],
) -> Folded:
    """Split a model by what its weights decide, in place.

    Args:
        model: Light, inlined, its constants gathered.
        constants: The constants of its main graph, by name.
        chosen: The sources, in order. One that nothing reads is a constant as it is.
        passes: Whether anything is folded; without it each source is a constant.
        init: Whether there is an init graph, which gives sources a first value.
        aliases: Other names of sources.
        unused: Names or patterns of what a trainer has and no constant needs.

    Raises:
        WeightError: An alias is a weight's own name, or stands for none.
    """
    own = {one.name: one for one in chosen}
    _check_aliases(aliases, own)
    done = split(model, constants, list(own)) if passes else Split({}, Values(constants, own))
    needed = {name for value in done.constants.values() for name in done.values.depends(value)}
    named = {**done.constants, **{name: name for name in own if name not in needed}}
    placed = {n: own[n] if v in own else done.constant(n) for n, v in named.items()}
    program = WeightProgram(
        sources=tuple(
            WeightSpec(n, one.dims, dtypes.to_numpy(one.dtype)) for n, one in own.items()
        ),
        constants=tuple(
            Constant(name, named[name], dtypes.to_numpy(one.dtype), one.dims)
            for name, one in placed.items()
        ),
        values={
            name: done.values.array(name)
            for step in done.values.steps.values()
            for name in step.inputs
            if not done.values.depends(name)
        },
        steps=tuple(done.values.steps.values()),
        aliases=aliases,
        unused=tuple(unused),
    )
    return Folded(tuple(placed.values()), _trimmed(program, own if init else {}))


def _trimmed(program: WeightProgram, first: Mapping[str, ModelConstant]) -> WeightProgram:
    """Leave out what no constant needs, and add the first values that some do."""
    steps = {step.output: step for piece in program.pieces for step in piece.steps}
    used = {name for step in steps.values() for name in step.inputs}
    return replace(
        program,
        steps=tuple(step for step in program.steps if step.output in steps),
        values={name: value for name, value in program.values.items() if name in used},
        first={
            spec.name: first[spec.name].array
            for spec in program.sources
            if spec.name in program.kept and spec.name in first
        },
    )


def _check_aliases(aliases: Mapping[str, str], own: Mapping[str, ModelConstant]) -> None:
    for alias, name in aliases.items():
        if alias in own:
            raise WeightError(f"aliases has {alias!r}, which is a weight itself")
        if name not in own:
            raise WeightError(
                f"aliases says that {alias!r} is {name!r}, which is no weight; the weights are"
                f" {', '.join(map(repr, own))}"
            )

"""A weight program that the caller has, and the constants that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from onnx import GraphProto

from acl_bundle import dtypes
from acl_bundle.build._fold.program import Folded
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._origin import selection
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import WeightProgram, check


def check_one(
    program: object, weights: object, aliases: Mapping[str, str] | None, unused: Sequence[str]
) -> None:
    """Refuse a call that says twice, or not at all, what the weights are.

    Raises:
        WeightError: There is a program and something beside it, or neither it nor ``weights``.
        TypeError: ``weights`` cannot be what it is.
    """
    if program is None and weights is None:
        raise WeightError('weights is None; name them, weights=[...] or "all", or give a program')
    single = not isinstance(weights, Iterable) or getattr(weights, "shape", None) == ()
    if weights is not None and single:
        raise TypeError(f'weights is {weights!r:.80}; a list of names, or "all", is right')
    beside = {"weights": weights, "aliases": aliases, "unused": tuple(unused) or None}
    twice = [name for name, value in beside.items() if value is not None]
    if program is not None and twice:
        raise WeightError(f"program= says what the weights are; leave out {', '.join(twice)}")


def given(
    program: WeightProgram, constants: Mapping[str, ModelConstant], graph: GraphProto, *, init: bool
) -> Folded:
    """Return the constants of a model that a program makes, as what a fold gives.

    Args:
        program: It; the graph stays as it is.
        constants: The constants of the main graph, by name.
        graph: The main graph.
        init: Whether there is an init graph, which gives sources a first value.

    Raises:
        WeightError: One of its constants is none of the model, or not so.
    """
    there = {
        name: WeightSpec(name, one.dims, dtypes.to_numpy(one.dtype))
        for name, one in constants.items()
    }
    check(program, [*there.values()], "the model")
    chosen = selection.choose([one.name for one in program.constants], constants, graph)
    return Folded(tuple(chosen), program if init else replace(program, first={}))

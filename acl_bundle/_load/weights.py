"""The weights behind the update graph's inputs, and the program that makes them."""

from __future__ import annotations

from acl_bundle import om
from acl_bundle.errors import BundleFormatError, WeightError
from acl_bundle.om._bundle.roles import UPDATE_SUFFIX
from acl_bundle.spec import TensorSpec, WeightSpec
from acl_bundle.weight_program import WeightProgram, before, check, fit, from_bytes


def weights_of(file: om.Bundle, inputs: tuple[TensorSpec, ...]) -> tuple[WeightSpec, ...]:
    """The weights behind the update graph's inputs, with the names and shapes of the file."""
    known = {one.in_graph: (one.name, one.shape) for one in file.variables.values()}
    names = [spec.name.removesuffix(UPDATE_SUFFIX) for spec in inputs]
    return tuple(
        WeightSpec(*known.get(name, (name, None)), spec.dtype)
        for name, spec in zip(names, inputs, strict=True)
    )


def program_of(
    file: om.Bundle, at: int, weights: tuple[WeightSpec, ...], given: WeightProgram | None
) -> WeightProgram | None:
    """What makes the update graph's weights of a trainer's, where the file, its manifest or the
    caller says it.

    Raises:
        BundleFormatError: The file's is damaged, or not of these weights.
        WeightError: The caller's is not of these weights, or not of what the file's own takes.
    """
    own = _own_program(file, at, weights)
    if own is None:
        return given and fit(given, weights)
    return own if given is None else before(given, own)


def _own_program(file: om.Bundle, at: int, weights: tuple[WeightSpec, ...]) -> WeightProgram | None:
    model = file.models[at]
    found = file.program_of(model)
    if found is None:
        return None
    try:
        program = from_bytes(bytes(found))  # the file behind a mapping may be cut short
        check(program, weights, "the graph")
    except (ValueError, WeightError) as error:
        raise BundleFormatError(f"{model.name}, its weight program: {error}") from error
    made, there = [one.name for one in program.constants], [spec.name for spec in weights]
    if made != there:
        raise BundleFormatError(
            f"{model.name}: its weight program makes {', '.join(made)}; the graph takes"
            f" {', '.join(there)}"
        )
    return program

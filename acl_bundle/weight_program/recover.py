"""From a graph's constants back to the sources that a weight program made them of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from acl_bundle.weight_program.ops import OPERATIONS
from acl_bundle.weight_program.program import Array, Piece, Step, WeightProgram

_BACK = frozenset(("transpose", "reshape"))


def lost(program: WeightProgram) -> dict[str, str]:
    """Return the sources whose values cannot be had from first values and constants, and why."""
    found = {}
    for spec in program.sources:
        if spec.name not in program.first and not _is_there(program, spec.name):
            read = bool(program.readers[spec.name])
            found[spec.name] = (
                "the file has only what is computed of it" if read else "no constant is made of it"
            )
    return found


def recover(program: WeightProgram, name: str, constants: Mapping[str, Array]) -> Array:
    """Return a source's value: its first value, or that of a constant it was moved to.

    A source that the graph has in a narrower dtype comes rounded to that.

    Args:
        program: It.
        name: A source that is not `lost`.
        constants: The values that the first values made.
    """
    if name in program.first:
        return program.first[name]
    spec = next(one for one in program.sources if one.name == name)
    shape = spec.shape or ()
    piece = next(_moved(program, name), None)
    if piece is None:
        return _gathered(program, name, shape, constants).astype(spec.dtype, copy=False)
    value = constants[piece.constant.name]
    for step, before in reversed([*zip(piece.body, _shapes(piece.body, shape), strict=True)]):
        value = _undone(step, value, before)
    return value.astype(spec.dtype, copy=False)


def _is_there(program: WeightProgram, name: str) -> bool:
    if next(_moved(program, name), None) is not None:
        return True
    shape = next(one.shape or () for one in program.sources if one.name == name)
    seen = np.zeros(shape, np.bool_).reshape(-1)
    for _, places in _parts(program, name, shape):
        seen[places] = True
    return bool(seen.all())


def _gathered(
    program: WeightProgram, name: str, shape: tuple[int, ...], constants: Mapping[str, Array]
) -> Array:
    """A source from the constants that are parts of it."""
    parts = [(constants[piece.constant.name], at) for piece, at in _parts(program, name, shape)]
    whole = np.empty(shape, parts[0][0].dtype)
    for value, places in parts:
        whole.reshape(-1)[places] = value.reshape(-1)
    return whole


def _parts(
    program: WeightProgram, name: str, shape: tuple[int, ...]
) -> Iterator[tuple[Piece, Array]]:
    """The pieces that are parts of a source, and where their elements lie in it."""
    for at in program.readers[name]:
        piece = program.pieces[at]
        if piece.moves_only:
            places = np.arange(int(np.prod(shape))).reshape(shape)
            for step in piece.body:
                places = OPERATIONS[step.op](places, **step.options)
            yield piece, places.reshape(-1)


def _moved(program: WeightProgram, name: str) -> Iterator[Piece]:
    """The pieces that are a source as it is, transposed, reshaped or cast."""
    for at in program.readers[name]:
        piece = program.pieces[at]
        if piece.moves_only and all(step.op in _BACK for step in piece.body):
            yield piece


def _shapes(steps: tuple[Step, ...], shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The shape in front of each step."""
    value = np.broadcast_to(np.empty((), np.bool_), shape)
    for step in steps:
        yield value.shape
        value = OPERATIONS[step.op](value, **step.options)


def _undone(step: Step, value: Array, before: tuple[int, ...]) -> Array:
    if step.op == "reshape":
        return value.reshape(before)
    turned: Array = value.transpose(np.argsort(np.asarray(step.options["perm"])))
    return turned

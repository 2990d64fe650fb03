"""Weight programs in files of their own, and beside bundles that were compiled without one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from acl_bundle._atomic import replacing
from acl_bundle._files import Path_, map_regular
from acl_bundle.errors import BundleFormatError, WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program.program import Constant, WeightProgram
from acl_bundle.weight_program.text import from_bytes, to_bytes

Given: TypeAlias = "WeightProgram | Path_"


def save(program: WeightProgram, path: Path_) -> Path:
    """Write a program to a file, whole or not at all, and return its path.

    Raises:
        OSError: It cannot be written; what was there before still is.
    """
    with replacing(path) as file:
        file.write(to_bytes(program))
    return Path(path)


def load(path: Path_) -> WeightProgram:
    """Read a program from a file, which is mapped as long as the program lives.

    Raises:
        BundleFormatError: It is no program, or one that does not hold together.
        OSError: It cannot be read.
    """
    try:
        return from_bytes(map_regular(path))
    except ValueError as error:
        raise BundleFormatError(f"{path} holds no weight program: {error}") from error


def opened(program: Given) -> WeightProgram:
    """Return a program that was given as itself or as the path of its file.

    Raises:
        TypeError: It is neither.
        BundleFormatError, OSError: As for `load`.
    """
    if isinstance(program, WeightProgram):
        return program
    try:
        return load(program)
    except TypeError:
        raise TypeError(
            f"program is a {type(program).__name__}; a WeightProgram or the path of its file is"
            " right"
        ) from None


def check(program: WeightProgram, there: Sequence[WeightSpec], what: str) -> None:
    """Refuse a program that makes a constant that is not there, or not so.

    Args:
        program: It.
        there: The constants that are there.
        what: Where, for the message: "the model".

    Raises:
        WeightError: A constant's name, dtype or shape differs.
    """
    known = {spec.name: spec for spec in there}
    for made in program.constants:
        spec = known.get(made.name)
        if spec is None:
            raise WeightError(
                f"the program makes {made.name!r}, which {what} does not have; it has"
                f" {', '.join(map(repr, known)) or 'none'}"
            )
        if spec.dtype != made.dtype or spec.shape not in (None, made.shape):
            raise WeightError(f"the program makes {made.spec}; {what} has {spec}")


def fit(program: WeightProgram, there: Sequence[WeightSpec]) -> WeightProgram:
    """Return a program for all weights of a graph, in the graph's order.

    Those that the program does not make are sources, taken as they are.

    Raises:
        WeightError: It makes a weight that is not there, or not so, or has
            another value under the name of one.
    """
    check(program, there, "the update graph")
    made = {one.name: one for one in program.constants}
    plain = [spec for spec in there if spec.name not in made]
    constants = (
        made.get(spec.name) or Constant(spec.name, spec.name, spec.dtype, spec.shape or ())
        for spec in there
    )
    try:
        return WeightProgram(
            (*program.sources, *plain), tuple(constants), program.steps, program.values,
            program.first, program.aliases, program.unused,
        )  # fmt: skip
    except ValueError as error:
        raise WeightError(
            f"the program leaves out weights whose names it has for something else: {error}"
        ) from error

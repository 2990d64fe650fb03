"""Weight programs in files of their own, and beside bundles that were compiled without one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol, TypeAlias

from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_, map_regular
from acl_bundle.errors import BundleFormatError
from acl_bundle.weight_program.program import WeightProgram
from acl_bundle.weight_program.text import from_bytes, to_bytes


class Holder(Protocol):
    """What has a weight program: a `build.Match`, a `build.Bundle`."""

    @property
    def program(self) -> WeightProgram:
        """It."""


Given: TypeAlias = "WeightProgram | Holder | Path_"


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
    """Return a program that was given as itself, in a holder, or as the path of its file.

    Raises:
        TypeError: It is none of these.
        BundleFormatError, OSError: As for `load`.
    """
    held = program if isinstance(program, WeightProgram) else getattr(program, "program", None)
    if isinstance(held, WeightProgram):
        return held
    if isinstance(program, str | os.PathLike):
        return load(program)
    raise TypeError(
        f"program is a {type(program).__name__}; a WeightProgram, what build.match gives, or the"
        " path of a program's file is right"
    )

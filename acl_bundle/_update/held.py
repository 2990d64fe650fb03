"""What the variables hold now, read back under the names that an update takes.

*owned* variables: their bytes are copied from the device, where the file tells
the place of each. A file for a chip does not, and the device may store a weight
there in another dtype or format.

*library* variables: their memory cannot be reached. A weight has the value that
its last update gave, which is kept for rollback, or its first value in the file.

Where a weight program makes the graph's constants, the names are the trainer's.
A weight that was moved to constants, transposed or in parts, is read from them.
Of one that a constant joins with others the last value is kept on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import check
from acl_bundle._base.wait import Wait
from acl_bundle._run.published import Published, Version
from acl_bundle._update._commit.writer import Writer
from acl_bundle.errors import PoisonedError, RoleError, UnsupportedError, UpdateError, WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import WeightProgram, lost, recover
from acl_bundle.weights import Spec

Array = NDArray[Any]
First = Callable[[str], "Array | None"]


class Readback:
    """Reads the weights of one bundle.

    Args:
        writer: The bundle's.
        weights: Tells what an update takes, or, where there is none, what the file names.
        program: What makes the graph's constants of these; None where they are the constants.
        first: The value that the file has for a constant; None where it has none.
    """

    def __init__(
        self,
        writer: Writer,
        weights: Callable[[], Sequence[WeightSpec]],
        program: WeightProgram | None,
        first: First,
    ) -> None:
        self.writer, self._weights, self.first = writer, weights, first
        self.program = None if program is None else replace(program, first={})
        self.joined: Mapping[str, Array] = {} if program is None else program.first

    @property
    def weights(self) -> dict[str, WeightSpec]:
        """What can be asked for: the weights that some variable is made of."""
        readers = None if self.program is None else self.program.readers
        return {one.name: one for one in self._weights() if readers is None or readers[one.name]}

    @cached_property
    def lost(self) -> Mapping[str, str]:
        """The weights of which the variables hold only what is computed."""
        return {} if self.program is None else lost(self.program)

    @contextmanager
    def whole(self, what: str) -> Iterator[HeldWeights]:
        """What the weights hold, all of one version: no commit comes before the block's end.

        Raises:
            RoleError: There are none.
            PoisonedError: A commit failed, and nobody knows what they hold.
            BusyError, ClosedError: As `Writer.alone`.
        """
        if not self.weights:
            raise RoleError(f"{what}: the file has no weights that could be updated or read")
        with self.writer.alone(what, Wait()) as signals:
            if self.writer.variables.poisoned:
                raise PoisonedError(
                    f"{what} is refused: a failed update or init left the weights in an unknown"
                    " state. Run bundle.init(), or update every weight at once"
                )
            yield HeldWeights(self, self.writer.variables.published, signals.deliver)


class HeldWeights(Mapping[str, Array]):
    """The weights of one version, by name; each is fetched when it is asked for.

    Attributes:
        version: Which.
    """

    def __init__(self, of: Readback, now: Published, pause: Callable[[], object]) -> None:
        self._of, self._now, self._pause, self._specs = of, now, pause, of.weights
        self._constants = _Constants(of, now, pause)
        program = of.program
        self._aliases = {} if program is None else program.aliases
        self.version: Version = now.version

    def named(self, name: str) -> WeightSpec:
        """Find a weight by its name, or by another name of it.

        Raises:
            TypeError: It is no name.
            WeightError: There is none.
        """
        if not isinstance(name, str):
            raise TypeError(f"name is {name!r}; give a weight's name, a str")
        found = self._specs.get(self._aliases.get(name, name))
        if found is None:
            made = self._made_of(name)
            raise WeightError(
                f"there is no weight {name!r} to read"
                + (f": it is computed of {made}, which can be read" if made else "")
                + f"; there are {', '.join(self._specs) or 'none'}"
            )
        return found

    def _made_of(self, name: str) -> str:
        pieces = () if self._of.program is None else self._of.program.pieces
        made = (one.sources for one in pieces if one.constant.name == name)
        return ", ".join(map(repr, next(made, ())))

    def spec(self, name: str) -> Spec:
        """Shape and dtype of a weight, without reading it where the file tells its shape."""
        found = self._specs[name]
        shape = self[name].shape if found.shape is None else found.shape
        return Spec(shape, found.dtype)

    def __getitem__(self, name: str) -> Array:
        """Return a weight's value, an array of its own or read-only.

        Raises:
            KeyError: There is no such weight.
            UpdateError: It has no value yet, or nobody kept it.
            UnsupportedError: It cannot be had from what the device holds.
            AclError: A copy failed.
        """
        self._pause()
        spec, program = self._specs[name], self._of.program
        if program is None:
            return self._constants[name]
        joined: Array | None = self._now.sources.get(name)
        if joined is None and self._now.initialised and name not in self._now.sources:
            joined = self._of.joined.get(name)
        if joined is not None:
            return _shared(joined)
        if name in self._of.lost:
            raise UnsupportedError(
                f"weight {name!r} cannot be read: the model has only what is computed of it, and"
                " its value was not kept"
            )
        return recover(program, spec.name, self._constants)

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


class _Constants(Mapping[str, Array]):
    """What the graph's variables hold, by the graph's names."""

    def __init__(self, of: Readback, now: Published, pause: Callable[[], object]) -> None:
        self._writer, self._first, self._now, self._pause = of.writer, of.first, now, pause
        program = of.program
        specs = of.weights.values() if program is None else [c.spec for c in program.constants]
        self._specs = {spec.name: spec for spec in specs}

    def __getitem__(self, name: str) -> Array:
        spec = self._specs[name]
        if not (self._now.initialised or name in self._now.written):
            raise UpdateError(f"weight {name!r} has no value yet: call init(), or update it first")
        area = self._writer.area
        return self._kept(spec) if area is None else area.read(spec, self._pause)

    def _kept(self, spec: WeightSpec) -> Array:
        now, name = self._now, spec.name
        if name in now.lost:
            raise UpdateError(
                f"nobody kept the value of {name!r}, updated with rollback='none', and the"
                " variables' memory is the library's: load with variables='owned'"
            )
        if name in now.kept:
            return _shared(now.kept[name])
        found = self._first(name)
        if found is None:
            raise UnsupportedError(
                f"weight {name!r} holds its first value, which the file does not tell, and the"
                " variables' memory is the library's"
            )
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)


def _shared(value: Array) -> Array:
    """A value that others hold too, so that nobody writes it."""
    found: Array = value.view()
    found.flags.writeable = False
    return found


def into(value: Array, spec: WeightSpec, out: Array | None) -> Array:
    """Write a value where the caller wants it; None: to an array of his own.

    Raises:
        TypeError: `out` is no array.
        ValueError: It cannot be written, is not contiguous, or not of the weight's shape.
    """
    if out is None:
        return value if value.flags.owndata and value.flags.writeable else value.copy()
    check_out(out, replace(spec, shape=value.shape))
    np.copyto(out, value)
    return out


def check_out(out: object, spec: WeightSpec) -> None:
    """Refuse what a weight cannot be written to."""
    what = f"out, for weight {spec.name!r},"
    if not isinstance(out, np.ndarray):
        raise TypeError(f"{what} is a {type(out).__name__}; give a numpy array {spec}")
    check(out, what, spec)
    if not out.flags.writeable:
        raise ValueError(f"{what} is read-only; give an array that can be written")

"""What an update is to change: the result of planning, before a byte moves.

A `Plan` holds the weights to move in the graph's order, how each becomes the
device's bytes, and what is to be reported of the others. A dict holds its
values, and so does a plan of it. Any other mapping is lazy: a value was
fetched to be checked and dropped, and is fetched again when it is staged,
where it must still be what it was (`Plan.fetch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._device.array import DeviceArray
from acl_bundle._plan.casts import COPY, ON_DEVICE, CastCounts, move_of
from acl_bundle._plan.options import Options
from acl_bundle._plan.table import NO_WEIGHTS, WeightTable
from acl_bundle._plan.unchanged import Remembered, digest
from acl_bundle._plan.value import check_value
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec

Array = NDArray[Any]


@dataclass
class Plan:
    """The weights that an update changes, in the graph's order, and what to say of them.

    Attributes:
        label: The graph, for messages.
        options: As they were given.
        pause: Called between values, wherever planning or staging may be left.
        weights: All that could be given; none where that is another plan's.
        indices: The changed weights' places among the update graph's inputs.
        specs: Their specs, each with a shape.
        arrays: Their new values, checked; None where `fetch` is to bring it. A DeviceArray stays
            where it is; it is neither converted nor counted.
        moves: How each becomes the device's bytes; nothing of value where there is no array.
        source: Where `fetch` looks.
        strict: Names whose conversion the source wants refused where it overflows.
        saturated: Names of those that take the largest finite number there.
        met: Dtype and shape that a lazy value had when it was checked, by name; of one that
            is computed, what the weight's are.
        makers: What computes a value, by name, where it is not the source's.
        made_of: What each of them is computed of, where a trainer calls it something else.
        learnt: Specs whose shape this update is the first to show, by index.
        unchanged: Names of the weights that hold what was given, in the graph's order.
        ignored: Names that the graph does not have, in the caller's order.
        facts: What to remember of each weight given, once the update is committed.
        casts: What conversions did, by name; complete when everything has been staged.
        nonfinite: How many values given are NaN or infinite, or become so by a conversion,
            by name, of weights that have some; complete as ``casts`` is.
        nbytes: Bytes to move to the device; of what lies there already, none.
    """

    label: str
    options: Options = field(default_factory=Options)
    pause: Callable[[], object] = tuple
    weights: WeightTable = NO_WEIGHTS
    indices: list[int] = field(default_factory=list)
    specs: list[WeightSpec] = field(default_factory=list)
    arrays: list[Array | DeviceArray | None] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    source: Mapping[str, Any] = field(default_factory=dict)
    strict: set[str] = field(default_factory=set)
    saturated: set[str] = field(default_factory=set)
    met: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = field(default_factory=dict)
    makers: dict[str, Callable[[], Array]] = field(default_factory=dict)
    made_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    learnt: dict[int, WeightSpec] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    facts: dict[str, Remembered] = field(default_factory=dict)
    casts: dict[str, CastCounts] = field(default_factory=dict)
    nonfinite: dict[str, int] = field(default_factory=dict)
    nbytes: int = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The changed weights' names."""
        return tuple([spec.name for spec in self.specs])

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the weights that were not given, in the graph's order."""
        return self.weights.others((*self.names, *self.unchanged))

    def add(self, index: int, spec: WeightSpec, array: Any, lazy: bool) -> None:
        """Take in one checked value."""
        if spec.shape is None:
            spec = self.learnt[index] = replace(spec, shape=array.shape)
        self.indices.append(index)
        self.specs.append(spec)
        if isinstance(array, DeviceArray):
            self.arrays.append(array)
            self.moves.append(ON_DEVICE)
            return
        self.nbytes += array.size * spec.dtype.itemsize
        if lazy:
            self.met[spec.name] = array.dtype, array.shape
            self.arrays.append(None)
            self.moves.append(COPY)
        else:
            self.arrays.append(array)
            self.moves.append(move_of(array, spec.dtype))

    def compute(self, index: int, spec: WeightSpec, make: Callable[[], Array]) -> None:
        """Take in a value that is computed whenever it is fetched."""
        self.indices.append(index)
        self.specs.append(spec)
        self.nbytes += spec.nbytes or 0
        self.met[spec.name] = spec.dtype, spec.shape or ()
        self.makers[spec.name] = make
        self.arrays.append(None)
        self.moves.append(COPY)

    def checked(self, spec: WeightSpec) -> Any:
        """Fetch a value, as an array that may be given for the weight.

        A view that converts (`acl_bundle.weights.cast`) is asked for what it
        would convert, which the stage then converts while it copies. A digest of
        that tells nothing of saturation, so where one is to be kept, the view's
        own value is taken for a view that saturates.

        Raises:
            WeightError, TypeError: It does not fit.
        """
        ask = getattr(self.source, "unconverted", None)
        found = None if ask is None else ask(spec.name, spec.dtype)
        saturates = found is not None and found[1] == "saturate"
        if found is None or (saturates and self.options.skip_unchanged):
            return check_value(self.source[spec.name], spec, self.options.cast)
        value, on_overflow = found
        if on_overflow == "error":
            self.strict.add(spec.name)
        elif saturates:
            self.saturated.add(spec.name)
        return check_value(value, spec, "same_kind")

    def fetch(self, place: int) -> Array:
        """The value at one place, on the host; a lazy one is fetched, and checked, once more.

        Raises:
            AclError: It is on the device, and cannot be read.
            WeightError: It is no longer what it was when it was planned.
        """
        array = self.arrays[place]
        if isinstance(array, DeviceArray):
            return array.to_host()
        if array is not None:
            return array
        spec = self.specs[place]
        if spec.name in self.makers:
            return self.makers[spec.name]()
        found: Array = self.checked(spec)
        if (found.dtype, found.shape) != self.met[spec.name]:
            dtype, shape = self.met[spec.name]
            raise WeightError(
                f"weight {spec.name!r} was {dtype} of shape {shape} when it was checked, and"
                f" {found.dtype} of shape {found.shape} when it was fetched again; a lazy mapping"
                " gives the same value every time"
            )
        if self.options.skip_unchanged:
            known = self.facts.get(spec.name, Remembered())
            self.facts[spec.name] = replace(known, digest=digest(found))
        return found

    def without_values(self) -> Plan:
        """The same, of which nothing can be fetched, and which keeps nobody's arrays."""
        none: list[Array | DeviceArray | None] = [None] * len(self.arrays)
        return replace(self, arrays=none, source={}, makers={}, pause=tuple)

    def note_cast(
        self, place: int, source: np.dtype[Any], numbers: tuple[int, int, int, int]
    ) -> None:
        """Note what a conversion did."""
        spec = self.specs[place]
        self.casts[spec.name] = CastCounts(source, spec.dtype, *numbers)

    def note_nonfinite(self, place: int, count: int) -> None:
        """Note values that the device has as not finite; one that is fetched anew counts anew."""
        if count:
            self.nonfinite[self.specs[place].name] = count

    def part(self, places: Sequence[int]) -> Plan:
        """The plan of some of the changed weights, for a stage that cannot hold all.

        What is found on the way (``casts``, ``nonfinite``, ``facts``) goes to this plan, too.
        """
        specs = [self.specs[place] for place in places]
        return replace(
            self,
            indices=[self.indices[place] for place in places],
            specs=specs,
            arrays=[self.arrays[place] for place in places],
            moves=[self.moves[place] for place in places],
            nbytes=sum(
                math.prod(self.specs[place].shape or ()) * self.specs[place].dtype.itemsize
                for place in places
                if self.moves[place] != ON_DEVICE
            ),
        )

"""What an update is to change: the result of planning, before a byte moves.

A `Plan` holds the weights to move in the graph's order, how each becomes the
device's bytes, and what is to be reported of the others. A dict holds its
values, and so does a plan of it. Any other mapping is lazy: a value was
fetched to be checked and dropped, and is fetched again when it is staged,
where it must still be what it was (`Plan.fetch`).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import whole
from acl_bundle._binding.shim import lib
from acl_bundle._names.given import check_patterns
from acl_bundle._plan.casts import CASTS, COPY, CastCounts, move_of
from acl_bundle._plan.unchanged import Remembered, digest
from acl_bundle._plan.value import check_value
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec

Array = NDArray[Any]
MAX_THREADS = lib.AB_STAGE_MAX_THREADS
TOLD = 3


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What an update would do.

    Attributes:
        changed: Names of the weights that would be assigned, in the graph's order.
        unchanged: Names of those that were given and are known to hold that value.
        kept: Names of all that would be left as they are: ``unchanged`` and ``missing``.
        unknown: Names that the graph does not have.
        missing: Names of the weights that were not given.
        nbytes: Bytes that would go to the device.
    """

    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    nbytes: int


def _one_of(name: str, value: object, choices: Sequence[object]) -> None:
    if not any(value is choice or (type(value) is str and value == choice) for choice in choices):
        listed = " or ".join(map(repr, choices))
        raise ValueError(f"{name} is {listed}, not {value!r}")


@dataclass(frozen=True, slots=True)
class Options:
    """How an update treats what it is given; see UpdateGraph for what each means.

    A flag, and the number of threads, may be one of numpy's.

    Raises:
        ValueError: A value is none of those that there are.
        TypeError: Tokens that are not a mapping, or threads that are no int.
    """

    cast: str = "safe"
    on_overflow: str = "warn"
    unknown: str = "error"
    skip_unchanged: bool | np.bool_ = False
    tokens: Mapping[str, Hashable] | None = None
    threads: int = 1
    finite: bool | np.bool_ = False
    unused: tuple[str, ...] = ()
    ignore: Iterable[str] = ()

    def __post_init__(self) -> None:
        for name in ("finite", "skip_unchanged"):
            if isinstance(flag := getattr(self, name), np.bool_):
                object.__setattr__(self, name, bool(flag))
        _one_of("cast", self.cast, CASTS)
        _one_of("on_overflow", self.on_overflow, ("warn", "error"))
        _one_of("unknown", self.unknown, ("error", "ignore", "unused"))
        _one_of("skip_unchanged", self.skip_unchanged, (False, True))
        if not (self.tokens is None or isinstance(self.tokens, Mapping)):
            raise TypeError(f"tokens is a dict of name to token, not {type(self.tokens)}")
        _one_of("finite", self.finite, (False, True))
        object.__setattr__(self, "ignore", check_patterns(self.ignore))
        object.__setattr__(self, "threads", whole(self.threads, "threads is an int"))
        if not 1 <= self.threads <= MAX_THREADS:
            raise ValueError(f"threads is 1 to {MAX_THREADS}, not {self.threads}")


@dataclass
class Plan:
    """The weights that an update changes, in the graph's order, and what to say of the others.

    Attributes:
        label: The graph, for messages.
        options: As they were given.
        pause: Called between values, wherever planning or staging may be left.
        indices: The changed weights' places among the update graph's inputs.
        specs: Their specs, each with a shape.
        arrays: Their new values, checked; None where `fetch` is to bring it.
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
        missing: Names of the weights that were not given, in the graph's order.
        kept: Names of both, in the graph's order: all that stay as they are.
        ignored: Names that the graph does not have, in the caller's order.
        facts: What to remember of each weight given, once the update is committed.
        casts: What conversions did, by name; complete when everything has been staged.
        nonfinite: How many values given are NaN or infinite, or become so by a conversion,
            by name, of weights that have some; complete as ``casts`` is.
        nbytes: Bytes to move to the device.
    """

    label: str
    options: Options = field(default_factory=Options)
    pause: Callable[[], object] = tuple
    indices: list[int] = field(default_factory=list)
    specs: list[WeightSpec] = field(default_factory=list)
    arrays: list[Array | None] = field(default_factory=list)
    moves: list[int] = field(default_factory=list)
    source: Mapping[str, Any] = field(default_factory=dict)
    strict: set[str] = field(default_factory=set)
    saturated: set[str] = field(default_factory=set)
    met: dict[str, tuple[np.dtype[Any], tuple[int, ...]]] = field(default_factory=dict)
    makers: dict[str, Callable[[], Array]] = field(default_factory=dict)
    made_of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    learnt: dict[int, WeightSpec] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    ignored: tuple[str, ...] = ()
    facts: dict[str, Remembered] = field(default_factory=dict)
    casts: dict[str, CastCounts] = field(default_factory=dict)
    nonfinite: dict[str, int] = field(default_factory=dict)
    nbytes: int = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The changed weights' names."""
        return tuple([spec.name for spec in self.specs])

    def leave(self, name: str, why: list[str]) -> None:
        """Leave a weight as it is, being one of `unchanged` or `missing`."""
        self.kept.append(name)
        why.append(name)

    def add(self, index: int, spec: WeightSpec, array: Array, lazy: bool) -> None:
        """Take in one checked value."""
        if spec.shape is None:
            spec = self.learnt[index] = replace(spec, shape=array.shape)
        self.indices.append(index)
        self.specs.append(spec)
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

    def checked(self, spec: WeightSpec) -> Array:
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
        """The value at one place; a lazy one is fetched, and checked, once more.

        Raises:
            WeightError: It is no longer what it was when it was planned.
        """
        array = self.arrays[place]
        if array is not None:
            return array
        spec = self.specs[place]
        if spec.name in self.makers:
            return self.makers[spec.name]()
        array = self.checked(spec)
        if (array.dtype, array.shape) != self.met[spec.name]:
            dtype, shape = self.met[spec.name]
            raise WeightError(
                f"weight {spec.name!r} was {dtype} of shape {shape} when it was checked, and"
                f" {array.dtype} of shape {array.shape} when it was fetched again; a lazy mapping"
                " gives the same value every time"
            )
        if self.options.skip_unchanged:
            known = self.facts.get(spec.name, Remembered())
            self.facts[spec.name] = replace(known, digest=digest(array))
        return array

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
            nbytes=sum(math.prod(spec.shape or ()) * spec.dtype.itemsize for spec in specs),
        )

    def check_finite(self) -> None:
        """Refuse what is not finite, as given or once converted, if the options ask for that.

        Called when everything has been staged or surveyed and nothing is committed.

        Raises:
            WeightError: There is a value that is not; it names the first of each weight.
        """
        if not self.options.finite:
            return
        bad = [place for place, spec in enumerate(self.specs) if spec.name in self.nonfinite]
        if bad:
            text = "; ".join(self._told(place) for place in bad[:TOLD])
            more = f"; and {len(bad) - TOLD} more weights" if len(bad) > TOLD else ""
            raise WeightError(
                f"{self.label}: finite=True refuses NaN and infinity: {text}{more}; nothing was"
                " changed"
            )

    def _told(self, place: int) -> str:
        """Say how many values of a weight are not finite, and which is the first."""
        spec = self.specs[place]
        array = self.fetch(place)
        with np.errstate(all="ignore"):
            moved = array if spec.name in self.saturated else array.astype(spec.dtype, copy=False)
            first = int(np.argmin(np.isfinite(moved).reshape(-1)))
        index = tuple(int(one) for one in np.unravel_index(first, array.shape))
        where = f", the first at {list(index)}: {array[index]}" if array.ndim else f": {array}"
        count, sources = self.nonfinite[spec.name], self.made_of.get(spec.name)
        made = f", made of {', '.join(map(repr, sources))}," if sources else ""
        return f"weight {spec.name!r}{made} has {count}{self._by(spec.name)}{where}"

    def _by(self, name: str) -> str:
        """Say how many of a weight's values are not finite by a conversion alone."""
        cast = self.casts.get(name)
        if cast is None or not cast.overflow or name in self.saturated:
            return ""
        some = "" if cast.overflow == self.nonfinite[name] else f"{cast.overflow} of them "
        return f" ({some}by the cast from {cast.source} to {cast.target})"

    def check_overflow(self, depth: int) -> None:
        """Say which values a conversion has made infinite, as the options ask.

        Called when everything has been staged and nothing is committed.

        Args:
            depth: How many calls above this one the user's own line is.

        Raises:
            WeightError: ``on_overflow`` is "error" and a finite value has become infinite.
        """
        lost = [
            (name, counts)
            for name, counts in self.casts.items()
            if counts.overflow and name not in self.saturated
        ]
        if not lost:
            return
        text = ", ".join(
            f"{counts.overflow} of {name!r} ({counts.source} to {counts.target})"
            for name, counts in lost
        )
        if self.options.on_overflow == "error" or any(name in self.strict for name, _ in lost):
            raise WeightError(
                f"{self.label}: too large for the weight's dtype: {text}; nothing was changed"
            )
        warnings.warn(
            f"{self.label}: finite values became infinite: {text}", RuntimeWarning, stacklevel=depth
        )

    def report(self) -> PlanReport:
        """What this plan would do."""
        return PlanReport(
            changed=self.names,
            unchanged=tuple(self.unchanged),
            kept=tuple(self.kept),
            unknown=self.ignored,
            missing=tuple(self.missing),
            nbytes=self.nbytes,
        )

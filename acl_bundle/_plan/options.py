"""How an update treats what it is given, checked before anything is looked at."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from acl_bundle._base.arrays import whole
from acl_bundle._binding.shim import lib
from acl_bundle._names.given import check_patterns
from acl_bundle._plan.casts import CASTS

MAX_THREADS = lib.AB_STAGE_MAX_THREADS


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

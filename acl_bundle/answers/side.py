"""What all that answers has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any, TypeAlias

from numpy.typing import NDArray

from acl_bundle.spec import TensorSpec

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = dict[str, Array]


class Side(ABC):
    """Something that answers to inputs, open.

    Attributes:
        label: What it is, for messages: the path, and whose weights it has.
        where: What computes, in words that go beside every number.
        is_fake: Whether the fake computes, so that no number is a device's.
        inputs: What it takes; None of outputs that were saved, which take nothing.
        batches: The sizes of its dynamic batch; empty without one.
        times: How long each step took so far, in milliseconds.
        version: The version of the weights that answered; None where there is none.
    """

    def __init__(self, label: str, where: str, inputs: tuple[TensorSpec, ...] | None) -> None:
        self.label: str = label
        self.where: str = where
        self.is_fake: bool = False
        self.inputs: tuple[TensorSpec, ...] | None = inputs
        self.batches: tuple[int, ...] = ()
        self.times: dict[str, float] = {}
        self.version: int | str | None = None

    @abstractmethod
    def run(self, given: Mapping[str, Array], /) -> Arrays:
        """Answer once; blocks until the outputs are on the host.

        Raises:
            ValueError, TypeError: An input is missing, or does not fit.
            AclBundleError: It cannot be run.
        """


@contextmanager
def timed(times: dict[str, float], step: str) -> Iterator[None]:
    """Note how long a block took, in milliseconds."""
    start = perf_counter_ns()
    yield
    times[step] = (perf_counter_ns() - start) / 1e6

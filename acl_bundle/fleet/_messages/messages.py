"""The messages between a coordinator and a replica, as plain data that can be pickled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from acl_bundle.spec import TensorSpec

State = Literal["idle", "prepared", "pending", "poisoned", "closed", "lost"]


class Reference(Protocol):
    """Weights that lie somewhere once, for any number of replicas to read."""

    def opened(self) -> AbstractContextManager[Mapping[str, NDArray[Any]]]:
        """The arrays by name, read-only; they must not be used after the end of the block."""


@dataclass(frozen=True)
class Proposal:
    """One version that a coordinator brings.

    Attributes:
        epoch: The number of the attempt, by which later ones fence earlier ones.
        version: What its weights are called.
        weights: Where they lie; None where nothing was ever committed.
        after: The epoch that is committed when it is decided.
        whole: Whether it names every weight, so that it does not matter what was there before.
        lease: Seconds after which a replica that has heard nothing asks for the decision itself.
        options: Of `Bundle.stage`.
    """

    epoch: int
    version: int | str | None
    weights: Reference | None
    after: int
    whole: bool
    lease: float
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReplicaDescription:
    """What a replica is.

    Attributes:
        name: Its name.
        where: Device, process and host, as text.
        weights: Shape and dtype of each weight that can be updated.
        aliases: Other names of weights.
        unused: Names, or patterns, that an update passes over.
        epoch: The last one that it has committed; 0 for what it was loaded with.
        version: The version that it holds.
        inputs: What the model takes.
        outputs: What it gives.
        batches: The sizes of its dynamic batch.
    """

    name: str
    where: str
    weights: Mapping[str, tuple[tuple[int, ...] | None, np.dtype[Any]]]
    aliases: Mapping[str, str]
    unused: tuple[str, ...]
    epoch: int
    version: int | str | None
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    batches: tuple[int, ...]


@dataclass(frozen=True)
class PrepareAnswer:
    """A version is staged.

    Attributes:
        nbytes: Device memory that it takes until it is committed or dropped, in bytes.
        seconds: How long it took.
    """

    nbytes: int
    seconds: float


@dataclass(frozen=True)
class CommitAnswer:
    """A version is in force.

    Attributes:
        epoch: Its epoch.
        version: Its name.
        seconds: How long the commit took; 0.0 where it had been done before.
    """

    epoch: int
    version: int | str | None
    seconds: float


@dataclass(frozen=True)
class Status:
    """What a replica does now.

    Attributes:
        state: ``"idle"`` and ``"prepared"`` infer; ``"pending"`` (has not the committed version)
            and ``"poisoned"`` (could not commit) do not; nor do ``"closed"`` and ``"lost"``.
        epoch: The last one that it has committed.
        version: The version that it holds.
        prepared: The epoch that is staged; None where none is.
        load: Inferences that are under way.
        reason: Why it does not infer, or "".
    """

    state: State
    epoch: int
    version: int | str | None
    prepared: int | None
    load: int
    reason: str

"""What can go wrong in a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from acl_bundle.errors import AclBundleError, UpdateError


class CoordinatorError(UpdateError):
    """No replica has refused an update: it is about who decides.

    Attributes:
        reasons: As those of `FleetUpdateError`: none.
    """

    reasons: Mapping[str, BaseException] = MappingProxyType({})


class FencedError(CoordinatorError):
    """A newer epoch is known where this one is used; nothing was changed.

    Another coordinator has taken over: make a new `Fleet` over the replicas, or leave it to that
    one.
    """


class UndecidedError(CoordinatorError):
    """It is not known whether an update was decided: its record cannot be reached.

    The replicas ask the record themselves when their lease is over, as does the next update.
    """


class ReplicaClosedError(AclBundleError, RuntimeError):
    """A replica does not infer until it has the committed version; nothing was run.

    Attributes:
        replica: Its name; "" where no replica of a fleet is open.
        reason: Why it is closed.
    """

    def __init__(self, replica: str, reason: str) -> None:
        super().__init__(replica, reason)
        self.replica: str = replica
        self.reason: str = reason

    def __str__(self) -> str:
        if not self.replica:
            return self.reason
        return f"replica {self.replica!r} is closed to inference: {self.reason}"


class ReplicaLostError(AclBundleError, ConnectionError):
    """A replica's process is gone, or cannot be reached.

    Whether it did what it was asked is not known.

    Attributes:
        replica: Its name.
        reason: What was seen of its end.
    """

    def __init__(self, replica: str, reason: str) -> None:
        super().__init__(replica, reason)
        self.replica: str = replica
        self.reason: str = reason

    def __str__(self) -> str:
        return f"replica {self.replica!r} is lost: {self.reason}"


class FleetUpdateError(UpdateError):
    """An update of a fleet was given up before its decision: nothing has changed anywhere.

    Attributes:
        reasons: By name of the replica, the exception of its own that it failed with.
        epoch: The update's.
        version: What it would have been called.
    """

    def __init__(
        self, epoch: int, version: int | str, step: str, reasons: Mapping[str, BaseException]
    ) -> None:
        super().__init__(epoch, version, step, dict(reasons))
        self.epoch: int = epoch
        self.version: int | str = version
        self.reasons: Mapping[str, BaseException] = MappingProxyType(dict(reasons))

    def __reduce__(self) -> tuple[type[FleetUpdateError], tuple[object, ...]]:
        return type(self), self.args  # a mapping proxy is not pickled

    def __str__(self) -> str:
        epoch, version, step, reasons = self.args
        lines = [
            f"version {version!r} (epoch {epoch}) was given up at {step!r}, before its decision:"
            " nothing has changed anywhere"
        ]
        lines += [f"  {name}: {type(one).__name__}: {one}" for name, one in reasons.items()]
        return "\n".join(lines)

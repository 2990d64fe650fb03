"""Why a request gets no answer: one kind for each pair of an HTTP status and a gRPC code."""

from __future__ import annotations

from enum import Enum
from typing import Final

from acl_bundle.errors import (
    AclBundleError,
    AclTimeoutError,
    BusyError,
    ClosedError,
    PoisonedError,
    RoleError,
    UnsupportedError,
    VersionError,
    visible,
)
from acl_bundle.fleet import (
    FencedError,
    FleetUpdateError,
    ReplicaClosedError,
    ReplicaLostError,
    UndecidedError,
)

TEXT_MAX: Final = 4096
"""Characters of a message; what a client sent may be in it."""


class Why(Enum):
    """A kind of refusal: the HTTP status, and the name of gRPC's code."""

    INVALID = 400, "INVALID_ARGUMENT"
    UNAUTHENTICATED = 401, "UNAUTHENTICATED"
    FORBIDDEN = 403, "PERMISSION_DENIED"
    NOT_FOUND = 404, "NOT_FOUND"
    NO_METHOD = 405, "UNIMPLEMENTED"
    SLOW = 408, "DEADLINE_EXCEEDED"
    CONFLICT = 409, "ABORTED"
    TOO_LARGE = 413, "RESOURCE_EXHAUSTED"
    ENCODING = 415, "UNIMPLEMENTED"
    BUSY = 429, "RESOURCE_EXHAUSTED"
    GONE = 499, "CANCELLED"
    INTERNAL = 500, "INTERNAL"
    UNSUPPORTED = 501, "UNIMPLEMENTED"
    UNAVAILABLE = 503, "UNAVAILABLE"
    TIMEOUT = 504, "DEADLINE_EXCEEDED"

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.value[0]

    @property
    def code(self) -> str:
        """The name of a member of grpc.StatusCode."""
        return self.value[1]


class Refusal(Exception):  # noqa: N818  what the client is told, and no error of the server's
    """What a client is told instead of an answer. It never leaves the server.

    Attributes:
        kind: Which status and code go with it.
        text: The message, without control characters.
    """

    def __init__(self, kind: Why, text: str) -> None:
        super().__init__(text)
        self.kind: Why = kind
        self.text: str = visible(text)[:TEXT_MAX]


_KINDS: Final[tuple[tuple[tuple[type[Exception], ...], Why], ...]] = (
    ((AclTimeoutError,), Why.TIMEOUT),
    (
        (
            PoisonedError,
            ClosedError,
            BusyError,
            ReplicaClosedError,
            ReplicaLostError,
            FencedError,
            UndecidedError,
        ),
        Why.UNAVAILABLE,
    ),
    ((UnsupportedError,), Why.UNSUPPORTED),
    ((VersionError,), Why.CONFLICT),
    ((ValueError, TypeError, RoleError), Why.INVALID),
    ((AclBundleError,), Why.INTERNAL),
)
"""Of an exception of several kinds the first counts."""


def refusal_of(error: BaseException) -> Refusal:
    """Return what a client is told of an exception, whichever it is."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, FleetUpdateError):  # what all its replicas say
        kinds = {refusal_of(one).kind for one in error.reasons.values()}
        if len(kinds) == 1:
            return Refusal(kinds.pop(), str(error))
    for types, kind in _KINDS:
        if isinstance(error, types):
            return Refusal(kind, str(error))
    return Refusal(Why.INTERNAL, f"the server failed: {type(error).__name__}; its log has more")

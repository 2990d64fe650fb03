"""What a child process is to load, as data that can be pickled; and what the two processes say.

A request is ``(number, step)`` and its arguments, an answer ``(number, whether it is good)`` and
what was returned, or the exception. Each is two messages, so that what cannot be pickled, or not on
the other side, is the fault of that request alone. Number 0 is nobody's request: the child says so
that it is there.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from acl_bundle.fleet._decision.decision import DecisionRecord

READY = 0
INFER = "infer"
CLOSE = "close"


@dataclass(frozen=True)
class ChildPlan:
    """What a child process is.

    Attributes:
        name: The replica's.
        source: As for `Bundle.load`.
        device: The index of its device.
        pair: Whether to load it twice.
        init: Whether to run the init graph, where there is one.
        record: Where it asks for decisions.
        options: As for `Bundle.load`.
        initializer: Called first, in the child.
    """

    name: str
    source: Any
    device: int
    pair: bool
    init: bool
    record: DecisionRecord
    options: Mapping[str, Any]
    initializer: Callable[[], object] | None


def pickled(value: Any) -> Any:
    """As bytes for `sent`; raises what the value's own pickling raises."""
    return ForkingPickler.dumps(value)


def sent(pipe: Connection, head: tuple[Any, ...], body: Any) -> None:
    """Send two messages: a head of plain values, and what `pickled` gave."""
    pipe.send(head)
    pipe.send_bytes(body)


def received(pipe: Connection) -> tuple[Any, Any, Callable[[], Any]]:
    """Wait for two messages; returns the two of the head, and what makes the body of its bytes.

    Raises:
        EOFError, OSError: The other side has ended.
    """
    first, second = pipe.recv()
    body = pipe.recv_bytes()
    return first, second, partial(ForkingPickler.loads, body)


def sendable(error: BaseException) -> BaseException:
    """An exception, or one of its text where it cannot be sent."""
    try:
        if type(pickle.loads(pickle.dumps(error))) is type(error):
            return error
    except Exception:  # whatever its class does there
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")

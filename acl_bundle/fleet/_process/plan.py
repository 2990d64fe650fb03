"""What a child process is to load, as data that can be pickled; and what the two processes say.

A request is ``(number, step, arguments)``. An answer is ``(number, whether it is good, value)``,
where the value is what was returned, or the exception. Number 0 is nobody's request: the child
says so that it is there.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def sendable(error: BaseException) -> BaseException:
    """An exception, or one of its text where it cannot be sent."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error

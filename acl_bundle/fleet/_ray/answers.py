"""What actors answer, and what Ray says instead where it cannot ask them.

An answer is ``(whether it is good, what was returned or raised)``, so that an exception of ours
arrives as it is, and what Ray itself raises is always about the actor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acl_bundle._base.extra import need
from acl_bundle.fleet._messages.errors import ReplicaLostError
from acl_bundle.fleet._process.plan import sendable

NAMESPACE = "acl_bundle"
"""Ray's namespace of the actors that have names."""
Answer = tuple[bool, Any]


def library() -> Any:
    """The module ray.

    Raises:
        UnsupportedError: It is not installed.
    """
    return need("ray", "ray", "a fleet on Ray")


def connected() -> Any:
    """The module ray, of a process that is connected to a cluster; as ``ray.init()`` chooses one.

    Raises:
        UnsupportedError: It is not installed.
    """
    ray = library()
    if not ray.is_initialized():
        ray.init()
    return ray


def answered(call: Callable[..., Any], *arguments: Any) -> Answer:
    """Call, and tell what became of it; in the actor."""
    try:
        return True, call(*arguments)
    except Exception as error:
        return False, sendable(error)


def received(answer: Answer) -> Any:
    """What was returned there; what was raised there is raised."""
    good, value = answer
    if good:
        return value
    raise value


def outage(name: str, error: BaseException) -> BaseException:
    """What an exception of Ray's says of a replica; one of another kind stays what it is."""
    exceptions = library().exceptions
    if isinstance(error, exceptions.RayTaskError) or not isinstance(error, exceptions.RayError):
        return error
    return ReplicaLostError(name, told(error))


def submitted(method: Any, *arguments: Any) -> Any:
    """Call an actor's method; what the answer will be.

    Raises:
        ConnectionError: Ray was shut down, or knows no such actor, as of a connection before.
        TypeError: An argument cannot be pickled.
    """
    if not library().is_initialized():  # Ray would begin another cluster
        raise ConnectionError("Ray was shut down")
    try:
        return method.remote(*arguments)
    except Exception as error:
        if type(error) is Exception:  # Ray has no class for this one
            raise ConnectionError(told(error)) from error
        raise


def told(error: BaseException) -> str:
    """The first line of what Ray says, which goes on for many."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__

"""Requests to an object store or an HTTP server, which can be ended while they run.

obstore makes them: it repeats what failed by a 5xx, a cut connection or a timeout, and goes on
within a body where it was cut. What it gives up is an OSError here, which a follower tries again.

A request runs on an event loop of its own, and whoever waits for it looks ten times a second
whether it is to end. So `Follower.close` and Ctrl-C end it in the middle.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any, TypeVar

from acl_bundle._base.extra import how
from acl_bundle.errors import UnsupportedError

SLICE = 0.1
"""Seconds after which a wait looks whether it is to stop."""

_T = TypeVar("_T")
_first: dict[str, int] = {}
"""The process that has obstore's threads."""
_STATUS = re.compile(r"status code: ([0-9]{3})")
_METADATA = ("169.254.169.254", "metadata.google.internal")
"""Where a machine in a cloud asks for its own credentials."""


def library() -> Any:
    """The module obstore.

    Raises:
        UnsupportedError: It is not installed.
    """
    try:
        import obstore.exceptions  # noqa: PLC0415  of an extra
        import obstore.store  # noqa: PLC0415
    except ImportError as error:
        raise UnsupportedError(
            f"objects under a URL need obstore, which cannot be imported ({error}); install it:"
            f" {how('remote')}"
        ) from error
    return obstore


def run(work: Coroutine[Any, Any, _T], stop: Event) -> _T:
    """Do requests on this thread, until they are done or ``stop`` is set.

    Raises:
        ConnectionAbortedError: ``stop`` was set.
        UnsupportedError: The process was forked by one that had made requests.
    """
    if _first.setdefault("process", os.getpid()) != os.getpid():
        work.close()
        raise UnsupportedError(
            "this process was forked by one that had used obstore, whose threads are missing here:"
            " start processes that publish or follow by spawn"
        )
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(_until(work, stop))
    ended = Event()
    with ThreadPoolExecutor(1) as pool:  # a notebook's cell, say, which an event loop runs
        done = pool.submit(asyncio.run, _until(work, stop, ended))
        try:
            return done.result()
        finally:
            ended.set()


async def _until(work: Coroutine[Any, Any, _T], *stops: Event) -> _T:
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=SLICE))[0]:
            if any(stop.is_set() for stop in stops):
                raise ConnectionAbortedError("it was ended while it was read")
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextmanager
def reaching(place: str, secret: str = "") -> Iterator[None]:
    """Turn obstore's errors into OSErrors that name a place.

    Args:
        place: What is asked for, as messages call it.
        secret: A part of the URL that no message may have.
    """
    exceptions = library().exceptions
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{place}: it is not there ({_told(error, secret)})") from None
    except (exceptions.AlreadyExistsError, exceptions.PreconditionError):
        raise FileExistsError(f"{place}: it is there already") from None
    except exceptions.NotSupportedError as error:
        raise UnsupportedError(f"{place}: {_told(error, secret)}") from None
    except exceptions.BaseError as error:
        raise _failure(place, _told(error, secret)) from None


def _failure(place: str, text: str) -> OSError:
    """What a failed request is to its caller, by the status that its text tells."""
    status = _STATUS.search(text)
    if any(host in text for host in _METADATA):
        return PermissionError(
            f"{place}: no credentials are configured (in the environment, or by"
            f" store={{'config': ...}}), and this machine has none of its own: {text}"
        )
    if status and status[1] in ("401", "403"):
        return PermissionError(f"{place}: the server refuses it to these credentials: {text}")
    if status and status[1] == "404":
        return FileNotFoundError(f"{place}: it is not there ({text})")
    return ConnectionError(f"{place}: {text}")


def _told(error: Exception, secret: str) -> str:
    """The sentence of an error, without the structures that follow it."""
    text = str(error).partition("\n\nDebug source:")[0].strip()
    return " ".join((text.replace(secret, "...") if secret else text).split())

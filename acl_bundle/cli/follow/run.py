"""``acl-bundle follow``: a bundle that takes what a trainer publishes, and a line for each.

The lines tell whether a trainer's versions fit a bundle, how long they take
and how late they come; the weights live as long as the command does.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle._base.files import read_regular
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.arguments import TrainerOptions
from acl_bundle.follow._follower.telling import printable
from acl_bundle.follow._urls import source_of
from acl_bundle.follow._versions.sign import check_key

KEY_MAX = 4096
STEP = 0.2
"""Seconds that a wait lasts at most before Ctrl-C is felt."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class FollowWish:
    """What was asked for.

    Attributes:
        file: The bundle.
        source: A directory, or the URL of a Redis server.
        options: How it is followed; without files of keys, nothing must be signed.
        count: After how many versions to end; None for never.
        as_json: Whether to print JSON lines.
    """

    file: Path
    source: str
    options: TrainerOptions
    count: int | None
    as_json: bool


Event = dict[str, Any]
Show = Callable[[Event], None]


def _source(wish: FollowWish) -> follow.Source:
    try:
        scheme, mark, rest = wish.source.partition("://")
        pattern = wish.options.pattern
        if mark and pattern != "*":
            raise ValueError("a pattern is of a directory's names: give the directory as a path")
        if scheme in ("redis", "rediss", "unix") and mark and "key=" not in rest:
            return follow.Redis(wish.source, wish.options.key)
        if pattern == "*":
            return source_of(wish.source)
        return follow.Directory(wish.source, pattern)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def _after(text: str | None) -> int | str | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else text


def follower_options(options: TrainerOptions) -> dict[str, Any]:
    """Return what a follower takes.

    Raises:
        OSError: A file of a key cannot be read.
        typer.BadParameter: It holds none.
    """
    return {
        "after": _after(options.after), "stale_after": options.stale_after, "cast": options.cast,
        "signing_key": [_key_in(file) for file in options.signing_key_file or ()] or None,
    }  # fmt: skip


def _key_in(file: Path) -> bytes:
    """Read a key; a newline at its end is the editor's."""
    data = read_regular(file, KEY_MAX + 1)
    if len(data) > KEY_MAX:
        raise typer.BadParameter(f"{file}: it is larger than {KEY_MAX} bytes; a key is right")
    try:
        return check_key(data.removesuffix(b"\n").removesuffix(b"\r"))
    except ValueError as error:
        raise typer.BadParameter(f"{file}: {error}") from None


class Events:
    """What a follower tells, in order, for the thread that prints."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._follower: Future[follow.Follower] = Future()

    def begin(self, bundle: ab.Bundle, source: follow.Source, **options: Any) -> follow.Follower:
        """Make the follower.

        Raises:
            typer.BadParameter: An argument cannot be what it is.
        """
        try:
            follower = follow.Follower(
                bundle,
                source,
                on_applied=self._applied,
                on_refused=self._refused,
                on_error=self._failed,
                on_stale=self._stale,
                **options,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
        self._follower.set_result(follower)
        return follower

    def _applied(self, report: Any) -> None:
        self._queue.put(
            {
                "event": "applied",
                "version": report.version,
                "changed": len(report.changed),
                "nbytes": report.nbytes,
                "seconds": sum(report.seconds.values()),
                "lag": self._follower.result().metrics.lag,
            }
        )

    def _refused(self, version: int | str, error: Exception) -> None:
        self._queue.put({"event": "refused", "version": version, "error": str(error)})

    def _failed(self, error: Exception) -> None:
        self._queue.put({"event": "error", "error": str(error)})

    def _stale(self, seconds: float) -> None:
        self._queue.put({"event": "stale", "seconds": seconds})

    def until_ended(self, follower: follow.Follower, stop: threading.Event) -> Iterator[Event]:
        """Yield events for as long as the follower runs and nobody says stop."""
        while follower.running and not stop.is_set():
            try:
                yield self._queue.get(timeout=STEP)
            except queue.Empty:
                continue


def _line(event: Event) -> str:
    if event["event"] == "applied":
        took = event["seconds"] * 1e3
        late = "" if event["lag"] is None else f", {event['lag']:.3f} s after its publication"
        return (
            f"applied {event['version']}: {event['changed']} weights, {event['nbytes']} bytes in"
            f" {took:.2f} ms{late}"
        )
    if event["event"] == "refused":
        return f"refused {event['version']}: {event['error']}"
    if event["event"] == "error":
        return f"tried again: {event['error']}"
    if event["event"] == "stale":
        return f"stale: nothing new for {event['seconds']:.1f} s"
    return (
        f"{event['applied']} applied, {event['refused']} refused, {event['passed']} passed by,"
        f" {event['errors']} errors; the last version is {event['version']}"
    )


def _summary(metrics: follow.Metrics) -> Event:
    found = asdict(metrics)
    found["last_error"] = None if metrics.last_error is None else str(metrics.last_error)
    return {"event": "ended", **found}


def _watch(follower: follow.Follower, events: Events, wish: FollowWish, show: Show) -> None:
    """Show what happens until it is enough."""
    left = wish.count
    with _stopped_by_signals() as stop:
        for event in events.until_ended(follower, stop):
            show(event)
            if left is not None and event["event"] == "applied":
                left -= 1
                if not left:
                    return


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Yield what Ctrl-C and SIGTERM set; who ignores Ctrl-C, as in the background, goes on to."""
    stop = threading.Event()
    numbers = [one for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    before = [(one, signal.signal(one, lambda *_: stop.set())) for one in numbers]
    try:
        yield stop
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def run(wish: FollowWish) -> int:
    """Follow until Ctrl-C, SIGTERM, or for so many versions, and print what happens.

    Returns:
        0, or 1 when a version was refused.

    Raises:
        AclBundleError: The bundle could not be loaded.
        OSError: The file cannot be read.
        typer.BadParameter: An argument cannot be what it is.
    """
    show, events, source = _show(wish), Events(), _source(wish)
    logging.getLogger("acl_bundle.follow").addFilter(lambda _: False)  # the lines tell all of it
    options = follower_options(wish.options)
    with ab.Bundle.load(wish.file) as bundle:
        if any(graph.role == "init" for graph in bundle.graphs):
            bundle.init()
        with events.begin(bundle, source, **options) as follower:
            _watch(follower, events, wish, show)
            metrics = follower.metrics
    show(_summary(metrics))
    return int(metrics.refused > 0)


def _show(wish: FollowWish) -> Show:
    """Return what prints an event; rich would print a line again after Ctrl-C in its midst."""
    if wish.as_json:
        return output.event
    return lambda event: print(_printable(_line(event)), flush=True)


def _printable(text: str) -> str:
    """A text whose file names may be of another encoding, or would steer the terminal."""
    return printable(text).encode(errors="backslashreplace").decode()

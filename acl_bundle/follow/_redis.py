"""A Redis key as a source: the newest version's number, and a value for each version.

::

    policy:version       "7"                  the newest version that is whole
    policy:weights:7     safetensors bytes    a version's weights; set once
    policy:versions      ["6", "7"]           a list of those still kept, optional
    policy:published     a channel            wakes the followers; optional

A value is set before the version that names it, and never again, so what a
version names is always whole. Messages only wake: what counts is read from the
keys, after a reconnection as well as before. A server that lost its data
offers nothing until the trainer publishes again; one that went back in time
offers nothing newer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from inspect import iscoroutinefunction
from secrets import token_hex
from threading import Event
from time import monotonic
from typing import Any

from acl_bundle.errors import UnsupportedError, WeightsFormatError
from acl_bundle.follow._order import numbered, order_of
from acl_bundle.follow._source import Checkpoint, Weights
from acl_bundle.follow._stamp import check_stamp
from acl_bundle.weights import Safetensors

SLICE = 0.1
TIMEOUT = 5.0


class Keys:
    """The names that one key stands for.

    Raises:
        TypeError, ValueError: The key is no text, or empty.
    """

    def __init__(self, key: str) -> None:
        if not isinstance(key, str):
            raise TypeError(f"key is text such as 'policy', not {key!r}")
        if not key:
            raise ValueError("key is empty; text such as 'policy' is right")
        self.key = key
        self.version = f"{key}:version"
        self.versions = f"{key}:versions"
        self.channel = f"{key}:published"

    def weights(self, version: object) -> str:
        """The key of a version's value."""
        return f"{self.key}:weights:{version}"

    def staged(self, version: int) -> str:
        """A key that nobody else has, for a value on its way to that of a version."""
        return f"{self.key}:staged:{token_hex(8)}:weights:{version}"


def connect(server: Any) -> tuple[Any, bool]:
    """Return a client, and whether it was made here.

    Args:
        server: A URL (``redis://``, ``rediss://``, ``unix://``), or a client of redis-py's.

    Raises:
        UnsupportedError: redis-py is not installed.
        ValueError: The URL is none, or the client decodes what it reads.
        TypeError: It is something else.
    """
    if isinstance(server, str):
        limits = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
        return _undecoding(_redis().Redis.from_url(server, **limits)), True
    if not hasattr(server, "pubsub") or iscoroutinefunction(server.execute_command):
        raise TypeError(
            f"give a URL such as 'redis://host:6379/0', or a client that blocks, not {server!r}"
        )
    return _undecoding(server), False


def _undecoding(client: Any) -> Any:
    if client.get_encoder().decode_responses:
        raise ValueError("the client has decode_responses=True; weights are bytes, so leave it out")
    return client


def _redis() -> Any:
    try:
        import redis  # noqa: PLC0415  of an extra
    except ImportError as error:
        raise UnsupportedError(
            f"a Redis source needs redis, which cannot be imported ({error}); install it:"
            " pip install 'acl-bundle[follow]'"
        ) from error
    return redis


@contextmanager
def reaching(keys: Keys) -> Iterator[None]:
    """Turn redis-py's errors into ConnectionError, an OSError, which is tried again."""
    exceptions = _redis().exceptions
    try:
        yield
    except (exceptions.RedisError, exceptions.RedisClusterException) as error:
        raise ConnectionError(f"Redis, key {keys.key!r}: {error}") from error


class Redis:
    """Follow the versions under a key of a Redis server.

    Args:
        server: A URL (``redis://``, ``rediss://``, ``unix://``), or a client of
            redis-py's, which stays the caller's and must not decode responses.
        key: What all names start with, as the publisher calls it; in a cluster
            with braces, ``"{policy}"``, so that all are in one slot.
        poll: Seconds between looks, where no message wakes the follower earlier.

    Raises:
        UnsupportedError: redis-py is not installed.
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(self, server: Any, key: str = "weights", *, poll: float = 1.0) -> None:
        if not 0 < poll < float("inf"):
            raise ValueError(f"poll is {poll} seconds; a positive number is right")
        self._keys, self._poll = Keys(key), poll
        self._client, self._made = connect(server)
        self._messages: Any = None

    def __repr__(self) -> str:
        return f"<Redis, key {self._keys.key!r}>"

    def versions(self) -> Sequence[Checkpoint]:
        """List what is there now, oldest first.

        Raises:
            ConnectionError: The server cannot be reached, or answers with an error.
            ValueError: The version has no number to be ordered by.
        """
        keys = self._keys
        with reaching(keys):
            self._listen()
            with self._client.pipeline(transaction=True) as both:
                both.get(keys.version)
                both.lrange(keys.versions, 0, -1)
                newest, kept = both.execute()
        if newest is None:
            return []
        text = _text(newest).strip()
        last = self._checkpoint(text)
        if last is None:
            raise ValueError(
                f"Redis, key {keys.version!r}: the version is {text!r}, which has no number to be"
                " ordered by; 100 or 'step-100' is right"
            )
        found = (self._checkpoint(_text(one)) for one in kept)
        older = {one.order: one for one in found if one is not None and one.order < last.order}
        return [*(older[order] for order in sorted(older)), last]

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when a version is announced; see `Source.wait`."""
        until = monotonic() + min(seconds, self._poll)
        with reaching(self._keys):
            while (left := until - monotonic()) > 0 and not stop.is_set():
                if self._messages.get_message(
                    ignore_subscribe_messages=True, timeout=min(left, SLICE)
                ):
                    return

    def close(self) -> None:
        """Let go of the connections that were made here."""
        messages, self._messages = self._messages, None
        with suppress(OSError), reaching(self._keys):
            if messages is not None:
                messages.close()
            if self._made:
                self._client.close()

    def _listen(self) -> None:
        """Subscribe, unless that was done; redis-py does so again after a reconnection."""
        if self._messages is None:
            messages = self._client.pubsub()
            messages.subscribe(self._keys.channel)
            self._messages = messages

    def _checkpoint(self, text: str) -> Checkpoint | None:
        """The version of a name; None where it has no number to be ordered by."""
        found = numbered(text)
        return None if found is None else Checkpoint(*found, partial(self._open, text))

    @contextmanager
    def _open(self, text: str) -> Iterator[Weights]:
        place = self._keys.weights(text)
        with reaching(self._keys):
            value = self._client.get(place)
        if value is None:
            raise FileNotFoundError(f"Redis has no value under {place!r}: it went, or never came")
        try:
            opened = Safetensors(value)
        except WeightsFormatError as error:
            raise WeightsFormatError(f"Redis, key {place!r}: {error}") from error
        with opened:
            check_stamp(opened, order_of(text), f"Redis, key {place!r}")
            yield opened


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")

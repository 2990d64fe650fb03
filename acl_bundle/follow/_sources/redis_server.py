"""A Redis server: the names under one key, a client, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import iscoroutinefunction
from secrets import token_hex
from threading import Event
from time import monotonic
from typing import Any

from acl_bundle._base.extra import how
from acl_bundle.errors import UnsupportedError

TIMEOUT = 5.0
"""Seconds that a client made here waits for an answer."""
SLICE = 0.1
"""Seconds after which a wait looks whether it is to stop."""


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
        self.bases = f"{key}:bases"
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
        try:
            return _undecoding(library().Redis.from_url(server, **limits)), True
        except ValueError as error:  # what stands before @ may be a password
            raise ValueError(f"server is {server.rpartition('@')[2]!r:.80}: {error}") from None
    if not hasattr(server, "pubsub") or iscoroutinefunction(server.execute_command):
        raise TypeError(
            f"server is {server!r:.80}; a URL such as 'redis://host:6379/0', or a client that"
            " blocks, is right"
        )
    return _undecoding(server), False


def _undecoding(client: Any) -> Any:
    if client.get_encoder().decode_responses:
        raise ValueError("the client has decode_responses=True; weights are bytes, so leave it out")
    return client


def library() -> Any:
    """The module redis.

    Raises:
        UnsupportedError: It is not installed.
    """
    try:
        import redis  # noqa: PLC0415  of an extra
    except ImportError as error:
        raise UnsupportedError(
            f"a Redis source needs redis, which cannot be imported ({error}); install it:"
            f" {how('follow')}"
        ) from error
    return redis


@contextmanager
def reaching(keys: Keys) -> Iterator[None]:
    """Turn redis-py's errors into ConnectionError, an OSError, which is tried again."""
    exceptions = library().exceptions
    try:
        yield
    except (exceptions.RedisError, exceptions.RedisClusterException) as error:
        raise ConnectionError(f"Redis, key {keys.key!r}: {error}") from error


def wait_for_message(messages: Any, keys: Keys, seconds: float, stop: Event) -> None:
    """Return when a subscription brings a message, after some seconds, or soon after `stop` is set.

    Raises:
        OSError: The server cannot be reached.
    """
    until = monotonic() + seconds
    with reaching(keys):
        while (left := until - monotonic()) > 0 and not stop.is_set():
            if messages.get_message(ignore_subscribe_messages=True, timeout=min(left, SLICE)):
                return

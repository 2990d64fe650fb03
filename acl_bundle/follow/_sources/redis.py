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

Nothing is read whose size is not bounded before: a name, a page of the list, a
value that was measured.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain
from threading import Event
from typing import Any, SupportsIndex

from acl_bundle._base.arrays import whole
from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._sources.redis_server import (
    Keys,
    connect,
    library,
    reaching,
    wait_for_message,
)
from acl_bundle.follow._versions.amounts import amount
from acl_bundle.follow._versions.order import NAME_MAX, impossible, numbered, order_of
from acl_bundle.follow._versions.rivals import gathered
from acl_bundle.follow._versions.source import Checkpoint, Impossible, Weights
from acl_bundle.follow._versions.stamp import check_stamp
from acl_bundle.weights import Safetensors

PAGE = 512
NAMES_READ = 4096
"""How many of the list's names are looked at, from its end."""
NAMES_BYTES = 1 << 20
VALUE_BYTES = 512 << 20
"""What a value of Redis holds at most by default."""


class Redis:
    """Follow the versions under a key of a Redis server.

    Args:
        server: A URL (``redis://``, ``rediss://``, ``unix://``), or a client of
            redis-py's, which stays the caller's and must not decode responses.
        key: What all names start with, as the publisher calls it; in a cluster
            with braces, ``"{policy}"``, so that all are in one slot.
        poll: Seconds between looks, where no message wakes the follower earlier.
        max_bytes: The largest value that is read; a larger one is refused.

    Raises:
        UnsupportedError: redis-py is not installed.
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(
        self,
        server: Any,
        key: str = "weights",
        *,
        poll: float = 1.0,
        max_bytes: SupportsIndex = VALUE_BYTES,
    ) -> None:
        self._max_bytes = whole(max_bytes, "max_bytes is an int")
        if self._max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes!r}; a positive int is right")
        self._keys, self._poll = Keys(key), amount(poll, "poll", "seconds")
        self._client, self._made = connect(server)
        self._messages: Any = None

    def __repr__(self) -> str:
        return f"<Redis, key {self._keys.key!r}>"

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List what is there now, oldest first, and before it what the list has beyond all bounds.

        At most the last 4,096 names of the list count, and the last megabyte of them;
        one that has no value does not.

        Raises:
            ConnectionError: The server cannot be reached, or answers with an error.
            ValueError: The version has no number to be ordered by, or one that is too great.
        """
        keys = self._keys
        with reaching(keys):
            self._listen()
            with self._client.pipeline(transaction=True) as all_at_once:
                all_at_once.exists(keys.version)
                all_at_once.getrange(keys.version, 0, NAME_MAX)
                all_at_once.lrange(keys.versions, -PAGE, -1)
                there, newest, page = all_at_once.execute()
            if not there:
                return []
            kept = [page, *self._older_pages(page)]
            name = _text(newest).strip()
            last = self._last(name)
            listed = [_text(one[: NAME_MAX + 1]) for one in chain.from_iterable(kept)]
            found = {one: self._listed(one) for one in reversed(listed) if one != name}
            odd = [one for one in found.values() if isinstance(one, Impossible)]
            older = self._older(found, last)
        return [*reversed(odd), *gathered([(name, last), *older])]

    def _older(
        self, found: dict[str, Checkpoint | Impossible | None], last: Checkpoint
    ) -> list[tuple[str, Checkpoint]]:
        """Names of the list up to the last version, and what they offer, if they have a value."""
        good = [
            (name, one)
            for name, one in found.items()
            if isinstance(one, Checkpoint) and one.order <= last.order
        ]
        with self._client.pipeline(transaction=True) as all_at_once:
            for name, _ in good:
                all_at_once.exists(self._keys.weights(name))
            there = all_at_once.execute()
        return [one for one, is_there in zip(good, there, strict=True) if is_there]

    def _older_pages(self, page: list[bytes]) -> Iterator[list[bytes]]:
        """Read the list further, towards its start, as far as it counts.

        What is pushed meanwhile moves names away from the end, so some come twice
        and none is left out.
        """
        names, size = len(page), sum(map(len, page))
        while len(page) == PAGE and names < NAMES_READ and size < NAMES_BYTES:
            page = self._client.lrange(self._keys.versions, -names - PAGE, -names - 1)
            yield page
            names, size = names + len(page), size + sum(map(len, page))

    def _last(self, text: str) -> Checkpoint:
        """The version that is the newest."""
        try:
            last = self._checkpoint(text)
        except ValueError as error:
            raise ValueError(f"Redis, key {self._keys.version!r}: {error}") from error
        if last is None:
            raise ValueError(
                f"Redis, key {self._keys.version!r}: the version is {text!r}, which has no number"
                " to be ordered by; 100 or 'step-100' is right"
            )
        return last

    def _listed(self, text: str) -> Checkpoint | Impossible | None:
        try:
            return self._checkpoint(text)
        except ValueError as error:
            return impossible(text, error)

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when a version is announced; see `Source.wait`."""
        wait_for_message(self._messages, self._keys, min(seconds, self._poll), stop)

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
        if found is None:
            return None
        place = f"redis:{self._keys.weights(text)}"
        opening = partial(self._open, text)
        return Checkpoint(*found, opening, place=place, older=self._numbered)

    def _numbered(self, number: int) -> Checkpoint:
        """The version of a number, which opens if it has a value."""
        found = self._checkpoint(str(number))
        assert found is not None  # it is a number
        return found

    @contextmanager
    def _open(self, text: str) -> Iterator[Weights]:
        place = self._keys.weights(text)
        with reaching(self._keys):
            value = self._value(place)
        if not value:
            raise FileNotFoundError(f"Redis has no value under {place!r}: it went, or never came")
        try:
            opened = Safetensors(value)
        except WeightsFormatError as error:
            raise WeightsFormatError(f"Redis, key {place!r}: {error}") from error
        with opened:
            check_stamp(opened, order_of(text), f"Redis, key {place!r}")
            yield opened

    def _value(self, place: str) -> bytes:
        """The value under a key; nothing where there is none."""
        try:
            size = self._client.strlen(place)
            if size > self._max_bytes:
                raise ValueError(
                    f"Redis, key {place!r}: the value has {size} bytes; at most"
                    f" {self._max_bytes} are read (max_bytes)"
                )
            value: bytes = self._client.getrange(place, 0, size - 1) if size else b""
        except library().exceptions.ResponseError as error:
            if not str(error).startswith("WRONGTYPE"):
                raise
            raise WeightsFormatError(f"Redis, key {place!r}: {error}") from error
        return value


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")

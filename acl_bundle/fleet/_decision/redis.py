"""A record under a key of a Redis server, changed by compare and set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acl_bundle.fleet._decision.decision import Decision
from acl_bundle.fleet._decision.text import found, written
from acl_bundle.follow._sources.redis_server import Keys, connect, reaching

SET_IF = """
local now = redis.call('GET', KEYS[1])
if (now or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class RedisRecord:
    """A decision record under one key of a Redis server.

    It is as durable as the server: with ``appendonly yes`` and ``appendfsync always`` a decision
    outlasts the server's end.

    Args:
        url: ``redis://host:6379/0``, ``unix://path``.
        key: Where; it has no limit of time, and must not be evicted.
    """

    def __init__(self, url: str, key: str) -> None:
        if not isinstance(url, str):
            raise TypeError(f"url is text such as 'redis://host:6379/0', not {url!r}")
        self._url, self._keys = url, Keys(key)
        self._client: Any = connect(url)[0]

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"Redis key {self._keys.key!r}"

    def read(self) -> Decision:
        """See `DecisionRecord`."""
        return found(self._text(), self.where)

    def claim(self, at_least: int = 0) -> Decision:
        """See `DecisionRecord`."""
        return self._change(lambda now: now.next_claimed(at_least))

    def decide(self, epoch: int, version: int | str) -> None:
        """See `DecisionRecord`."""
        self._change(lambda now: now.decided(epoch, version))

    def resolve(self, epoch: int) -> Decision:
        """See `DecisionRecord`."""
        return self._change(lambda now: now.resolved(epoch))

    def _text(self) -> bytes | None:
        with reaching(self._keys):
            text: bytes | None = self._client.get(self._keys.key)
        return text

    def _change(self, change: Callable[[Decision], Decision]) -> Decision:
        while True:
            text = self._text()
            now = found(text, self.where)
            new = change(now)
            if new == now:
                return now
            with reaching(self._keys):
                if self._client.eval(SET_IF, 1, self._keys.key, text or b"", written(new)):
                    return new

    def __reduce__(self) -> tuple[Any, ...]:
        return RedisRecord, (self._url, self._keys.key)

    def __repr__(self) -> str:
        return f"RedisRecord({self._url!r}, {self._keys.key!r})"

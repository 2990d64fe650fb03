"""A trainer on this host that announces its memory in Redis, and consumers that answer there.

Both sides keep a state under a key that expires, and write it again long before: who is dead says
nothing more. Messages only wake. So a server that has forgotten everything is told again.

The memory is lent to the consumers that the trainer's state names. A consumer that is silent for
too long counts as dead and is named no more, but it may live, and read what the next version
overwrites. So a consumer reads as follows, and what it uses is whole whatever the clocks say.

    T1 (the trainer)                          T2 (the consumer)
    1. names T2 with version 7
                                              2. copies the memory on the device
    3. T2 is silent: names it no more
    4. writes version 8
                                              5. reads T1's state: is not named with 7, and
                                                 forgets the copy

A trainer writes its state only over its own or none (WATCH), so that none comes late.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from threading import Event
from typing import Any

from acl_bundle._ipc.blocks import process_number
from acl_bundle.follow._sources.redis_server import Keys, connect, reaching, wait_for_message

FORMAT = 1
LEASE = 10.0
"""Seconds after which a trainer or a consumer that is silent is taken for dead."""
RENEWALS = 5
"""How often a state is written within that time."""
POLL = 1.0


def lease() -> float:
    """`LEASE`."""
    return LEASE


class IpcKeys(Keys):
    """The names that one key stands for.

    Attributes:
        trainer: The trainer's state.
        consumers: The set of the consumers' names.
        offers: The channel on which the trainer wakes consumers.
        answers: The channel on which consumers wake the trainer.
    """

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.trainer: str = f"{key}:ipc"
        self.consumers: str = f"{key}:ipc:consumers"
        self.offers: str = f"{key}:ipc:offers"
        self.answers: str = f"{key}:ipc:answers"

    def consumer(self, name: str) -> str:
        """A consumer's state."""
        return f"{self.key}:ipc:consumer:{name}"


class Lease:
    """A thread that renews a state until it is closed or its owner is collected.

    Args:
        renew: A method of the owner; where it fails it is called again.
    """

    def __init__(self, renew: Callable[[], None]) -> None:
        self._stop = Event()
        run = _renew, weakref.WeakMethod(renew), self._stop, lease() / RENEWALS
        self._thread = threading.Thread(
            target=run[0], args=run[1:], name="acl_bundle ipc lease", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """End it."""
        self._stop.set()
        self._thread.join()


def _renew(renew: weakref.WeakMethod[Callable[[], None]], stop: Event, seconds: float) -> None:
    while not stop.wait(seconds):
        call = renew()
        if call is None:
            return
        with suppress(OSError, RuntimeError):  # whoever uses the state is told of it
            call()
        del call


class RedisPlace:
    """A key of a Redis server.

    Raises:
        UnsupportedError: redis-py is not installed.
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(self, server: Any, key: str) -> None:
        self._keys = IpcKeys(key)
        self._client, self._made = connect(server)

    def __str__(self) -> str:
        return f"Redis, key {self._keys.key!r}"

    def find(self) -> TrainerByRedis:
        """Register with the trainer whose state is there."""
        return TrainerByRedis(self._client, self._keys)

    def close(self) -> None:
        """Close the client that was made here; it connects anew when it is asked again."""
        if self._made:
            with suppress(OSError), reaching(self._keys):
                self._client.close()


class TrainerByRedis:
    """A trainer that announces what it lends under a key, and this process as its consumer."""

    copies = True

    def __init__(self, client: Any, keys: IpcKeys) -> None:
        self.made_in: int = os.getpid()
        self._client, self._keys, self._name = client, keys, token_hex(8)
        self._trainer: str | None = None
        self._state: dict[str, Any] = {
            "ipc": FORMAT,
            "process": process_number(),
            "version": None,
            "refused": None,
        }
        self._seen: object = None
        self._lock = threading.Lock()
        with reaching(keys):
            self._messages = client.pubsub()
        try:
            with reaching(keys):
                self._messages.subscribe(keys.offers)
            self._trainer = self._read()["trainer"]
            self._state["trainer"] = self._trainer
            self._register()
            self._lease = Lease(self._register)
        except BaseException:
            self._leave()
            raise

    def _read(self) -> dict[str, Any]:
        """The trainer's state.

        Raises:
            ConnectionError: There is none, or another trainer's, or the server is not reached.
        """
        with reaching(self._keys):
            text = self._client.get(self._keys.trainer)
        place = f"<Ipc, Redis, key {self._keys.key!r}>"
        if text is None:
            ended = "nobody publishes there" if self._trainer is None else "the trainer has ended"
            raise ConnectionError(f"{place}: {ended}")
        try:
            state = json.loads(text)
            told = state["ipc"], state["trainer"], state["lent"], state["manifest"]
        except (ValueError, RecursionError, KeyError, TypeError) as error:
            raise ConnectionError(f"{place}: what is there is no publisher's: {error}") from error
        if told[0] != FORMAT or not isinstance(told[1], str) or not isinstance(told[2], list):
            raise ConnectionError(f"{place}: what is there is no publisher's of this release")
        if state.get("closing") or self._trainer not in (None, told[1]):
            raise ConnectionError(f"{place}: the trainer has ended")
        return dict(state)

    def _register(self) -> None:
        """Write this consumer's state, which tells that it lives and what it has answered."""
        keys = self._keys
        with self._lock, reaching(keys), self._client.pipeline(transaction=True) as all_at_once:
            state = json.dumps(self._state)
            all_at_once.set(keys.consumer(self._name), state, px=int(lease() * 1000))
            all_at_once.sadd(keys.consumers, self._name)
            all_at_once.pexpire(keys.consumers, int(lease() * 1000))
            all_at_once.publish(keys.answers, self._name)
            all_at_once.execute()

    def heard(self) -> list[Any]:
        """What is lent to this consumer, once."""
        state = self._read()
        manifest = state["manifest"]
        if self._name not in state["lent"] or not isinstance(manifest, dict):
            return []
        version, self._seen = self._seen, manifest.get("version")
        return [] if version == self._seen else [manifest]

    def tell(self, version: object, refused: str | None) -> None:
        """Put the answer into this consumer's state."""
        self._state |= {"version": version, "refused": refused}
        with suppress(OSError):  # the lease says it again
            self._register()

    def check(self, version: int) -> list[Any]:
        """Whether the trainer names this consumer with a version still."""
        state = self._read()
        named = self._name in state["lent"] and isinstance(state["manifest"], dict)
        if not named or state["manifest"].get("version") != version:
            raise ConnectionError(
                f"<Ipc, Redis, key {self._keys.key!r}>: version {version} is no longer lent: this"
                f" process was silent for more than {lease()} seconds, or the server has forgotten"
                " it; what was read is not used"
            )
        return []

    def wait(self, seconds: float, stop: Event) -> None:
        """Until a message comes; after a second all the same."""
        wait_for_message(self._messages, self._keys, min(seconds, POLL), stop)

    def close(self) -> None:
        """Tell the trainer that the import has ended; the state goes when that has read it."""
        self._lease.close()
        self._state["ended"] = True  # the trainer may have yet to read the answer
        with suppress(OSError):
            self._register()
        self._leave()

    def _leave(self) -> None:
        with suppress(OSError), reaching(self._keys):
            self._messages.close()

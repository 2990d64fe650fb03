"""Those who read a trainer's memory and answer in Redis; `_sources.ipc_redis` has the agreement.

What is withdrawn is withdrawn in Redis first: until the server has that, the memory stays lent.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from secrets import token_hex
from time import monotonic, sleep
from typing import Any

from acl_bundle._base.arrays import whole
from acl_bundle.errors import AclError, BusyError
from acl_bundle.follow._publishers.ipc_consumers import ENDING, Heard
from acl_bundle.follow._sources.ipc_redis import FORMAT, RENEWALS, IpcKeys, Lease, lease
from acl_bundle.follow._sources.redis_server import SLICE, connect, library, reaching


class ConsumersByRedis:
    """Consumers that have a state in Redis.

    Args:
        server: A URL or a client, as for `acl_bundle.follow.Redis`.
        key: What all names start with.
        allow: Lets a process import the memory.

    Attributes:
        told: What they have answered.

    Raises:
        BusyError: Another trainer publishes there. One that was killed is waited for, ten seconds.
        ConnectionError: The server cannot be reached, or refuses.
        UnsupportedError: redis-py is not installed.
    """

    def __init__(self, server: Any, key: str, allow: Callable[[int], None]) -> None:
        self._keys, self._allow = IpcKeys(key), allow
        self._client, self._made = connect(server)
        self._name = token_hex(8)
        self._head = json.dumps({"ipc": FORMAT, "trainer": self._name})[:-1]
        self._lock = threading.RLock()  # the lease writes the state, too; a signal's handler closes
        self._offer: tuple[int, str] | None = None
        self._closing = self._gone = False
        self._named: list[str] = []
        self._written = True
        self._replaced = False
        self._lent: dict[str, int] = {}
        self._done: set[str] = set()
        self.told: Heard = Heard()
        self._messages = self._client.pubsub()
        try:
            with reaching(self._keys):
                self._messages.subscribe(self._keys.answers)
                self._take_place()
        except BaseException:
            self._leave()
            raise
        self._lease = Lease(self._renew)

    @property
    def lent(self) -> tuple[int, ...]:
        """The process numbers of those that have not answered."""
        return tuple(self._lent.values())

    def _take_place(self) -> None:
        """Write the first state, when what a dead trainer has left has expired."""
        trainer, left = self._keys.trainer, None
        until = monotonic() + lease() * (1 + 1 / RENEWALS)
        while not self._client.set(trainer, self._text(), px=int(lease() * 1000), nx=True):
            before, left = left, self._client.pttl(trainer)
            if left < 0 or (before is not None and left > before) or monotonic() > until:
                raise BusyError(
                    f"somebody publishes at Redis, key {self._keys.key!r} already: its state in"
                    f" {trainer!r} is renewed"
                )
            sleep(SLICE)

    def _text(self) -> str:
        """The trainer's state, naming consumers with the version that is offered."""
        manifest = "null" if self._offer is None else self._offer[1]
        rest = json.dumps({"closing": self._closing, "lent": self._named})[1:-1]
        return f'{self._head}, {rest}, "manifest": {manifest}}}'

    def _renew(self) -> None:
        """Put off the end of the state, or write it again where the server has forgotten it."""
        if self._lock.acquire(timeout=SLICE):  # whoever closes may wait for this, in a handler
            try:
                self._write()
            finally:
                self._lock.release()

    def _announce(self, lent: list[str]) -> None:
        """Name some consumers, and no others, from now on."""
        with self._lock:
            self._named, self._written = lent, False
            self._write()
        with reaching(self._keys):
            self._client.publish(self._keys.offers, self._name)

    def _write(self) -> None:
        """Write the state over this trainer's own, or where there is none; the time it lives alone
        where it is there already.

        Raises:
            BusyError: There is another trainer's.
            ConnectionError: The server cannot be reached, or refuses.
        """
        trainer, milliseconds = self._keys.trainer, int(lease() * 1000)
        with reaching(self._keys), self._client.pipeline(transaction=True) as all_at_once:
            while not self._gone:
                all_at_once.watch(trainer)
                there = all_at_once.getrange(trainer, 0, len(self._head) - 1).decode("latin-1")
                self._replaced = there not in ("", self._head)
                self._check_place()
                all_at_once.multi()
                if there and self._written:
                    all_at_once.pexpire(trainer, milliseconds)
                else:
                    all_at_once.set(trainer, self._text(), px=milliseconds)
                try:
                    all_at_once.execute()
                except library().WatchError:  # it has just expired
                    continue
                self._written = True
                return

    def _check_place(self) -> None:
        if self._replaced:
            raise BusyError(
                f"another trainer publishes at Redis, key {self._keys.key!r} now: this one was"
                f" silent for more than {lease()} seconds; close this publisher"
            )

    def lend(self, version: int, manifest: str) -> None:
        """Offer a version to all, and to each that comes until the next one."""
        with self._lock:
            self._offer, self._named, self._written = (version, manifest), [], False
        self._done.clear()
        self._look()

    def hear(self, seconds: float) -> None:
        """Look what consumers say; where that is nothing new, once one wakes this or time is up."""
        if not self._look():
            self._sleep(seconds)
            self._look()

    def _sleep(self, seconds: float) -> None:
        """Until a consumer wakes this; where messages cannot be had, the time is slept."""
        try:
            with reaching(self._keys):
                self._messages.get_message(ignore_subscribe_messages=True, timeout=seconds)
        except ConnectionError:
            sleep(seconds)

    def _look(self) -> bool:
        """Take what the consumers' states say; whether something was new."""
        self._check_place()
        states = self._states()
        answered = [name for name in self._lent if name in states and self._has(states[name])]
        live = {name for name, state in states.items() if not state.get("ended")}
        lost = [name for name in self._lent if name not in live and name not in answered]
        for name in answered:
            self._take(self._lent.pop(name), states[name])
            self._done.add(name)
        self._strike_off(states.keys() - live)
        new = {} if self._offer is None else self._new({name: states[name] for name in live})
        if lost or new or not self._written:
            self._lent |= new
            self._announce([name for name in self._lent if name not in lost])
            self.told.lost += [self._lent.pop(name) for name in lost]
        return bool(lost or new or answered)

    def _new(self, states: dict[str, dict[str, Any]]) -> dict[str, int]:
        """Consumers that were not lent the version yet, each allowed to import."""
        found = dict[str, int]()
        for name, state in states.items():
            if name in self._lent or name in self._done:
                continue
            with suppress(KeyError, TypeError, ValueError, OverflowError, AclError):
                process = whole(state["process"], "process is an int")
                self._allow(process)
                found[name] = process
        return found

    def _has(self, state: dict[str, Any]) -> bool:
        """Whether a consumer has answered the version that it was lent."""
        return self._offer is not None and state.get("version") == self._offer[0]

    def _take(self, process: int, state: dict[str, Any]) -> None:
        if state.get("refused") is None:
            self.told.taken.append(process)
        else:
            self.told.refused[process] = str(state["refused"])

    def _strike_off(self, ended: set[str]) -> None:
        """Remove the states of consumers that have ended, once their answers were taken."""
        if ended:
            with reaching(self._keys):
                self._client.delete(*(self._keys.consumer(name) for name in ended))
                self._client.srem(self._keys.consumers, *ended)

    def _states(self) -> dict[str, dict[str, Any]]:
        """The states of this trainer's consumers that live; who is dead is struck off."""
        keys, client = self._keys, self._client
        with reaching(keys):
            names = sorted(client.smembers(keys.consumers))
            texts = client.mget([keys.consumer(_plain(name)) for name in names]) if names else []
            dead = [name for name, text in zip(names, texts, strict=True) if text is None]
            if dead:
                client.srem(keys.consumers, *dead)
        found = dict[str, dict[str, Any]]()
        for name, text in zip(names, texts, strict=True):
            with suppress(ValueError, RecursionError):
                state = json.loads(text) if text is not None else None
                if isinstance(state, dict) and state.get("trainer") == self._name:
                    found[_plain(name)] = state
        return found

    def close(self) -> None:
        """Let consumers end their imports, which come before the exporter's end."""
        until, self._closing = monotonic() + ENDING, True
        with suppress(OSError, BusyError):
            self._announce([])
            while not self._is_left() and monotonic() < until:
                self._sleep(SLICE)
        self._lease.close()
        self._gone = True
        with suppress(OSError), reaching(self._keys):
            self._remove()
        self._leave()

    def _is_left(self) -> bool:
        """Whether all consumers have ended; their states are removed."""
        states = self._states()
        ended = {name for name, state in states.items() if state.get("ended")}
        self._strike_off(ended)
        return len(ended) == len(states)

    def _remove(self) -> None:
        """Remove the state, if it is this trainer's."""
        trainer = self._keys.trainer
        with self._client.pipeline(transaction=True) as all_at_once:
            all_at_once.watch(trainer)
            there = all_at_once.getrange(trainer, 0, len(self._head) - 1).decode("latin-1")
            all_at_once.multi()
            if there == self._head:
                all_at_once.delete(trainer)
            with suppress(library().WatchError):
                all_at_once.execute()

    def _leave(self) -> None:
        with suppress(OSError), reaching(self._keys):
            self._messages.close()
            if self._made:
                self._client.close()


def _plain(name: bytes) -> str:
    return name.decode("latin-1")

"""A replica that is an actor of Ray's, and the handle on it.

Ray starts an actor again whose process, or whose node, has ended, on a node that has room. Whoever
has the handle asks the actor all the time whether it is alive, in calls that return after a
minute; so a call that fails tells of the end at once, and the handle asks until it is there again.
"""

from __future__ import annotations

import logging
import os
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from acl_bundle._base.owner import Closing, check_process
from acl_bundle._run.run import Outputs
from acl_bundle.errors import ClosedError
from acl_bundle.fleet._decision.decision import DecisionRecord
from acl_bundle.fleet._messages.errors import ReplicaLostError
from acl_bundle.fleet._messages.replica import OVERTAKING
from acl_bundle.fleet._process.plan import ChildPlan
from acl_bundle.fleet._ray.actor import GROUPS, INFER, LIFE, OVERTAKE, STEPS, ReplicaActor
from acl_bundle.fleet._ray.answers import connected, library, outage, received, submitted
from acl_bundle.fleet._ray.options import (
    DEFAULTS,
    actor_name,
    checked_options,
    found_elsewhere,
)
from acl_bundle.om import Source

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from acl_bundle._pair.options import LoadOptions

WATCH_S = 60.0
"""Seconds after which an actor that is asked whether it is alive says so."""
PAUSE_S, PAUSE_MOST_S = 0.05, 5.0
"""Between two looks for an actor that is started again."""
TRIES = 10
"""Looks in a row that find an actor dead; then it is left."""
END_S = 10.0
"""Seconds that an actor has to close its model, until it is killed."""
log = logging.getLogger("acl_bundle.fleet")


class RayReplica(Closing):
    """A replica in an actor; see `Replica`. Returns when Ray was asked for the actor, and the
    model is not yet loaded: `wait` does that.

    Args:
        name: The replica's.
        source: As for `Bundle.load`; a path is opened on the actor's node. With `fleet` it must
            be a path.
        record: Where it asks for decisions.
        fleet: The name of a fleet whose actors outlast whoever has made them: where such an actor
            is there, this is a handle on it, and `close` leaves it. None: it ends with this.
        pair: As for `Fleet.local`.
        init: As for `Fleet.local`.
        initializer: Called first in the actor's process.
        actor_options: For Ray's ``options``, over ``num_cpus=0, resources={"NPU": 1},
            max_restarts=-1, scheduling_strategy="SPREAD"``. With the resource ``NPU`` Ray sets
            ``ASCEND_RT_VISIBLE_DEVICES``, so that device 0 is the actor's own.
        options: As for `Bundle.load`.

    Attributes:
        restarted: Called, in a thread of its own, when Ray has started the actor again; a method
            of something that may be collected.
        actor: Ray's handle on the actor.

    Raises:
        UnsupportedError: Ray is not installed.
        TypeError: `actor_options` has one that is the replica's own.
        ValueError: One is none of Ray's; or `fleet` is given, and the model as bytes.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        *,
        record: DecisionRecord,
        fleet: str | None = None,
        pair: bool = False,
        init: bool = True,
        initializer: Callable[[], object] | None = None,
        actor_options: Mapping[str, Any] | None = None,
        **options: Unpack[LoadOptions],
    ) -> None:
        self._name, self._owner, self._detached = name, os.getpid(), fleet is not None
        self._closing, self._loaded = Event(), False
        self._wants = {**DEFAULTS, **checked_options(actor_options)}
        self.restarted: WeakMethod[Callable[[], None]] | None = None
        plan = ChildPlan(
            name, found_elsewhere(source, fleet), 0, pair, init, record, dict(options), initializer
        )
        kind = connected().remote(concurrency_groups=dict(GROUPS))(ReplicaActor)
        self.actor: Any = kind.options(**self._wants, **actor_name(fleet, name)).remote(plan)
        self._watch()

    @property
    def name(self) -> str:
        """The replica's."""
        return self._name

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the model is loaded.

        Args:
            timeout: In seconds; None for ever.

        Raises:
            ReplicaLostError: It was not loaded in time, or its actor has ended.
            As `Bundle.load`.
        """
        ray = library()
        until = None if timeout is None else monotonic() + timeout
        answer, step = self._ask(LIFE, "ready"), END_S
        while True:
            left = step if until is None else min(until - monotonic(), step)
            try:
                received(ray.get(answer, timeout=max(left, 0)))
            except ray.exceptions.GetTimeoutError:
                if until is not None and monotonic() >= until:
                    text = f"it was not loaded within {timeout:.3g} s; {self._resources()}"
                    raise ReplicaLostError(self._name, text) from None
                log.warning("replica %r is not loaded yet; %s", self._name, self._resources())
                step = WATCH_S
            except ray.exceptions.ActorUnavailableError as error:  # it is started again just now
                if until is not None and monotonic() >= until:
                    raise outage(self._name, error) from error
                time.sleep(PAUSE_S)
                answer = self._ask(LIFE, "ready")
            except ray.exceptions.RayError as error:
                raise outage(self._name, error) from error
            except Exception:  # also one with a name: nobody can use it
                ray.kill(self.actor)
                raise
            else:
                self._loaded = True
                return

    def _resources(self) -> str:
        wants = self._wants["resources"] or {}
        free = library().available_resources()
        text = ", ".join(f"{one} {n} of {free.get(one, 0):g} free" for one, n in wants.items())
        return f"it asks for {text}"

    def start(self, step: str, *arguments: Any) -> Future[Any]:
        """See `Replica`."""
        check_process(self, self._owner)
        future: Future[Any] = Future()
        try:
            if self._closing.is_set():
                raise ClosedError(f"replica {self._name!r} is closed")
            group = OVERTAKE if step in OVERTAKING else STEPS
            answer = self._ask(group, "step", step, *arguments)
        except Exception as error:  # Ray was shut down; or what cannot be pickled
            future.set_exception(outage(self._name, error))
        else:
            answer.future().add_done_callback(partial(_settle, self._name, future))
        return future

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Outputs:
        """See `Replica`; large arrays go through Ray's object store, and come back read-only."""
        check_process(self, self._owner)
        ray = library()
        if self._closing.is_set():
            raise ClosedError(f"replica {self._name!r} is closed")
        try:
            answer = ray.get(self._ask(INFER, "infer", inputs, timeout_ms))
        except ray.exceptions.RayError as error:
            raise outage(self._name, error) from error
        outputs: Outputs = received(answer)
        return outputs

    def _ask(self, group: str, method: str, *arguments: Any) -> Any:
        call = getattr(self.actor, method).options(concurrency_group=group)
        try:
            return submitted(call, *arguments)
        except ConnectionError as error:
            raise ReplicaLostError(self._name, str(error)) from error

    def _watch(self) -> None:
        """Learn of the end of the actor's process."""
        future = self._ask(LIFE, "alive", WATCH_S).future()
        future.add_done_callback(partial(_attend, weakref.ref(self)))

    @property
    def _usable(self) -> bool:
        return not self._closing.is_set() and bool(library().is_initialized())

    def _came_back(self) -> bool | None:
        """Look once for an actor that has ended; None: it is dead."""
        exceptions = library().exceptions
        try:
            received(library().get(self._ask(LIFE, "ready"), timeout=WATCH_S))
        except exceptions.ActorDiedError:
            return None
        except exceptions.RayError:
            return False
        except Exception as error:  # it could not be loaded there, and may be elsewhere
            log.warning("replica %r was started again: %s", self._name, error)
            library().kill(self.actor, no_restart=False)
            return None
        self._watch()
        call = None if self.restarted is None else self.restarted()
        if call is not None:
            call()
        return True

    def close(self) -> None:
        """See `Replica`; ends the actor, unless it is of a fleet with a name."""
        if os.getpid() != self._owner or not self._usable:
            return
        self._closing.set()
        if self._detached:
            return
        ray = library()
        if self._loaded:
            with suppress(ray.exceptions.RayError, ReplicaLostError):
                ray.get(self._ask(LIFE, "close"), timeout=END_S)
        with suppress(ray.exceptions.RayError):  # of a connection that has ended
            ray.kill(self.actor)


def _settle(name: str, future: Future[Any], done: Future[Any]) -> None:
    error = done.exception()
    if error is not None:
        future.set_exception(outage(name, error))
        return
    good, value = done.result()
    if good:
        future.set_result(value)
    else:
        future.set_exception(value)


def _attend(of: weakref.ref[RayReplica], done: Future[Any]) -> None:
    """An actor has said that it is alive, or has ended. This thread is Ray's: another one asks."""
    work = _watch_on if done.exception() is None else _look_for
    Thread(target=work, args=(of,), name="acl_bundle fleet restarts", daemon=True).start()


def _watch_on(of: weakref.ref[RayReplica]) -> None:
    replica = of()
    if replica is not None and replica._usable:
        replica._watch()


def _look_for(of: weakref.ref[RayReplica]) -> None:
    pause, dead = PAUSE_S, 0
    while dead < TRIES:
        replica = of()
        if replica is None or not replica._usable:
            return
        found = replica._came_back()
        if found:
            return
        del replica
        dead = dead + 1 if found is None else 0
        time.sleep(pause)
        pause = min(2 * pause, PAUSE_MOST_S)

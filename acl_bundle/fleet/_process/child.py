"""The child: it loads the model, and does what the parent asks until the pipe ends.

Ctrl-C of a terminal goes to every process of the group; what it means here the parent says. When
the parent ends, however it does, so does the pipe, and the child closes its model and ends.
"""

from __future__ import annotations

import signal
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from acl_bundle.bundle import Bundle
from acl_bundle.fleet._process.plan import (
    CLOSE,
    INFER,
    READY,
    ChildPlan,
    pickled,
    received,
    sendable,
    sent,
)
from acl_bundle.fleet._replica.local import LocalReplica
from acl_bundle.fleet._replica.participant import Participant
from acl_bundle.pair import Pair

AT_ONCE = 16
"""Inferences of one child that are under way or wait at its gate."""


def main(pipe: Connection, plan: ChildPlan) -> None:
    """Run the child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = _Answers(pipe)
    try:
        replica = loaded(plan)
    except BaseException as error:
        answers.send(READY, good=False, value=sendable(error))
        raise SystemExit(1) from None
    with replica, ThreadPoolExecutor(AT_ONCE, "acl_bundle fleet infer") as pool:
        answers.send(READY, good=True, value=None)
        with suppress(EOFError, OSError):
            _serve(pipe, replica, pool, answers)


def loaded(plan: ChildPlan) -> LocalReplica:
    """The replica of a plan, in the process that runs this.

    Raises:
        As `Bundle.load` and `Bundle.init`.
    """
    if plan.initializer is not None:
        plan.initializer()
    load = Pair.load if plan.pair else Bundle.load
    model: Any = load(plan.source, device=plan.device, **plan.options)
    return LocalReplica(Participant(plan.name, model, plan.record.resolve, init=plan.init))


def _serve(
    pipe: Connection, replica: LocalReplica, pool: ThreadPoolExecutor, answers: _Answers
) -> None:
    while True:
        number, step, made = received(pipe)
        if step == CLOSE:
            return
        try:
            arguments = made()
        except Exception as error:  # a class that is not here, say
            answers.send(number, good=False, value=sendable(error))
            continue
        future = (
            pool.submit(replica.infer, *arguments)
            if step == INFER
            else replica.start(step, *arguments)
        )
        del arguments, made
        future.add_done_callback(answers.of(number))


class _Answers:
    """Sends answers, from whatever thread has one."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock = pipe, Lock()

    def send(self, number: int, *, good: bool, value: Any) -> None:
        try:
            body = pickled(value)
        except Exception as error:
            good, body = False, pickled(sendable(error))
        with self._lock, suppress(OSError):  # nobody waits for it any more
            sent(self._pipe, (number, good), body)

    def of(self, number: int) -> Any:
        def done(future: Future[Any]) -> None:
            error = future.exception()
            if error is None:
                self.send(number, good=True, value=future.result())
            else:
                self.send(number, good=False, value=sendable(error))

        return done

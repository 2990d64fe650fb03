"""The threads that run a model's graph: one for each run that is under way at once."""

from __future__ import annotations

import logging
import threading
from asyncio import Future
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Any, Protocol

from numpy.typing import NDArray

from acl_bundle.errors import AclBundleError
from acl_bundle.server._batch.queue import Queued, RequestQueue
from acl_bundle.server._batch.rows import Rows, Shaped
from acl_bundle.server._protocol.messages import InferAnswer
from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of

Array = NDArray[Any]
Observe = Callable[[str, float], None]
"""What a stage's seconds are told to."""
_LOG = logging.getLogger("acl_bundle.server")


class Runs(Shaped, Protocol):
    """An inference graph: `Graph`, that of a Pair, or what has the same door."""

    def run(self, inputs: Mapping[str, Any]) -> Mapping[str, Array]:
        """Run once; the outputs have an attribute ``version``."""


Result = InferAnswer | Refusal


class Workers:
    """Threads that take batches from a queue, run them, and hand out the answers.

    Args:
        graph: What runs.
        queue: What is run.
        count: How many threads.
        observe: Is told the seconds of the stages ``queue`` and ``infer``, and how many
            rows of a gear were filled as ``rows``.
    """

    def __init__(self, graph: Runs, queue: RequestQueue, count: int, observe: Observe) -> None:
        self._graph, self._queue, self._observe = graph, queue, observe
        self._running: dict[int, Sequence[Queued]] = {}
        self._threads = [
            threading.Thread(target=self._work, name=f"acl_bundle.server {at}", daemon=True)
            for at in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def join(self, seconds: float) -> bool:
        """Wait for the threads' end, of a queue that is closed; returns whether they ended."""
        until = monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def abandon(self, why: str) -> None:
        """Tell those whose runs do not end that nothing comes."""
        for batch in list(self._running.values()):
            refuse(batch, why)

    def _work(self) -> None:
        rows, here = Rows(self._graph), threading.get_ident()
        while batch := self._queue.take(rows.most):
            self._running[here] = batch
            begun = monotonic()
            for one in batch:
                self._observe("queue", begun - one.arrived)
            results = self._results(rows, batch)
            self._observe("infer", monotonic() - begun)
            _hand_out(batch, results)
            del self._running[here], batch, results  # nothing is kept while this thread waits

    def _results(self, rows: Rows, batch: Sequence[Queued]) -> list[Result]:
        try:
            return self._run(rows, batch)
        except Exception as error:  # the server lives, whatever a run raises
            refusal = refusal_of(error)
            if refusal.kind is Why.INTERNAL:
                known = isinstance(error, AclBundleError)
                _LOG.error("a run failed: %s", error, exc_info=not known)
            return [refusal] * len(batch)

    def _run(self, rows: Rows, batch: Sequence[Queued]) -> list[Result]:
        total = sum(one.rows for one in batch)
        given = rows.join([one.inputs for one in batch], total) if total else batch[0].inputs
        if total:
            self._observe("rows", total)
        outputs: Any = self._graph.run(given)
        version = "" if outputs.version is None else str(outputs.version)
        results, begin = [], 0
        for one in batch:
            rows_of = slice(begin, begin + one.rows) if one.rows else ...
            results.append(_result(one, outputs, version, rows_of))
            begin += one.rows
        return results


def _result(one: Queued, outputs: Any, version: str, rows: Any) -> Result:
    if one.version not in ("", version):
        return Refusal(
            Why.NOT_FOUND,
            f"there is no version {one.version!r} of the weights any more; it is {version!r} now",
        )
    try:
        return InferAnswer(
            one.id, version, {name: outputs[name][rows] for name in one.wanted or outputs}
        )
    except KeyError as error:
        return Refusal(Why.INVALID, f"no such output: {error.args[0]}")


def _hand_out(batch: Sequence[Queued], results: Sequence[Result]) -> None:
    """Give each request its answer, on the loop's thread."""
    pairs = [(one.answer, result) for one, result in zip(batch, results, strict=True)]
    try:
        batch[0].loop.call_soon_threadsafe(partial(_settle, pairs))
    except RuntimeError:  # the loop was closed: nobody waits
        _LOG.debug("%d answers came after the server's end", len(batch))


def _settle(pairs: Sequence[tuple[Future[InferAnswer], Result]]) -> None:
    for future, result in pairs:
        if future.done():
            continue
        if isinstance(result, Refusal):
            future.set_exception(result)
        else:
            future.set_result(result)


def refuse(waiting: Sequence[Queued], why: str) -> None:
    """Tell those that still wait that nothing comes."""
    for one in waiting:
        _hand_out([one], [Refusal(Why.UNAVAILABLE, why)])

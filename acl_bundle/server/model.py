"""One served model: from its load to its unload, and the way of a request through it.

T1 is the loop's thread, T2 a worker's, T3 whoever loads or unloads.

1. T1 puts a request into the queue, with a future of the loop
2. T2 takes what waits as one batch, runs it, and hands the answers to the loop
3. T1 sets the futures; the front end that waits writes the answer

T3 closes the queue first: what waits is refused, what runs ends, and only then the bundle
is closed. A request comes before the close, and is refused by it, or after, and is refused by the
queue.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from time import monotonic
from typing import Any, Protocol

from acl_bundle.errors import BusyError, ClosedError
from acl_bundle.server._batch.queue import Queued, RequestQueue
from acl_bundle.server._batch.rows import Rows
from acl_bundle.server._batch.workers import Runs, Workers, refuse
from acl_bundle.server._protocol import described
from acl_bundle.server._protocol.messages import InferAnswer, InferRequest
from acl_bundle.server._protocol.refusal import Refusal, Why
from acl_bundle.server.limits import ServerLimits
from acl_bundle.server.metrics import ModelMetrics


class Served(Protocol):
    """What can be served: a `Bundle`, a `Pair`, or what has the same doors."""

    @property
    def infer(self) -> Any:
        """The inference graph: ``inputs``, ``outputs``, ``run(dict) -> Outputs``."""

    @property
    def version(self) -> Any:
        """What inference reads now."""


Load = Callable[[], AbstractContextManager[Served]]
"""Makes what is served; its end gives that back."""


class ServedModel:
    """A model under a name. Made by `Server`, which calls it; see the module's text.

    Attributes:
        name: What clients call it.
        state: ``"UNAVAILABLE"``, ``"LOADING"``, ``"READY"`` or ``"UNLOADING"``.
        reason: Why it is unavailable.
        served: What answers now; None unless it is ready.
        over: Whether it is not to be loaded any more.
    """

    def __init__(self, name: str, load: Load, limits: ServerLimits, metrics: ModelMetrics) -> None:
        self.name: str = name
        self.state: str = "UNAVAILABLE"
        self.reason: str = "it was not loaded yet"
        self.served: Served | None = None
        self.over: bool = False
        self._load, self._limits, self._metrics = load, limits, metrics
        self._one = threading.Lock()  # one load or unload at a time
        self._stack = ExitStack()
        self._queue: RequestQueue | None = None
        self._workers: Workers | None = None
        self._rows: Rows | None = None
        self._outputs: tuple[str, ...] = ()
        metrics.watch(self)

    @property
    def ready(self) -> bool:
        """Whether an inference would be run now: loaded, and not poisoned."""
        served = self.served
        try:
            return served is not None and _why_not(served) is None
        except ClosedError:
            return False

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        queue = self._queue
        return 0 if queue is None else len(queue)

    @property
    def version(self) -> str:
        """The version of the weights now, as the protocol has it; empty while there is none."""
        served = self.served
        try:
            return "" if served is None or served.version is None else str(served.version)
        except ClosedError:
            return ""

    def load(self) -> None:
        """Load it, where it is not loaded. Blocks.

        Raises:
            Whatever loading raises; it is unavailable then.
        """
        with self._one:
            if self.state == "READY":
                return
            if self.over:
                raise ClosedError(f"model {self.name!r} is not loaded: its server ends")
            if self._queue is not None:
                raise BusyError(
                    f"model {self.name!r} was unloaded, but a run has not ended: unload it again"
                )
            self.state = "LOADING"
            try:
                self._open()
            except BaseException as error:
                self.state, self.reason = "UNAVAILABLE", f"it could not be loaded: {error}"
                raise

    def _open(self) -> None:
        with ExitStack() as stack:
            served = stack.enter_context(self._load())
            graph: Runs = served.infer
            names = tuple(spec.name for spec in graph.outputs)
            self._rows, self._outputs = Rows(graph), names
            queue = RequestQueue(self._limits.queue, self._limits.batch_delay)
            self._workers = Workers(graph, queue, self._limits.workers, self._metrics.observe)
            self._queue, self.served = queue, served
            self._stack = stack.pop_all()
        self._metrics.applied()
        self.state, self.reason = "READY", ""

    def unload(self, why: str = "it was unloaded", seconds: float | None = None) -> bool:
        """Refuse what waits, let what runs end, and give back what was loaded. Blocks.

        Args:
            why: What those are told that wait, and come later.
            seconds: The longest wait for what runs; None for the limit of a request.

        Returns:
            Whether it ended in time. If not, what was loaded stays where it is.
        """
        with self._one:
            if self._queue is None or self._workers is None:
                return True
            self.state, self.reason, self.served = "UNLOADING", why, None
            refuse(self._queue.close(f"model {self.name!r} is unavailable: {why}"), why)
            ended = self._workers.join(self._limits.request if seconds is None else seconds)
            if ended:
                self._queue = self._workers = None
                self.state = "UNAVAILABLE"
                self._stack.close()
            else:
                self._workers.abandon(f"the device was not done in time, and {why}")
            return ended

    def metadata(self, version: str = "") -> dict[str, Any]:
        """Return the model's metadata.

        Raises:
            Refusal: It is not loaded, or has no such version.
        """
        graph, now = self._graph(), self.version
        self._check_version(version, now)
        return described.model(self.name, now, graph.inputs, graph.outputs)

    def _graph(self) -> Runs:
        served = self.served
        if served is None:
            raise Refusal(
                Why.UNAVAILABLE,
                f"model {self.name!r} is unavailable: {self.reason or self.state}",
            )
        graph: Runs = served.infer
        return graph

    def _check_version(self, wanted: str, now: str) -> None:
        if wanted not in ("", now):
            raise Refusal(
                Why.NOT_FOUND,
                f"model {self.name!r} has no version {wanted!r} of its weights now; it has {now!r}",
            )

    async def infer(self, request: InferRequest) -> InferAnswer:
        """Run a request; called on the loop.

        Raises:
            Refusal: There is no answer, and why.
        """
        self._graph()
        why = None if self.served is None else _why_not(self.served)
        if why is not None:
            raise Refusal(Why.UNAVAILABLE, f"model {self.name!r} is unavailable: {why}")
        if request.version:
            self._check_version(request.version, self.version)
        queue, rows = self._queue, self._rows
        if queue is None or rows is None:
            raise Refusal(Why.UNAVAILABLE, f"model {self.name!r} is unavailable: {self.reason}")
        self._check_wanted(request.outputs)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[InferAnswer] = loop.create_future()
        one = Queued(
            request.id, request.inputs, tuple(request.outputs), request.version,
            rows.count(request.inputs), answer, loop, monotonic(),
        )  # fmt: skip
        queue.put(one)
        limit = loop.call_later(self._limits.request, self._late, answer)
        try:
            return await answer
        except BaseException:
            queue.drop(one)  # what it holds is not kept until a worker comes by
            raise
        finally:
            limit.cancel()

    def _check_wanted(self, wanted: Mapping[str, bool]) -> None:
        for name in wanted:
            if name not in self._outputs:
                known = ", ".join(self._outputs)
                raise Refusal(
                    Why.INVALID,
                    f"model {self.name!r} has no output {name!r}; it has {known}",
                )

    def _late(self, answer: asyncio.Future[InferAnswer]) -> None:
        if not answer.done():
            answer.set_exception(
                Refusal(
                    Why.TIMEOUT,
                    f"no answer within {self._limits.request} seconds, the limit of this server",
                )
            )


def _why_not(served: Any) -> str | None:
    """Say why what is loaded does not infer; None where it does.

    Raises:
        ClosedError: It was closed.
    """
    if getattr(served, "poisoned", False):
        return "a failed update left its weights in an unknown state; the next whole one heals it"
    why: str | None = getattr(served, "why_not", None)
    if why is not None:
        return why
    if served.version is None and hasattr(served, "update"):
        return "its weights have no values yet: the first version has not come"
    return None

"""What a graph does behind its callers: runs with a timeout, futures, streams."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Literal, SupportsIndex

from acl_bundle._async.queue import Queue
from acl_bundle._async.runner import SLOTS_MAX, Runner, SlotSizes, open_runner
from acl_bundle._async.second_ids import SecondIds
from acl_bundle._async.stream import Stream
from acl_bundle._base.arrays import whole
from acl_bundle._base.wait import check_limit, check_timeout
from acl_bundle._device.events import events_of
from acl_bundle._run.fit import Fit, Given, Out
from acl_bundle._run.hold import check_not_own
from acl_bundle._run.run import Outputs
from acl_bundle._run.signature import Signature
from acl_bundle.errors import ClosedError, UnsupportedError

DEPTH = 2


def _check_depth(depth: SupportsIndex) -> int:
    found = whole(depth, "depth is how many runs may be ahead, an int")
    if not 0 < found < SLOTS_MAX:
        raise ValueError(f"depth is {found}; give 1 to {SLOTS_MAX - 1}")
    return found


class Serving:
    """The runner of one graph, opened when it is first used, and its queue.

    Args:
        second_ids: The bundle's.
        index: The graph's place in the file.
        sizes: What its slots hold; None for a dynamic graph.
        signature: What the graph takes and gives.
    """

    def __init__(
        self, second_ids: SecondIds, index: int, sizes: SlotSizes | None, signature: Signature
    ) -> None:
        self._second_ids, self._signature, self._label = second_ids, signature, signature.label
        names = signature.in_names, signature.out_names
        self._open = (
            None
            if sizes is None
            else partial(open_runner, second_ids, index, self._label, sizes, names)
        )
        self._opening = threading.Lock()
        self._runner: tuple[Runner, Queue] | None = None

    def _check(self) -> Callable[[int], Runner]:
        """Refuse what cannot be run asynchronously (facts 1.11); returns what opens a runner."""
        self._second_ids.variables.check(self._label)
        if self._open is None:
            raise UnsupportedError(
                f"{self._label} is dynamic: its outputs' memory is the library's to allocate, which"
                " aclmdlExecuteAsync does not do. Run it without timeout_ms, submit or stream"
            )
        return self._open

    def _check_now(self) -> None:
        """As `_check`, of a run that begins now on this thread.

        Raises:
            BusyError: This thread holds the bundle.
        """
        self._check()
        check_not_own(self._label, self._second_ids.variables.committing)

    def _opened(self, depth: int) -> tuple[Runner, Queue]:
        if self._runner is None:
            with self._opening:
                if self._runner is None:
                    runner = self._check()(max(depth, DEPTH))
                    queue = Queue(runner, self._signature)
                    self._second_ids.on_stop(queue.stop)
                    self._runner = runner, queue
        self._runner[0].deepen(depth)
        return self._runner

    def run(
        self, given: Given, out: Out, timeout_ms: SupportsIndex, ready: Any = None
    ) -> Outputs[Any]:
        """See `Graph.run`."""
        limit = check_timeout(timeout_ms)
        self._check_now()
        fit = self._signature.fit(given, ready)
        fit.write_to(self._signature.targets(fit, out))
        runner, _ = self._opened(DEPTH)
        return self._outputs(fit, runner.run(fit, limit))

    def _outputs(self, fit: Fit, epoch: int) -> Outputs[Any]:
        outputs: Outputs[Any] = Outputs(zip(self._signature.out_names, fit.targets, strict=True))
        outputs.version = self._second_ids.variables.versions[epoch]
        return outputs

    def _plain(self, fit: Fit, _: int) -> Any:
        return fit.targets[0] if len(fit.targets) == 1 else tuple(fit.targets)

    def submit(
        self,
        given: tuple[Any, ...],
        timeout_ms: SupportsIndex | None,
        out: Out = None,
        ready: Any = None,
    ) -> Future[Any]:
        """See `Graph.submit`."""
        limit = check_limit(timeout_ms)
        self._check_now()
        named = len(given) == 1 and isinstance(given[0], Mapping | Sequence)
        plain = not named or isinstance(given[0], str | bytes)
        fit = self._signature.fit(given if plain else given[0], ready)
        if out is not None:
            fit.write_to(self._signature.targets(fit, out))
        _, queue = self._opened(DEPTH)
        keep = self._second_ids.keep()
        if keep is None:
            raise ClosedError(f"the bundle of {self._label} was collected: keep it")
        return queue.submit(fit, self._plain if plain else self._outputs, limit, keep)

    def stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex,
        timeout_ms: SupportsIndex | None,
        out: Literal["device"] | None = None,
        ready: Any = None,
    ) -> Stream[Any]:
        """See `Graph.stream`."""
        ahead, limit = _check_depth(depth), check_limit(timeout_ms)
        self._check()
        self._opened(ahead)
        if out is not None and not (isinstance(out, str) and out == "device"):
            raise ValueError(f'out is {out!r}; a stream takes None or "device"')
        events_of(ready)
        return Stream(lambda item: self.submit((item,), limit, out, ready), items, ahead)

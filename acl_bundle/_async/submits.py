"""Runs behind their caller: how a graph is asked for them, and what comes back.

One definition for the graphs of a bundle and for that of a pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal, SupportsIndex, overload

from acl_bundle._async.serving import DEPTH
from acl_bundle._async.stream import Stream
from acl_bundle._base.owner import OfProcess
from acl_bundle._device.array import DeviceArray
from acl_bundle._run.fit import Array, HostOut, Out
from acl_bundle._run.run import Outputs

Inputs = Mapping[str, Any] | Sequence[Any]


class Submits(OfProcess):
    """What runs for callers that do not wait."""

    @overload
    def submit(
        self,
        inputs: Inputs,
        /,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: HostOut = None,
        ready: Any = None,
    ) -> Future[Outputs]: ...

    @overload
    def submit(
        self,
        inputs: Inputs,
        /,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: Literal["device"],
        ready: Any = None,
    ) -> Future[Outputs[DeviceArray]]: ...

    @overload
    def submit(
        self,
        inputs: Inputs,
        /,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: Out,
        ready: Any = None,
    ) -> Future[Outputs[Array | DeviceArray]]: ...

    @overload
    def submit(
        self,
        *inputs: Any,
        timeout_ms: SupportsIndex | None = None,
        out: HostOut = None,
        ready: Any = None,
    ) -> Future[Array]: ...

    @overload
    def submit(
        self,
        *inputs: Any,
        timeout_ms: SupportsIndex | None = None,
        out: Literal["device"],
        ready: Any = None,
    ) -> Future[DeviceArray]: ...

    @overload
    def submit(
        self,
        *inputs: Any,
        timeout_ms: SupportsIndex | None = None,
        out: Out,
        ready: Any = None,
    ) -> Future[Array | DeviceArray]: ...

    def submit(
        self,
        *inputs: Any,
        timeout_ms: SupportsIndex | None = None,
        out: Out = None,
        ready: Any = None,
    ) -> Future[Any]:
        """Run behind the caller's back.

        Up to three runs are on the device at once, of which one executes while
        others copy; more wait. They begin and end in the order they were
        submitted. The graph's second id is loaded by the first call.

        Args:
            inputs: Arrays in input order, as a call takes them; or one mapping
                or sequence, as `run` takes it. They are looked at now, copied
                when the run begins (but for those on the device), and must not
                change until it has ended.
            timeout_ms: How long the device may take in milliseconds, above 0,
                once all runs before have ended; None for ever.
            out: Arrays to write, or "device", as `run` takes them.
            ready: Events to wait for, as `run` takes them: the device waits.

        Returns:
            A future of what a call returns; for a mapping or sequence, of what
            `run` returns. It can be cancelled until the run begins; it fails
            with what `run` raises. Its callbacks run in the thread that waits
            for the device, so they should be short; they may use the bundle.

        Raises:
            ValueError, TypeError, RoleError, UnsupportedError: As `run`.
            BusyError: A run that was given up is still on the device.
            ClosedError: The bundle is closed, or was loaded before a fork.
            SourceChangedError: It would be of another model: see `Bundle.load`.
            AclError: The second id could not be loaded.
        """
        return self._submit(inputs, timeout_ms, out, ready)

    @overload
    def stream(
        self,
        items: Iterable[Mapping[str, Any]] | Iterable[Sequence[Any]],
        depth: SupportsIndex = DEPTH,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: None = None,
        ready: Any = None,
    ) -> Stream[Outputs]: ...

    @overload
    def stream(
        self,
        items: Iterable[Mapping[str, Any]] | Iterable[Sequence[Any]],
        depth: SupportsIndex = DEPTH,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: Literal["device"],
        ready: Any = None,
    ) -> Stream[Outputs[DeviceArray]]: ...

    @overload
    def stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex = DEPTH,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: None = None,
        ready: Any = None,
    ) -> Stream[Array]: ...

    @overload
    def stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex = DEPTH,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: Literal["device"],
        ready: Any = None,
    ) -> Stream[DeviceArray]: ...

    def stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex = DEPTH,
        *,
        timeout_ms: SupportsIndex | None = None,
        out: Literal["device"] | None = None,
        ready: Any = None,
    ) -> Stream[Any]:
        """Run for each of many inputs, some ahead of who takes the results.

        The copies of one run overlap the execute of another.

        Args:
            items: Inputs, each an array, or a mapping or sequence as `run`
                takes it. It is advanced by who iterates over the results, at
                most `depth` items ahead. An array must not change until its
                result has come.
            depth: How many runs may be ahead of the one whose result is waited
                for, 1 to 63. Each takes device and page-locked memory for its
                inputs and outputs, which the graph keeps.
            timeout_ms: As for `submit`, for each run.
            out: "device" leaves the outputs there, each a new DeviceArray.
            ready: Events as `run` takes them; the device waits, in each run, for
                their latest record. They must live until the last run is over.

        Returns:
            An iterator over the results, as those of `submit`, in order. An
            error, of a run or of `items`, is raised in its place, and the next
            step goes on behind it. ``close()``, or the end of a ``with`` block,
            cancels what has not begun and waits for the rest; an iterator that
            is dropped only cancels.

        Raises:
            ValueError, TypeError: `depth`, `timeout_ms`, `ready` or `items` cannot be.
            RoleError, UnsupportedError, ClosedError, AclError: As `submit`.
        """
        return self._stream(items, depth, timeout_ms, out, ready)

    def _submit(
        self, inputs: tuple[Any, ...], timeout_ms: SupportsIndex | None, out: Out, ready: Any
    ) -> Future[Any]:
        raise NotImplementedError

    def _stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex,
        timeout_ms: SupportsIndex | None,
        out: Literal["device"] | None,
        ready: Any,
    ) -> Stream[Any]:
        raise NotImplementedError

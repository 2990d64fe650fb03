"""One executable graph: names, shapes, and a call that is one crossing.

A run checks names, dtypes and shapes and enters the engine once
(csrc/infer/engine.c): copies in, executes, copies out, with the GIL released.
Nothing is allocated on the device and no pointer outlives the call; only `bind`
keeps arrays, because it is asked to. What runs behind its caller, or may be
given up, runs elsewhere (`_async.serving`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, Literal, NoReturn, SupportsIndex, overload

from acl_bundle._async.serving import Serving
from acl_bundle._async.stream import Stream
from acl_bundle._async.submits import Inputs, Submits
from acl_bundle._device.array import DeviceArray
from acl_bundle._run.fit import Array, HostOut, Out
from acl_bundle._run.run import Bind, Binding, Call, Outputs, Run
from acl_bundle.errors import RoleError, visible
from acl_bundle.spec import TensorSpec


class Graph(Submits):
    """One graph of a loaded bundle. Made by ``Bundle.load``, never directly.

    Attributes:
        name: The graph's name in the file, at most 31 characters.
        index: Its place in the file.
        role: ``"infer"``, ``"init"``, ``"update"`` or None.
        inputs: What it takes, in order.
        outputs: What it gives, in order.
        batches: The sizes of its dynamic batch, in the file's order; empty without one.
    """

    def __init__(
        self,
        name: str,
        index: int,
        role: str | None,
        inputs: tuple[TensorSpec, ...],
        outputs: tuple[TensorSpec, ...],
    ) -> None:
        self.name: str = name
        self.index: int = index
        self.role: str | None = role
        self.inputs: tuple[TensorSpec, ...] = inputs
        self.outputs: tuple[TensorSpec, ...] = outputs
        self.batches: tuple[int, ...] = ()
        self._run: Run = self._refuse
        self._call: Call = self._refuse
        self._bind: Bind = self._refuse
        self._serving: Serving | None = None

    def _refuse(self, *_: Any) -> NoReturn:
        instead = f"through bundle.{self.role}(...)" if self.role else "by a graph that has a role"
        raise RoleError(f"{self.label} is not run: variables change {instead} alone")

    @property
    def label(self) -> str:
        """The graph in a message: role, index and name."""
        return f"{self.role or 'graph'} {self.index} ({visible(self.name)})"

    def __repr__(self) -> str:
        takes, gives = (", ".join(map(str, specs)) for specs in (self.inputs, self.outputs))
        return f"<Graph {self.label}: ({takes}) -> ({gives})>"

    @overload
    def __call__(self, *arrays: Any, out: HostOut = None, ready: Any = None) -> Array: ...

    @overload
    def __call__(self, *arrays: Any, out: Literal["device"], ready: Any = None) -> DeviceArray: ...

    @overload
    def __call__(self, *arrays: Any, out: Out, ready: Any = None) -> Array | DeviceArray: ...

    def __call__(self, *arrays: Any, out: Out = None, ready: Any = None) -> Any:
        """Run on arrays in input order; see `run`, also for `out` and `ready`.

        Returns:
            The output when there is one, else a tuple in output order. Only the
            file tells which, so for type checkers it is one array, which may be
            unpacked; `run` tells all of it.
        """
        if out is None and ready is None:
            result: Any = self._call(*arrays)
        else:
            found = tuple(self._run(arrays, out, ready).values())
            result = found[0] if len(found) == 1 else found
        return result

    def _serve(self) -> Serving:
        return self._refuse() if self._serving is None else self._serving

    @overload
    def run(
        self,
        inputs: Inputs,
        out: HostOut = None,
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs: ...

    @overload
    def run(
        self,
        inputs: Inputs,
        out: Literal["device"],
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs[DeviceArray]: ...

    @overload
    def run(
        self,
        inputs: Inputs,
        out: Out,
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs[Array | DeviceArray]: ...

    def run(
        self,
        inputs: Inputs,
        out: Out = None,
        *,
        timeout_ms: SupportsIndex | None = None,
        ready: Any = None,
    ) -> Outputs[Any]:
        """Run the graph once; one call into C, with the GIL released.

        Blocks while another thread runs this graph, while an update is being
        committed and while another thread holds the bundle; signals' handlers,
        Ctrl-C's too, run meanwhile. Calls aclrtMemcpy and aclmdlExecute.

        Args:
            inputs: An array per input, by name or in order: a numpy array, or
                anything with ``__dlpack__`` on the CPU, of exactly the input's
                dtype and shape. Where the spec's shape has -1 the array's
                decides: it picks the gear of a graph that has gears.
                Read-only is fine; non-contiguous is copied. Or an array on the
                bundle's device (a DeviceArray, or what `from_dlpack` takes),
                which the graph reads where it is: nothing is copied, and it
                must not change until the run is over.
            out: Arrays to write, by name, for some or all outputs: numpy arrays,
                writable and C-contiguous, of exactly the output's dtype and
                shape, no two of which share memory. An output may lie over an
                input: inputs are copied to the device before outputs are
                written. Outputs that are not given are new arrays. An output on
                the device, for which a DeviceArray is given, or "device" for a
                new one, stays there, and must not lie over an input there.
                "device" instead of the mapping leaves all outputs there.
            timeout_ms: The longest wait in milliseconds, above 0; None for ever.
                With a timeout the run goes through a second id of the graph,
                which is loaded when it is first needed and takes device memory.
            ready: An event that was recorded behind whatever still writes the
                arrays on the device, on another stream: the address of an
                aclrtEvent, a torch.npu.Event, or a list of them. It must live
                until the run is over. Without a timeout the calling thread
                waits for it, with no limit, until Ctrl-C
                (aclrtSynchronizeEventWithTimeout), else the device does
                (aclrtStreamWaitEvent).

        Returns:
            The outputs by name, with the version of the weights that made them.

        Raises:
            ValueError: A name is missing or unknown, a shape does not fit, or
                an array of `out` is read-only, not contiguous, or shares
                memory with another; or an array is on another device.
            TypeError: Not an array, or another dtype or byte order.
            RoleError: This is the init or the update graph.
            ClosedError: The bundle is closed, or was loaded before a fork; or
                an array on the device was freed.
            PoisonedError: A failed update left the weights in an unknown state.
            AclTimeoutError: The device was not done in `timeout_ms`. Until it
                is, timeouts, `submit`, `stream` and updates raise BusyError.
            BusyError: The run was not begun in `timeout_ms`, or one before was
                given up and is still on the device. Nothing was begun.
            UnsupportedError: A timeout, and this CANN lacks what it takes, or
                the graph is dynamic.
            SourceChangedError: A timeout, and its second id would be of another
                model: see `Bundle.load`.
            AclError: A call into the library failed.
        """
        if timeout_ms is not None:
            return self._serve().run(inputs, out, timeout_ms, ready)
        return self._run(inputs, out) if ready is None else self._run(inputs, out, ready)

    def _submit(
        self, inputs: tuple[Any, ...], timeout_ms: SupportsIndex | None, out: Out, ready: Any
    ) -> Future[Any]:
        return self._serve().submit(inputs, timeout_ms, out, ready)

    def _stream(
        self,
        items: Iterable[Any],
        depth: SupportsIndex,
        timeout_ms: SupportsIndex | None,
        out: Literal["device"] | None,
        ready: Any,
    ) -> Stream[Any]:
        return self._serve().stream(items, depth, timeout_ms, out, ready)

    def bind(
        self,
        inputs: Mapping[str, Array | DeviceArray],
        outputs: Mapping[str, Array | DeviceArray],
        *,
        ready: Any = None,
    ) -> Binding:
        """Fix the arrays of a run, to repeat it at the least cost.

        The arrays are kept and used in place: write new values into the inputs
        and read the outputs after each call.

        Args:
            inputs: A numpy array for every input, by name: exact dtype and
                shape, C-contiguous. Read-only is fine.
            outputs: The same for every output; writable, no two of which share
                memory. An output may lie over an input, so that a state is fed
                back: see `run`.
            ready: As for `run`; each call waits for its latest record.

        Arrays on the device may stand on either side. Freed, they stay until the
        binding is closed.

        Returns:
            A callable without arguments that runs once and returns the weights'
            epoch (how many commits came before), and has ``close()``.

        Raises:
            ValueError, TypeError, RoleError: As for `run`; a non-contiguous
                array is refused here, a copy could not follow the original.
        """
        return self._bind(inputs, outputs, ready)

"""ais_bench's `InferSession` over a `Bundle`.

The mode that a program names is checked against the file, and otherwise not needed: a bundle picks
the gear by the arrays' shapes.
"""

from __future__ import annotations

import logging
import math
import os
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import whole
from acl_bundle.bundle import Bundle
from acl_bundle.compat.feeds import listed, times
from acl_bundle.compat.files import FilesRun
from acl_bundle.compat.shape_choices import MODES, gears_of, mode_of
from acl_bundle.compat.tensors import Summary, Tensor, TensorDesc, describe
from acl_bundle.graph import Graph
from acl_bundle.spec import TensorSpec

__all__ = ["InferSession"]

_log = logging.getLogger(__name__)
_open: weakref.WeakSet[InferSession] = weakref.WeakSet()

Array = NDArray[Any]
Feeds = Sequence[Any]


class InferSession(FilesRun):
    """A model on a device, as ais_bench has it. Close it with `free_resource`, or use ``with``.

    Each call blocks, with the GIL released; any thread may make it. A file with weights is
    initialised at the load; `bundle` takes new ones.

    Args:
        device_id: Index of the device.
        model_path: The .om file, a bundle or a plain model.
        acl_json_path: What aclInit is given; None for nothing.
        debug: Whether each inference is logged, by `logging`, at level DEBUG.
        loop: How often each inference is repeated, to be timed.

    Attributes:
        bundle: What it is made of.
        intensors_desc: What `get_inputs` gave at the load; outtensors_desc of `get_outputs`,
            outputs_names the names of those.

    Raises:
        TypeError, ValueError: `loop` is no int, or less than 1. All that `Bundle.load` raises
            comes through.
    """

    def __init__(
        self,
        device_id: int,
        model_path: str | os.PathLike[str],
        acl_json_path: str | None = None,
        debug: bool = False,
        loop: int = 1,
    ) -> None:
        self.device_id: int = device_id
        self.model_path: str | os.PathLike[str] = model_path
        self.acl_json_path: str | None = acl_json_path
        self.debug: bool = debug
        self.loop: int = times(loop, "loop")
        self._level = logging.DEBUG if debug else logging.NOTSET
        self._times, self._last = Summary(), dict[str, Array]()
        self.bundle: Bundle = Bundle.load(model_path, device=device_id, config=acl_json_path)
        try:
            if any(graph.role == "init" for graph in self.bundle.graphs):
                self.bundle.init()
            self._graph: Graph = self.bundle.infer
            self._gears = gears_of(model_path, self._graph)
            self._mode = mode_of(self._gears, self._graph)
        except BaseException:
            self.bundle.close()
            raise
        self.intensors_desc: list[TensorDesc] = self.get_inputs()
        self.outtensors_desc: list[TensorDesc] = self.get_outputs()
        self.outputs_names: list[str] = [one.name for one in self.outtensors_desc]
        _open.add(self)

    def get_inputs(self) -> list[TensorDesc]:
        """Describe the inputs, in order. Those of gears and of dynamic AIPP are not among them."""
        return [describe(spec, self._last.get(spec.name)) for spec in self._inputs]

    def get_outputs(self) -> list[TensorDesc]:
        """Describe the outputs, in order."""
        return [describe(spec, self._last.get(spec.name)) for spec in self._graph.outputs]

    def infer(
        self,
        feeds: Feeds,
        mode: str = "static",
        custom_sizes: int | Sequence[int] = 100000,  # noqa: ARG002  ais_bench's
        out_array: bool = True,
    ) -> list[Any]:
        """Run once (`loop` times, if that was given).

        Args:
            feeds: An array, number, tensor of torch or `Tensor` for each input, in order, of its
                dtype. In mode static an array of as many elements is reshaped.
            mode: What the file is: static, dymbatch, dymhw, dymdims or dymshape.
            custom_sizes: Bytes for each output, or one number for all. Outputs here have the
                memory that they need, so it is not used.
            out_array: Whether outputs are numpy arrays; else they are `Tensor`.

        Returns:
            The outputs, in order.

        Raises:
            ValueError: The file has another mode, or a shape does not fit.
            TypeError: A dtype does not fit, or `feeds` is no list.
            ClosedError: `free_resource` was called.
            AclError: A call into the library failed.
        """
        outputs = self._run(self._given(feeds, mode))
        return outputs if out_array else [Tensor(array) for array in outputs]

    def infer_pipeline(
        self,
        feeds_list: Sequence[Feeds],
        mode: str = "static",
        custom_sizes: int | Sequence[int] = 100000,  # noqa: ARG002  ais_bench's
    ) -> list[list[Array]]:
        """Run for each of many feeds; the copies of one overlap the computation of another.

        A model of mode dymshape runs them one after the other.

        Returns:
            The outputs of each, in order.

        Raises:
            As `infer`.
        """
        given = [self._given(feeds, mode) for feeds in listed(feeds_list, "feeds_list")]
        return list(self._answers(given))

    def infer_iteration(
        self,
        feeds: Feeds,
        in_out_list: Sequence[int] | None = None,
        iteration_times: int = 1,
        mode: str = "static",
        custom_sizes: int | Sequence[int] = 100000,  # noqa: ARG002  ais_bench's
        mem_copy: bool = True,  # noqa: ARG002
    ) -> list[Array]:
        """Run again and again on what the run before gave.

        Args:
            feeds: The first run's inputs.
            in_out_list: For each input the output that becomes it, -1 for none: then it stays.
            iteration_times: How many runs.
            mode: As for `infer`.
            custom_sizes: As for `infer`.
            mem_copy: Not used: inputs are always copied.

        Returns:
            The last run's outputs.

        Raises:
            ValueError: `in_out_list` does not fit the model, or fewer than one run is asked for.
                All that `infer` raises comes through.
        """
        outputs = len(self._graph.outputs)
        links = [-1] * len(self._inputs)
        if in_out_list is not None:
            links = [whole(at, "in_out_list has ints") for at in listed(in_out_list, "in_out_list")]
        if len(links) != len(self._inputs) or not all(-1 <= at < outputs for at in links):
            raise ValueError(
                f"in_out_list is {links}; it has a number for each of the"
                f" {len(self._inputs)} inputs: -1, or an output from 0 to {outputs - 1}"
            )
        runs, given = times(iteration_times, "iteration_times"), self._given(feeds, mode)
        for _ in range(runs):
            made = self._run(given)
            given = [
                self._feed(made[at], self._inputs[own]) if at >= 0 else given[own]
                for own, at in enumerate(links)
            ]
        return made

    def summary(self) -> Summary:
        """Return the milliseconds of each inference so far, copies included."""
        return Summary(self._times)

    def reset_summaryinfo(self) -> None:
        """Forget the times."""
        self._times.clear()

    def free_resource(self) -> None:
        """Give back what is on the device. A second call does nothing."""
        self.bundle.close()

    @staticmethod
    def finalize() -> None:
        """Give back what all sessions of this process have: aclFinalize ends all of them."""
        for session in list(_open):
            session.free_resource()

    def __enter__(self) -> InferSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        self.bundle.close()

    def _given(self, feeds: Feeds, mode: str) -> list[Any]:
        """The feeds as a graph takes them.

        Raises:
            ValueError: There are too few or too many, or the file has another mode.
        """
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; {', '.join(MODES)} are right")
        if mode != self._mode:
            raise ValueError(f"mode is {mode!r}; the file's inputs are those of {self._mode!r}")
        found = self._counted(feeds)
        return [self._feed(one, spec) for one, spec in zip(found, self._inputs, strict=True)]

    def _feed(self, feed: Any, spec: TensorSpec) -> Any:
        array = feed if hasattr(feed, "__dlpack__") else np.asarray(feed)
        same = self._mode == "static" and math.prod(array.shape) == math.prod(spec.shape)
        if same and tuple(array.shape) != spec.shape and hasattr(array, "reshape"):
            return array.reshape(spec.shape)
        return array

    def _answers(self, given: Iterable[list[Any]]) -> Iterator[list[Array]]:
        if self._mode == "dymshape" or self.loop > 1:
            yield from map(self._run, given)
            return
        start = time.perf_counter()
        for made in self._graph.stream(map(self._complete, given)):
            now = time.perf_counter()
            self._note(now - start, made)
            yield list(made.values())
            start = now

    def _execute(self, given: list[Any]) -> list[Array]:
        return self._run(given)

    def _run(self, given: list[Any]) -> list[Array]:
        complete = self._complete(given)
        for _ in range(self.loop):
            start = time.perf_counter()
            made = self._graph.run(complete)
            self._note(time.perf_counter() - start, made)
        for spec, array in zip(self._inputs, given, strict=True):
            if isinstance(array, np.ndarray):
                self._last[spec.name] = array
        return list(made.values())

    def _note(self, seconds: float, made: Mapping[str, Array]) -> None:
        self._times.append(seconds * 1e3)
        self._last.update(made)
        if self._level:
            _log.log(self._level, "%s: %.3f ms", self._graph.label, seconds * 1e3)

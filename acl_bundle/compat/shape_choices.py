"""The steps below ais_bench's `infer`: a call chooses the shape, then `run` takes memory alone."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle import om
from acl_bundle.compat.feeds import Images, listed, times
from acl_bundle.compat.tensors import Tensor
from acl_bundle.graph import Graph
from acl_bundle.om import Gears
from acl_bundle.spec import TensorSpec

__all__ = ["MODES", "ShapeChoices", "gears_of", "mode_of", "shaped"]

_MODES = {"batch": "dymbatch", "hw": "dymhw", "dims": "dymdims"}
MODES = ("static", *_MODES.values(), "dymshape")


Array = NDArray[Any]


class ShapeChoices(Images):
    """What a session of ais_bench has for programs that set the shape themselves.

    Arrays of the chosen shape need none of it. `run` reshapes what has as many elements.
    """

    _mode: str
    _gears: Gears | None
    loop: int
    _chosen: list[tuple[int, ...]] | None = None

    def _execute(self, given: list[Any]) -> list[Any]:
        raise NotImplementedError

    def _check_mode(self, mode: str) -> None:
        """Refuse a choice that is another mode's.

        Raises:
            ValueError: The file has another mode.
        """
        if mode != self._mode:
            raise ValueError(f"mode is {mode!r}; the file's inputs are those of {self._mode!r}")

    @staticmethod
    def convert_tensors_to_host(tensors: Sequence[Tensor]) -> None:
        """Do nothing: the memory of a `Tensor` is the host's."""
        for tensor in tensors:
            tensor.to_host()

    @staticmethod
    def convert_tensors_to_arrays(tensors: Sequence[Tensor]) -> list[Array]:
        """Return the arrays of `Tensor` objects."""
        return [np.array(tensor) for tensor in tensors]

    def set_loop_count(self, loop: int) -> None:
        """Repeat each inference so often from now on.

        Raises:
            TypeError, ValueError: `loop` is no int, or less than 1.
        """
        self.loop = times(loop, "loop")

    def set_staticbatch(self) -> None:
        """Choose the shapes of the file, which has no others.

        Raises:
            ValueError: The file has another mode.
        """
        self._check_mode("static")

    def set_dynamic_batchsize(self, dym_batch: str | int) -> None:
        """Choose a batch for the runs that follow.

        Raises:
            ValueError: The file has another mode, or the batch is no number.
        """
        self._check_mode("dymbatch")
        self._choose([_filled(spec, [int(dym_batch)]) for spec in self._inputs])

    def set_dynamic_hw(self, w: int, h: int) -> None:
        """Choose height and width, in ais_bench's order: the first is the file's dim 2.

        Raises:
            ValueError: The file has another mode.
        """
        self._check_mode("dymhw")
        self._choose([_filled(spec, [int(w), int(h)]) for spec in self._inputs])

    def set_dynamic_dims(self, dym_dims: str) -> None:
        """Choose dims, as "x:1,4;y:2,8".

        Raises:
            ValueError: The file has another mode, or the text another form.
        """
        self._check_mode("dymdims")
        self._choose(_parsed(dym_dims, self._inputs))

    def set_dynamic_shape(self, dym_shape: str) -> None:
        """Choose shapes, as "x:1,4;y:2,8".

        Raises:
            ValueError: The file has another mode, or the text another form.
        """
        self._check_mode("dymshape")
        self._choose(_parsed(dym_shape, self._inputs))

    def _choose(self, shapes: list[tuple[int, ...]]) -> None:
        self._chosen = shapes

    def _counted(self, feeds: Any) -> list[Any]:
        """Return feeds, one for each input.

        Raises:
            TypeError, ValueError: They are no list, too few or too many.
        """
        found = listed(feeds, "feeds")
        if len(found) != len(self._inputs):
            names = ", ".join(spec.name for spec in self._inputs)
            raise ValueError(f"there are {len(found)} feeds; the inputs are {names}")
        return found

    def set_custom_outsize(self, custom_sizes: Sequence[int]) -> None:
        """Take sizes of outputs; outputs here have the memory that they need."""

    def set_context(self) -> None:
        """Do nothing: any thread may call a session."""

    def get_max_dym_batchsize(self) -> int:
        """Return the largest batch of a file of mode dymbatch, 0 for others."""
        if self._gears is None or self._mode != "dymbatch":
            return 0
        return max(values[0] for values in self._gears.values)

    def create_tensor_from_arrays_to_device(self, arrays: Any) -> Tensor:
        """Make a feed of an array."""
        return Tensor(np.ascontiguousarray(arrays))

    def run(self, feeds: Sequence[Any], out_array: bool = False) -> list[Any]:
        """Run once, with the shapes that were chosen before or that the arrays have.

        Args:
            feeds: A feed for each input, in order.
            out_array: Whether outputs are numpy arrays; else they are `Tensor`.

        Raises:
            ValueError: A feed has not as many elements. All that `infer` raises comes through.
        """
        feeds = self._counted(feeds)
        shapes = self._chosen or [spec.shape for spec in self._inputs]
        given = [shaped(np.asarray(feed), shape) for feed, shape in zip(feeds, shapes, strict=True)]
        outputs = self._execute(given)
        return outputs if out_array else [Tensor(array) for array in outputs]


def shaped(array: Any, shape: tuple[int, ...]) -> Any:
    """Return an array of as many elements in the shape, others as they are."""
    fits = min(shape, default=0) >= 0 and array.size == math.prod(shape)
    return array.reshape(shape) if fits else array


def _filled(spec: TensorSpec, values: list[int]) -> tuple[int, ...]:
    """A shape whose open dims, from the left, have these values."""
    rest = iter(values)
    return tuple(next(rest, dim) if dim < 0 else dim for dim in spec.shape)


def _parsed(text: str, inputs: Sequence[TensorSpec]) -> list[tuple[int, ...]]:
    """The shapes of a text, for each input.

    Raises:
        ValueError: It has another form, or lacks an input.
    """
    try:
        rows = (part.rpartition(":")[::2] for part in text.split(";"))
        found = {name: tuple(int(dim) for dim in dims.split(",")) for name, dims in rows}
        return [found[spec.name] for spec in inputs]
    except (ValueError, KeyError):
        names = ";".join(f"{spec.name}:1,2" for spec in inputs)
        raise ValueError(
            f"the shapes {text!r} do not fit; right is a text like {names!r}"
        ) from None


def gears_of(path: str | os.PathLike[str], graph: Graph) -> Gears | None:
    """Return the gears of a loaded file's graph."""
    return om.open_loadable(path).models[graph.index].gears


def mode_of(gears: Gears | None, graph: Graph) -> str:
    """Return the mode that a program has to name."""
    if gears is not None:
        return _MODES[gears.kind]
    return "dymshape" if any(spec.dynamic for spec in graph.inputs) else "static"

"""Trying a program on ONNX Runtime, the engine that will run it.

The only module that imports onnxruntime, and only inside its functions.
Where it is installed, a program it cannot take is refused when it is built
instead of when it is loaded, and shapes that inference leaves open are read
off a run.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._shapes.shapes import declare

_SILENT = 4
_FROM_BITS = "ortvalue_from_numpy_with_onnx_type"
_HEAVY = 16 << 20  # bytes from which a constant is lent to a run instead of copied into a session


def is_possible() -> bool:
    """Say whether onnxruntime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


@dataclass(frozen=True)
class Opened:
    """A program that ONNX Runtime has taken, and constants each run must bring along."""

    session: Any
    lent: Sequence[ModelConstant]

    def output_shapes(self, feeds: Mapping[str, tuple[NDArray[Any], int]]) -> list[tuple[int, ...]]:
        """Run once and return the shapes of the outputs.

        Args:
            feeds: Value and ONNX type of each of the program's inputs.

        Raises:
            ValueError: The run fails; the message has ONNX Runtime's words.
        """
        try:
            return [tuple(result.shape()) for result in self._run(feeds)]
        except ValueError as error:
            raise ValueError(
                f"a trial run, which was to tell the shapes of the outputs, failed: {error}"
            ) from error

    def outputs(self, feeds: Mapping[str, tuple[NDArray[Any], int]]) -> list[NDArray[Any]]:
        """Run once and return the outputs, none of which may be bfloat16.

        Args:
            feeds: Value and ONNX type of each of the program's inputs.

        Raises:
            ValueError: The run fails; the message has ONNX Runtime's words.
        """
        return [result.numpy() for result in self._run(feeds)]

    def _run(self, feeds: Mapping[str, tuple[NDArray[Any], int]]) -> list[Any]:
        values = {name: _value(array, elem) for name, (array, elem) in feeds.items()}
        values.update((one.name, _value(one.array, one.elem)) for one in self.lent)
        try:
            return list(self.session.run_with_ort_values(None, values))
        except Exception as error:  # its exceptions share no public base class
            raise ValueError(str(error)) from error


def opened(model: ModelProto, constants: Sequence[ModelConstant]) -> Opened:
    """Open the program, with the constants that are outside it.

    A session copies its constants. Heavy ones are declared as inputs instead,
    unless a kernel insists on a constant.

    Raises:
        ValueError: ONNX Runtime does not take it; the message has its words.
    """
    lent = [one for one in constants if _is_lent(one)]
    if lent:
        kept = [one for one in constants if not _is_lent(one)]
        try:
            return Opened(_session(_lending(model, lent), kept), lent)
        except ValueError:
            pass  # with constants in their place it may yet be taken
    return Opened(_session(model, constants), ())


def _is_lent(one: ModelConstant) -> bool:
    return one.data.nbytes >= _HEAVY or not _is_convertible(one.elem)


def _is_convertible(elem: int) -> bool:
    """Say whether this version makes a tensor of the type from numpy; older ones lack one."""
    import onnxruntime as ort  # noqa: PLC0415  optional, and slow to import

    return elem != TensorProto.BFLOAT16 or hasattr(ort.OrtValue, _FROM_BITS)


def _lending(model: ModelProto, heavy: Sequence[ModelConstant]) -> ModelProto:
    copy = ModelProto()
    copy.CopyFrom(model)
    names = {one.name for one in heavy}
    kept = [one for one in model.graph.initializer if one.name not in names]
    del copy.graph.initializer[:]
    copy.graph.initializer.extend(kept)
    copy.graph.input.extend(declare(one.name, one.elem, one.dims) for one in heavy)
    return copy


def _session(model: ModelProto, constants: Sequence[ModelConstant]) -> Any:
    import onnxruntime as ort  # noqa: PLC0415  optional, and slow to import

    options = ort.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    values = [_value(one.array, one.elem) for one in constants]
    options.add_external_initializers([one.name for one in constants], values)
    try:
        return ort.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its exceptions share no public base class
        raise ValueError(f"ONNX Runtime cannot take this graph: {error}") from error


def _value(array: NDArray[Any], elem: int) -> Any:
    import onnxruntime as ort  # noqa: PLC0415  optional, and slow to import

    if elem != TensorProto.BFLOAT16:
        return ort.OrtValue.ortvalue_from_numpy(array)
    if not _is_convertible(elem):
        raise ValueError(
            f"ONNX Runtime {ort.__version__} takes no bfloat16 tensor from Python; install a newer"
            " one to try this model"
        )
    return getattr(ort.OrtValue, _FROM_BITS)(array.view(np.uint16), elem)

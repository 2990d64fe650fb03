"""An ONNX model, as ONNX Runtime computes it on this machine's processor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import ml_dtypes
import numpy as np

from acl_bundle._base.extra import need
from acl_bundle.answers.side import Array, Arrays, Side, timed
from acl_bundle.errors import UnsupportedError
from acl_bundle.spec import TensorSpec

_SILENT: Final = 4
_DTYPES: Final = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "bool": np.bool_,
    "bfloat16": ml_dtypes.bfloat16,
    **{name: getattr(np, name) for sign in ("", "u") for bits in (8, 16, 32, 64)
       for name in (f"{sign}int{bits}",)},
}  # fmt: skip


class OnnxSide(Side):
    """A session of ONNX Runtime."""

    def __init__(self, path: Path) -> None:
        """Open the model.

        Raises:
            OSError: There is no such file.
            ValueError: ONNX Runtime does not take it; the message has its words.
            UnsupportedError: onnxruntime is not installed, or an input is no tensor of numbers.
        """
        ort = need("onnxruntime", "fake", "running an ONNX model")
        path.stat()
        where = f"ONNX Runtime {ort.__version__}, on this machine's processor"
        super().__init__(str(path), where, ())
        with timed(self.times, "load"):
            self._session = opened(str(path), self.label, ort.SessionOptions())
        self.inputs = tuple(spec(one, self.label) for one in self._session.get_inputs())

    def run(self, given: Mapping[str, Array], /) -> Arrays:
        """Run once.

        Raises:
            ValueError: ONNX Runtime refuses the inputs; the message has its words.
            UnsupportedError: An output is no tensor of a dtype that ONNX Runtime gives numpy.
        """
        names = ends(self._session, self.label)
        with timed(self.times, "run"):
            found = answers(self._session, given, self.label)
        return dict(zip(names, found, strict=True))


def opened(model: str | bytes, label: str, options: Any) -> Any:
    """Open a model, by its path or its bytes, on this machine's processor.

    Raises:
        ValueError: ONNX Runtime does not take it; the message has its words.
    """
    import onnxruntime as ort  # noqa: PLC0415  optional, and slow to import

    options.log_severity_level = _SILENT
    try:
        return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its exceptions share no public base class
        raise ValueError(f"{label}: ONNX Runtime does not take it: {error}") from error


def ends(session: Any, label: str) -> list[str]:
    """Return the names of the outputs.

    Raises:
        UnsupportedError: One is no tensor of a dtype that ONNX Runtime gives numpy.
    """
    found = session.get_outputs()
    for one in found:
        if not one.type.startswith("tensor(") or one.type == "tensor(bfloat16)":
            raise UnsupportedError(
                f"{label}: output {one.name!r} is a {one.type}, which ONNX Runtime does"
                " not give as an array of numbers; give the model an output that is a tensor"
            )
    return [one.name for one in found]


def answers(session: Any, given: Mapping[str, Array], label: str) -> list[Array]:
    """Run once, and return the outputs in their order.

    Raises:
        ValueError: ONNX Runtime refuses the inputs, or fails; the message has its words.
    """
    try:
        found = session.run(None, dict(given))
    except Exception as error:  # its exceptions share no public base class
        raise ValueError(f"{label}: {error}") from error
    return [np.asarray(array) for array in found]


def spec(one: Any, label: str) -> TensorSpec:
    """Return what an input of a session is.

    Raises:
        UnsupportedError: It is no tensor of a dtype that ONNX Runtime takes from numpy.
    """
    dtype = _DTYPES.get(one.type.removeprefix("tensor(").rstrip(")"))
    if dtype in (None, ml_dtypes.bfloat16):
        raise UnsupportedError(
            f"{label}: input {one.name!r} is a {one.type}, which ONNX Runtime does not take from"
            " numpy"
        )
    shape = tuple(dim if isinstance(dim, int) and dim >= 0 else -1 for dim in one.shape)
    return TensorSpec(one.name, shape, np.dtype(dtype), "ND", 0)

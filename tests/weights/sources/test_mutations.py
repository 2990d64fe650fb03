"""Random damage to files of every kind: refused, or harmless, and nothing else."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from acl_bundle import build, weights
from acl_bundle.errors import WeightsFormatError

from ..samples import graph_def

VALUES = {"w": np.arange(60, dtype="f4").reshape(6, 10), "b": np.ones(10, "f4")}


def _archive(save: Callable[..., None]) -> bytes:
    stream = io.BytesIO()
    save(stream, **VALUES)
    return stream.getvalue()


def _array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, VALUES["w"])
    return stream.getvalue()


def _model() -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", 1, [1, 6])],
        [helper.make_tensor_value_info("y", 1, [1, 10])],
        [numpy_helper.from_array(value, name) for name, value in VALUES.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


GOOD = {
    "npz": _archive(np.savez),
    "npz, deflated": _archive(np.savez_compressed),
    "npy": _array(),
    "onnx": _model().SerializeToString(),
    "tensorflow graph": graph_def(),
    "om": build.from_onnx(_model(), weights="all").to_bytes(),
    "om, plain": build.model(_model()).to_bytes(),
}


@st.composite
def damaged(draw: st.DrawFn, good: bytes) -> bytes:
    raw = bytearray(good)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(raw)) | st.integers(0, min(200, len(raw))))
        drawn = draw(st.binary(max_size=6))
        gone = draw(st.integers(0, 6) | st.just(len(raw)))
        raw[at : at + gone] = drawn
    return bytes(raw)


def _read(path: Path) -> None:
    with weights.open(path) as source:
        for name in source:
            array, spec = source[name], source.spec(name)
            assert (array.shape, array.dtype) == (spec.shape, spec.dtype)
            array.tobytes()


@pytest.mark.parametrize("kind", GOOD)
def test_the_whole_file_reads(kind: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(GOOD[kind])
    assert weights.open(tmp_path / "file").kind == kind.partition(",")[0]
    _read(tmp_path / "file")


@pytest.mark.parametrize("kind", GOOD)
@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_damage_is_refused_or_harmless(
    kind: str, tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "file"
    path.unlink(missing_ok=True)  # a mapped file may not be cut short
    path.write_bytes(data.draw(damaged(GOOD[kind])))
    try:
        _read(path)
    except WeightsFormatError as error:
        if "file" not in str(error):
            raise

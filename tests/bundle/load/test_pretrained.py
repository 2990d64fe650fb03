"""A pretrained model, not a toy: magika's file-type classifier (facts of a real exporter).

36 initializers, 95 nodes, weights with colons and slashes in their names,
constants that shape inference reads, a dynamic batch that has to be pinned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import magika
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

import acl_bundle as ab
from acl_bundle import build

pytestmark = pytest.mark.usefixtures("fake_acl")
BATCH = 4
RTOL = 1e-3  # onnxruntime blocks a Conv whose weights are constant, and so sums in another order


@pytest.fixture(scope="module")
def model() -> onnx.ModelProto:
    return onnx.load(next(Path(magika.__file__).parent.rglob("model.onnx")))


@pytest.fixture(scope="module")
def built(model: onnx.ModelProto) -> build.Bundle:
    with pytest.warns(UserWarning, match="'const_fold_opt__209': the exporter made up the name"):
        return build.from_onnx(model, weights="all", input_shapes={"bytes": (BATCH, 2048)})


@pytest.fixture
def x() -> Any:
    """The bytes of some real files of this package: Python, C and Markdown."""
    root = Path(ab.__file__).parent
    sources = sorted(root.glob("*.py"))[:BATCH]
    rows = [np.frombuffer(path.read_bytes()[:2048].ljust(2048), np.uint8) for path in sources]
    return np.stack(rows).astype(np.int32)


def onnxruntimes_answer(model: onnx.ModelProto, weights: dict[str, Any], x: Any) -> Any:
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for tensor in changed.graph.initializer:
        if tensor.name in weights:
            tensor.CopyFrom(numpy_helper.from_array(weights[tensor.name], tensor.name))
    session = onnxruntime.InferenceSession(changed.SerializeToString())
    return session.run(None, {"bytes": x})[0]


def test_it_builds_loads_infers_and_updates_as_onnxruntime_does(
    model: onnx.ModelProto, built: build.Bundle, x: Any
) -> None:
    with ab.Bundle.load(built.to_bytes()) as bundle:
        weights = {name: state.spec for name, state in bundle.weights.items()}
        assert len(weights) >= 8
        assert all(spec.shape for spec in weights.values())
        bundle.init()
        want = onnxruntimes_answer(model, {}, x)
        np.testing.assert_allclose(bundle.infer(x), want, rtol=RTOL, atol=1e-6)

        rng = np.random.default_rng(0)
        new = {
            name: rng.standard_normal(spec.shape).astype(spec.dtype) * np.float32(0.1)
            for name, spec in weights.items()
        }
        bundle.update(new, version="retrained")
        out = bundle.infer.run({"bytes": x})
        assert out.version == "retrained"
        changed = onnxruntimes_answer(model, new, x)
        np.testing.assert_allclose(out["target_label"], changed, rtol=RTOL, atol=1e-6)
        assert np.abs(changed - want).max() > 1e-3


def test_a_partial_update_of_the_pretrained_model(
    model: onnx.ModelProto, built: build.Bundle, x: Any
) -> None:
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        name = max(bundle.weights, key=lambda n: bundle.weights[n].spec.nbytes or 0)
        spec = bundle.weights[name].spec
        new = {name: np.full(spec.shape or (), 0.01, spec.dtype)}
        bundle.update(new)
        want = onnxruntimes_answer(model, new, x)
        np.testing.assert_allclose(bundle.infer(x), want, rtol=RTOL, atol=1e-6)

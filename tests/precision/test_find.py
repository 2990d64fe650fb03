"""Which weights of a model must stay: of bundles and ONNX models, and the weights put back."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, compare, precision
from acl_bundle.testing import FakeAcl

pytestmark = pytest.mark.usefixtures("fake_acl")
RNG = np.random.default_rng(0)
LAYERS = 6
X = {"x": np.repeat(RNG.standard_normal((2, 8)), 2, axis=1).astype(np.float32)}


def layers(sharp: float | None = None) -> onnx.ModelProto:
    """x through LAYERS matrices, each followed by tanh; the first may be hard to round.

    Its rows are large and cancel out in pairs, as the columns of X are the same in pairs.
    """
    nodes, constants, now = [], [], "x"
    for at in range(LAYERS):
        w = RNG.standard_normal((16, 16)).astype(np.float32) * 0.25
        if at == 0 and sharp is not None:
            w[0::2] += np.float32(sharp)
            w[1::2] -= np.float32(sharp)
        constants.append(numpy_helper.from_array(w, f"w{at}"))
        nodes.append(helper.make_node("MatMul", [now, f"w{at}"], [f"h{at}"]))
        nodes.append(helper.make_node("Tanh", [f"h{at}"], [now := f"a{at}"]))
    graph = helper.make_graph(
        nodes,
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 16])],
        [helper.make_tensor_value_info(now, TensorProto.FLOAT, ["N", 16])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def answer(
    path: Path, tolerance: compare.Tolerance, dtype: str = "float16"
) -> precision.KeepFloat32:
    tried: list[int] = []
    with ExitStack() as stack:
        bundle, where = precision.load(stack, path)
        assert where.is_fake
        before = {name: bundle.read(name) for name in bundle.weights}
        weights = precision.RoundedWeights(bundle, [X], dtype, tolerance)
        found = precision.find(weights, tried.append)
        assert tried == list(range(1, found.tried + 1))
        for name, value in before.items():
            assert np.array_equal(bundle.read(name), value), "the weights are put back"
    return found


@pytest.mark.parametrize("suffix", [".onnx", ".om"])
def test_the_one_that_is_hard_to_round_must_stay(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    if suffix == ".onnx":
        onnx.save(layers(sharp=1000), path)
    else:
        build.from_onnx(layers(sharp=1000), "all", input_shapes={"x": (2, 16)}).save(path)
    found = answer(path, compare.Tolerance(rtol=0, atol=0.05))
    assert found.met
    assert found.names == ("w0",)
    assert found.kept[0].why == "tolerance"
    assert found.kept[0].nbytes == 16 * 16 * 4
    assert found.error <= 1 < found.whole
    assert set(found.rounded) == {f"w{at}" for at in range(LAYERS) if at != 0}


def test_all_may_be_rounded(tmp_path: Path) -> None:
    onnx.save(layers(), tmp_path / "m.onnx")
    found = answer(tmp_path / "m.onnx", compare.Tolerance(rtol=0, atol=1))
    assert (found.kept, found.tried, found.met) == ((), 1, True)
    assert found.error == found.whole < 1


def test_all_must_stay_where_nothing_may_differ(tmp_path: Path) -> None:
    onnx.save(layers(), tmp_path / "m.onnx")
    found = answer(tmp_path / "m.onnx", compare.Tolerance(rtol=0, atol=0), "bfloat16")
    assert found.met
    assert len(found.kept) == LAYERS
    assert found.error == 0


def test_what_overflows_must_stay(tmp_path: Path) -> None:
    onnx.save(layers(sharp=1e6), tmp_path / "m.onnx")
    found = answer(tmp_path / "m.onnx", compare.Tolerance(rtol=0, atol=10))
    assert found.kept == (precision.KeptWeight("w0", "overflow", None, None, 1024),)
    assert "w0" not in found.rounded


def test_the_weights_are_put_back_when_the_search_fails(tmp_path: Path, fake_acl: FakeAcl) -> None:
    onnx.save(layers(), tmp_path / "m.onnx")
    with ExitStack() as stack:
        bundle, _ = precision.load(stack, tmp_path / "m.onnx")
        before = bundle.read("w0")
        weights = precision.RoundedWeights(bundle, [X], "float16", compare.Tolerance(0, 0))

        def failing(_: int) -> None:
            fake_acl.fail("aclmdlExecute", nth=2)

        with pytest.raises(ab.AclError):
            precision.find(weights, failing)
        assert np.array_equal(bundle.read("w0"), before)


def test_a_plain_model_has_no_weights(tmp_path: Path) -> None:
    build.model(layers(), input_shapes={"x": (2, 16)}).save(tmp_path / "plain.om")
    with ExitStack() as stack:
        bundle, _ = precision.load(stack, tmp_path / "plain.om")
        with pytest.raises(ValueError, match="no float32 weights"):
            precision.RoundedWeights(bundle, [X], "float16", compare.Tolerance())

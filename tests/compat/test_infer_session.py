"""`InferSession`, as programs of ais_bench use it; what it computes is ONNX Runtime's."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import onnxruntime
import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.compat import Dtype, InferSession

DENSE = """
    <ir_version: 8, opset_import: ["": 17]>
    dense ({dtype}[{shape}] left, {dtype}[{shape}] right)
        => ({dtype}[{shape}] total, {dtype}[{shape}] difference) {{
        total = Add(left, right)
        difference = Sub(left, right)
    }}
"""
Options = dict[str, Any]
SHAPES: dict[str, tuple[str, Options, list[tuple[int, ...]]]] = {
    "static": ("2, 3", {}, [(2, 3), (2, 3)]),
    "dymbatch": ("n, 3", {"dynamic_batch": [1, 2, 4]}, [(2, 3), (2, 3)]),
    "dymhw": ("1, 3, h, w", {"dynamic_hw": [(4, 6), (2, 2)]}, [(1, 3, 2, 2), (1, 3, 2, 2)]),
    "dymdims": (
        "n, t",
        {"dynamic_dims": {"left": [(1, 4), (2, 6)], "right": [(1, 4), (2, 6)]}},
        [(2, 6), (1, 4)],
    ),
    "dymshape": ("n, t", {"dynamic_shape": True}, [(2, 5), (3, 7)]),
}

pytestmark = pytest.mark.usefixtures("fake_acl")


def dense(shape: str, dtype: str = "float") -> onnx.ModelProto:
    return onnx.parser.parse_model(DENSE.format(shape=shape, dtype=dtype))


def saved(folder: Path, mode: str) -> Path:
    shape, options, _ = SHAPES[mode]
    return build.model(dense(shape), **options).save(folder / "net.om")


def feeds(shape: tuple[int, ...], seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape).astype(np.float32) for _ in range(2)]


def computed(mode: str, given: list[Any]) -> list[Any]:
    session = onnxruntime.InferenceSession(dense(SHAPES[mode][0]).SerializeToString())
    return session.run(None, dict(zip(("left", "right"), given, strict=True)))


def same(got: list[Any], wanted: list[Any]) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


@pytest.mark.parametrize("mode", SHAPES)
def test_each_mode_computes(mode: str, tmp_path: Path) -> None:
    with InferSession(0, str(saved(tmp_path, mode))) as session:
        for seed, shape in enumerate(SHAPES[mode][2]):
            given = feeds(shape, seed)
            same(session.infer(given, mode), computed(mode, given))
            assert [one.realsize for one in session.get_inputs()] == [given[0].nbytes] * 2
            assert [one.realsize for one in session.get_outputs()] == [given[0].nbytes] * 2
        assert len(session.summary()) == len(SHAPES[mode][2])


@pytest.mark.parametrize("mode", SHAPES)
def test_a_pipeline_answers_in_order(mode: str, tmp_path: Path) -> None:
    shapes = SHAPES[mode][2]
    many = [feeds(shapes[seed % len(shapes)], seed) for seed in range(7)]
    with InferSession(0, str(saved(tmp_path, mode))) as session:
        found = session.infer_pipeline(many, mode)
        assert len(session.summary().exec_time_list) == 7
    for got, given in zip(found, many, strict=True):
        same(got, computed(mode, given))


def test_a_mode_that_is_not_the_files_is_refused(tmp_path: Path) -> None:
    with InferSession(0, str(saved(tmp_path, "dymbatch"))) as session:
        given = feeds((2, 3))
        with pytest.raises(ValueError, match="mode is 'static'; the file's inputs are those of 'd"):
            session.infer(given)
        with pytest.raises(ValueError, match="mode is 'dynamic'; static, dymbatch"):
            session.infer(given, "dynamic")
        with pytest.raises(ValueError, match=r"there are 1 feeds; the inputs are left, right"):
            session.infer(given[:1], "dymbatch")
        with pytest.raises(ValueError, match="left"):
            session.infer(feeds((3, 3)), "dymbatch")  # no gear of 3
        assert session.summary() == []
        same(session.infer(given, "dymbatch"), computed("dymbatch", given))


def test_an_iteration_takes_outputs_as_inputs(tmp_path: Path) -> None:
    given = feeds((2, 3))
    left, right = given
    for _ in range(4):  # the second output becomes the first input, right stays
        total, difference = left + right, left - right
        left = difference
    with InferSession(0, str(saved(tmp_path, "static"))) as session:
        same(session.infer_iteration(given, [1, -1], 4), [total, difference])
        same(session.infer_iteration(given), computed("static", given))
        assert len(session.summary()) == 5
        for links in ([0], [0, 2], [-2, 0]):
            with pytest.raises(ValueError, match="a number for each of the 2 inputs"):
                session.infer_iteration(given, links)
        with pytest.raises(ValueError, match="iteration_times is 0"):
            session.infer_iteration(given, [0, 1], 0)


def test_feeds_may_be_flat_numbers_tensors_and_outputs(tmp_path: Path) -> None:
    left, right = given = feeds((2, 3))
    with InferSession(0, str(saved(tmp_path, "static"))) as session:
        flat = [left.ravel(), right.reshape(3, 2)]
        same(session.infer(flat), computed("static", given))
        with pytest.raises(ValueError, match="left"):
            session.infer([left[:1], right])
        with pytest.raises(TypeError, match="left"):
            session.infer([left.astype(np.float64), right])
        kept = session.infer(given, out_array=False)
        kept[0].to_host()
        assert kept[0].shape == (2, 3)
        same([np.array(one) for one in kept], computed("static", given))
        same(session.infer(kept), computed("static", computed("static", given)))
        there = [ab.to_device(one) for one in given]
        same(session.infer(there), computed("static", given))
        same(session.infer_iteration(there, [-1, -1], 2), computed("static", given))
    path = build.model(dense("1", "int64")).save(tmp_path / "one.om")
    with InferSession(0, str(path)) as session:
        assert [one.tolist() for one in session.infer([np.int64(5), 3])] == [[8], [2]]


def test_tensors_of_torch_are_feeds(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    given = feeds((2, 3))
    with InferSession(0, str(saved(tmp_path, "static"))) as session:
        tensors = [torch.from_numpy(one).reshape(-1) for one in given]
        same(session.infer(tensors), computed("static", given))


def test_descriptions(tmp_path: Path) -> None:
    with InferSession(0, str(saved(tmp_path, "dymbatch"))) as session:
        left, right = session.get_inputs()
        assert (left.name, right.name) == ("left", "right")
        assert left.datatype is Dtype.float32
        assert left.datatype.name == "float32"
        assert left.shape == [-1, 3]
        assert left.size == left.realsize == 4 * 3 * 4  # the largest gear's
        assert isinstance(left.format, int)
        assert [one.name for one in session.get_outputs()] == ["total", "difference"]


def test_a_bundle_is_initialised_and_takes_weights(mlp: Any) -> None:
    with InferSession(0, mlp.path) as session:
        np.testing.assert_allclose(session.infer([mlp.x])[0], mlp.answer(), rtol=1e-4)
        fresh = mlp.random(3)
        session.bundle.update(fresh)
        np.testing.assert_allclose(session.infer([mlp.x])[0], mlp.answer(fresh), rtol=1e-4)


def test_loops_are_timed_and_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, fake_acl: Any
) -> None:
    path = str(saved(tmp_path, "static"))
    with pytest.raises(ValueError, match="loop is 0"):
        InferSession(0, path, loop=0)
    with caplog.at_level(logging.DEBUG), InferSession(0, path, None, True, 3) as session:
        session.infer(feeds((2, 3)))
        session.infer_pipeline([feeds((2, 3))] * 2)
        assert fake_acl.calls["aclmdlExecute"] == 9
        assert len(session.summary()) == len(caplog.records) == 9
        assert all(one > 0 for one in session.summary().exec_time_list)
        session.reset_summaryinfo()
        assert session.summary() == []


def test_nothing_is_left_on_the_device(tmp_path: Path, fake_acl: Any) -> None:
    session = InferSession(0, str(saved(tmp_path, "static")))
    session.free_resource()
    session.free_resource()
    session.finalize()
    assert fake_acl.live == []
    with pytest.raises(ab.ClosedError):
        session.infer(feeds((2, 3)))


def test_what_fails_at_the_load_leaves_nothing(tmp_path: Path, fake_acl: Any, mlp: Any) -> None:
    with pytest.raises(OSError, match="nowhere"):
        InferSession(0, str(tmp_path / "nowhere.om"))
    fake_acl.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError, match="aclmdlExecute"):
        InferSession(0, mlp.path)
    assert fake_acl.live == []

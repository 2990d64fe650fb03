"""Bundles from models and functions, and what is wrong with the arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle.testing import FakeAcl, MakeBundle

X = np.arange(4, dtype=np.float32).reshape(1, 4)
W = np.arange(8, dtype=np.float32).reshape(4, 2)


def matmul(x: Any, w: Any) -> dict[str, Any]:
    return {"y": x @ w}


@pytest.fixture
def om(make_bundle: MakeBundle) -> Path:
    return make_bundle(matmul, inputs={"x": X}, weights={"w": W})


def test_a_function_computes(fake_acl: FakeAcl, om: Path) -> None:
    with ab.Bundle.load(om) as bundle:
        bundle.init()
        np.testing.assert_array_equal(bundle.infer(X), X @ W)
        bundle.update({"w": -W}, version=7)
        out = bundle.infer.run({"x": X + 1})
        np.testing.assert_array_equal(out["y"], (X + 1) @ -W)
        assert out.version == 7


def test_a_function_is_called_by_name_and_may_keep_what_it_gets(
    fake_acl: FakeAcl, make_bundle: MakeBundle
) -> None:
    seen = []

    def function(*, w: Any, b: Any, x: Any) -> dict[str, Any]:
        seen.append((x, w, b))
        x += 1  # its own
        return {"sum": x + b, "product": x @ w}

    b = np.full((1, 4), 0.5, np.float32)
    om = make_bundle(function, inputs={"x": X}, weights={"w": W, "b": b})
    with ab.Bundle.load(om) as bundle:
        bundle.init()
        bundle.infer(X)
        out = bundle.infer.run({"x": X})
    assert list(out) == ["sum", "product"]
    np.testing.assert_array_equal(out["sum"], X + 1.5)
    assert len(seen) == 3
    np.testing.assert_array_equal(seen[1][0], X + 1)
    np.testing.assert_array_equal(seen[2][1], W)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64", "bool", "uint8", "float64"])
def test_every_dtype_goes_in_and_out(
    fake_acl: FakeAcl, make_bundle: MakeBundle, dtype: str
) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    x = np.array([[0, 1], [1, 0]]).astype(kind)
    om = make_bundle(lambda x: {"y": x.T, "n": np.int32(3)}, inputs={"x": x})
    with ab.Bundle.load(om) as bundle:
        y, n = bundle.infer(x)
    assert y.dtype == kind
    np.testing.assert_array_equal(y, x.T)
    assert (n.dtype, n.shape, int(n)) == (np.int32, (), 3)


def test_an_exception_fails_the_execution_with_its_text(
    fake_acl: FakeAcl, make_bundle: MakeBundle
) -> None:
    def picky(x: Any) -> dict[str, Any]:
        if x.any():
            raise LookupError("no such día")
        return {"y": x}

    om = make_bundle(picky, inputs={"x": np.zeros(3, np.float32)})
    with ab.Bundle.load(om) as bundle:
        bundle.infer(np.zeros(3, np.float32))
        with pytest.raises(ab.AclInternalError) as caught:
            bundle.infer(np.ones(3, np.float32))
        bundle.infer(np.zeros(3, np.float32))
    assert (caught.value.function, caught.value.code) == ("aclmdlExecute", 507011)
    assert "LookupError: no such día" in caught.value.detail
    assert f"({__file__}:" in caught.value.detail


def test_an_endless_text_is_cut(fake_acl: FakeAcl, make_bundle: MakeBundle) -> None:
    def verbose(x: Any) -> dict[str, Any]:
        if x.any():
            raise LookupError("é" * 100_000)
        return {"y": x}

    om = make_bundle(verbose, inputs={"x": np.zeros(1, np.int32)})
    with ab.Bundle.load(om) as bundle, pytest.raises(ab.AclInternalError) as caught:
        bundle.infer(np.ones(1, np.int32))
    assert "LookupError: éé" in caught.value.detail
    assert len(caught.value.detail) < 20_000


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"y": np.zeros(3)}, r"'y' as float64\[3\]; its model was built with float32\[3\]"),
        ({"y": np.zeros(2, "f4")}, r"'y' as float32\[2\]; its model was built with float32\[3\]"),
        ({"z": np.zeros(3, "f4")}, r"outputs \['z'\]; its model has \['y'\]"),
        (np.zeros(3, "f4"), "returned ndarray; a mapping of output names to arrays is right"),
    ],
)
def test_another_answer_than_the_first_fails_the_execution(
    fake_acl: FakeAcl, make_bundle: MakeBundle, answer: Any, message: str
) -> None:
    om = make_bundle(
        lambda x: answer if x.any() else {"y": np.zeros(3, "f4")}, inputs={"x": np.zeros(1, "f4")}
    )
    with ab.Bundle.load(om) as bundle, pytest.raises(ab.AclInternalError, match=message):
        bundle.infer(np.ones(1, np.float32))


def test_a_function_stays_after_a_reset(fake_acl: FakeAcl, om: Path) -> None:
    fake.reset()
    with ab.Bundle.load(om) as bundle:
        bundle.init()
        np.testing.assert_array_equal(bundle.infer(X), X @ W)


def test_a_mock_is_a_function(fake_acl: FakeAcl, make_bundle: MakeBundle, mocker: Any) -> None:
    model = mocker.Mock(return_value={"y": np.zeros((1, 2), "f4")})
    with ab.Bundle.load(make_bundle(model, inputs={"x": X})) as bundle:
        bundle.infer(X)
    assert model.call_count == 2
    np.testing.assert_array_equal(model.call_args.kwargs["x"], X)


def test_onnx_models_and_what_build_returns(
    fake_acl: FakeAcl, make_bundle: MakeBundle, mlp: Any, tmp_path: Path
) -> None:
    onnx.save(mlp.onnx, tmp_path / "mlp.onnx")
    sources = [mlp.onnx, mlp.onnx.SerializeToString(), str(tmp_path / "mlp.onnx")]
    paths = [make_bundle(source) for source in sources]
    paths.append(make_bundle(build.from_onnx(mlp.onnx, ["w1"])))
    paths.append(make_bundle(mlp.onnx, weights=["w1"], output_names="ge"))
    assert len(set(paths)) == len(paths)
    for path in paths:
        with ab.Bundle.load(path) as bundle:
            bundle.init()
            np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
            assert set(bundle.weights) == {"w1"} or set(bundle.weights) == set(mlp.weights)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"inputs": {"z": X}}, TypeError, "cannot be called with z.*parameters must be named"),
        ({"inputs": {"x": X, "w": W}, "weights": {"w": W}}, ValueError, "'w' is an input and a we"),
        ({"weights": {"w": W}}, TypeError, "a function needs inputs"),
        ({"inputs": {"x": X}, "weights": ["w"]}, TypeError, "arrays by name, not list"),
    ],
)
def test_wrong_arguments_for_a_function(
    make_bundle: MakeBundle, arguments: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make_bundle(matmul, **arguments)


def test_a_dtype_that_acl_lacks_is_refused(make_bundle: MakeBundle) -> None:
    with pytest.raises(ValueError, match=r"datetime64.*has no ACL type"):
        make_bundle(lambda x: {"y": x}, inputs={"x": np.zeros(1, "datetime64[s]")})


def test_a_first_answer_that_is_no_mapping_is_refused(make_bundle: MakeBundle) -> None:
    with pytest.raises(TypeError, match="returned ndarray; a mapping of output names"):
        make_bundle(lambda x: x, inputs={"x": X})


def test_wrong_arguments_for_a_model(make_bundle: MakeBundle, mlp: Any) -> None:
    with pytest.raises(TypeError, match="inputs belong to a Python function"):
        make_bundle(mlp.onnx, inputs={"x": X})
    with pytest.raises(TypeError, match="weights of an ONNX model are names"):
        make_bundle(mlp.onnx, {"w1": W})
    with pytest.raises(TypeError, match="is built already"):
        make_bundle(build.from_onnx(mlp.onnx, ["w1"]), ["w1"])
    with pytest.raises(FileNotFoundError):
        make_bundle("nowhere.onnx")


@pytest.mark.parametrize("number", [0, -1, 1 << 64])
def test_a_callback_needs_a_number(number: int) -> None:
    with pytest.raises(ValueError, match=r"1 to 2\*\*64 - 1 is right"):
        build.callback(number, {}, {"y": ("f4", (1,))})


def test_a_function_is_no_number() -> None:
    with pytest.raises(TypeError, match="interpreted as an integer"):
        build.callback(len, {}, {"y": ("f4", (1,))})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["latencey", "devcies", "fial"])
def test_an_attribute_that_there_is_not_is_told_with_what_is_close(
    fake_acl: Any, name: str
) -> None:
    close = {"latencey": "latency", "devcies": "devices", "fial": "fail"}[name]
    with pytest.raises(AttributeError, match=f"no '{name}'.*{close}"):
        getattr(fake_acl, name)
    with pytest.raises(AttributeError, match=f"no '{name}'.*{close}"):
        setattr(fake_acl, name, 1)
    with pytest.raises(AttributeError, match="cannot be set"):
        fake_acl.fail = 3
    fake_acl.devices = 2
    assert fake_acl.devices == 2

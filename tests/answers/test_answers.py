"""`answers`: bundles, ONNX models and saved outputs, run on inputs from files or made up."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import ml_dtypes
import numpy as np
import onnx
import onnx.parser
import pytest

from acl_bundle import build, om, weights
from acl_bundle.answers import InputChoice, OmOptions, made, merged, opened, summed_up
from acl_bundle.answers.inputs import fitted
from acl_bundle.errors import AclBundleError, LibraryNotFoundError
from acl_bundle.om._modeldef.define import Desc, GraphValue, Op, model_def
from acl_bundle.spec import TensorSpec


def spec(name: str, shape: tuple[int, ...], dtype: Any = np.float32) -> TensorSpec:
    return TensorSpec(name, shape, np.dtype(dtype), "ND", 0)


def model() -> onnx.ModelProto:
    """y = x @ w + b, and where its largest element is."""
    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[N,2] x) => (float[N,3] y, int64[N,1] best)
        <float[2,3] w = {1,2,3,4,5,6}, float[3] b = {0,0,1}>
        { product = MatMul(x, w)  y = Add(product, b)  best = ArgMax<axis=1>(y) }
    """)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    onnx.save(model(), tmp_path / "net.onnx")
    build.from_onnx(model(), ["w", "b"], dynamic_batch=[2, 4]).save(tmp_path / "net.om")
    row = {"x": (1, 2)}
    build.from_onnx(model(), ["w", "b"], init=False, input_shapes=row).save(tmp_path / "bare.om")
    build.model(model(), input_shapes=row).save(tmp_path / "plain.om")
    np.savez(tmp_path / "in.npz", x=np.array([[1, 2]], np.float32))
    return tmp_path


def answer(
    path: Path | str, given: dict[str, Any], options: OmOptions | None = None
) -> dict[str, Any]:
    with ExitStack() as stack:
        return opened(str(path), options or OmOptions(), stack).run(given)


ROW = {"x": np.array([[1, 2]], np.float32)}


@pytest.mark.parametrize("name", ["net.onnx", "onnx:net.onnx", "plain.om"])
def test_models_answer(
    files: Path, name: str, monkeypatch: pytest.MonkeyPatch, fake_acl: object
) -> None:
    monkeypatch.chdir(files)
    found = answer(name, ROW)
    assert found["y"].tolist() == [[9, 12, 16]]
    assert (found["best"].tolist(), found["best"].dtype) == ([[2]], np.int64)


def test_a_bundle_has_the_weights_that_it_is_given(files: Path, fake_acl: object) -> None:
    with ExitStack() as stack:
        side = opened(str(files / "net.om"), OmOptions(), stack)
        assert (side.batches, [str(one) for one in side.inputs or ()]) == (
            (2, 4), ["x: float32[-1, 2]"],
        )  # fmt: skip
        assert "not device numbers" in side.where
        two = {"x": np.repeat(ROW["x"], 2, axis=0)}
        assert side.run(two)["y"].tolist() == [[9, 12, 16]] * 2
        assert list(side.times) == ["load", "init", "run"]
    new = {"b": np.array([10, 0, 0], np.float32)}
    found = answer(files / "net.om", two, OmOptions(new, "new.npz"))
    assert found["y"].tolist() == [[19, 12, 15]] * 2


def test_weights_without_values_are_not_run(files: Path, fake_acl: object) -> None:
    with pytest.raises(AclBundleError, match=r"no init graph, so 2 of its weights have no values"):
        answer(files / "bare.om", ROW)
    b, w = np.zeros(3, np.float32), np.ones((2, 3), np.float32)
    with pytest.raises(AclBundleError, match=r"1 of its weights have no values yet: 'w'; give all"):
        answer(files / "bare.om", ROW, OmOptions({"b": b}))
    both = OmOptions({"w": w, "b": b})
    assert answer(files / "bare.om", ROW, both)["y"].tolist() == [[3, 3, 3]]


def test_a_graph_is_chosen_by_name_or_index(files: Path, fake_acl: object) -> None:
    two = {"x": np.zeros((2, 2), np.float32)}
    for name in ("0", "var_infer_graph"):
        assert answer(files / "net.om", two, OmOptions(graph=name))["y"].shape == (2, 3)
    with pytest.raises(AclBundleError, match=r"no graph 'none'; there are 0 'var_infer_graph', 1"):
        answer(files / "net.om", two, OmOptions(graph="none"))
    with pytest.raises(AclBundleError, match=r"init 1 .* gives weights their values"):
        answer(files / "net.om", {}, OmOptions(graph="1"))


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_saved_outputs_come_back(tmp_path: Path, suffix: str) -> None:
    outputs = {"y": np.ones((2, 0)), "a/b:0": np.array(True), "c": np.ones(1, np.float16)}
    path = tmp_path / f"out{suffix}"
    np.savez(path, **cast(Any, outputs)) if suffix == ".npz" else weights.save(outputs, path)
    found = answer(path, {})
    assert {name: (one.dtype, one.shape) for name, one in found.items()} == {
        name: (one.dtype, one.shape) for name, one in outputs.items()
    }


def test_what_cannot_answer(files: Path) -> None:
    (files / "text.txt").write_text("nothing")
    with pytest.raises(ValueError, match="no known format"):
        answer(files / "text.txt", {})
    np.savez(files / "words.npz", y=np.array(["a"]))
    with pytest.raises(ValueError, match="'y' is no array of numbers"):
        answer(files / "words.npz", {})
    with pytest.raises(FileNotFoundError):
        answer(files / "none.onnx", {})
    (files / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="ONNX Runtime does not take it"):
        answer(files / "bad.onnx", {})
    with pytest.raises(ValueError, match=r"weights go into an .om file, and .* is none but onnx"):
        answer(files / "net.onnx", {}, OmOptions({}))
    with pytest.raises(ValueError, match="a graph is chosen of an"):
        answer(files / "in.npz", {}, OmOptions(graph="0"))


def test_a_wrong_input_is_a_value_error_that_names_it(files: Path, fake_acl: object) -> None:
    for name in ("plain.om", "net.onnx"):
        for wrong in (np.ones((1, 2)), np.ones((1, 3), np.float32)):
            with pytest.raises(ValueError, match=r"x"):
                answer(files / name, {"x": wrong})


def test_a_file_for_a_chip_needs_a_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = Op("x", "Data", output_descs=(Desc(0, (2, 3)),))
    definition = model_def("net", [GraphValue("net", [x])], {})
    image = om.write_model([(om.PartitionType.MODEL_DEF, [definition])], name="net")
    monkeypatch.setenv("ACL_BUNDLE_LIBRARY", str(tmp_path / "none.so"))
    with pytest.raises((LibraryNotFoundError, AclBundleError)):
        answer(image.save(tmp_path / "chip.om"), {})


def test_inputs_are_read_by_name(files: Path) -> None:
    np.save(files / "x.npy", np.array([[5, 6]], np.float32))
    for text in (str(files / "in.npz"), f"x={files / 'x.npy'}", f"x={files / 'in.npz'}"):
        (one,) = made(InputChoice.parsed([text]), [spec("x", (1, 2))]).values()
        assert one.shape == (1, 2)
    both = InputChoice.parsed([f"x={files / 'x.npy'}", "random:3"])
    found = made(both, [spec("x", (1, 2)), spec("z", (2,))])
    assert found["x"].tolist() == [[5, 6]]
    assert found["z"].shape == (2,)
    assert str(both) == f"x={files / 'x.npy'}, random:3"


def test_made_up_inputs_depend_on_seed_name_and_shape_alone() -> None:
    specs = [spec("x", (2, 3)), spec("ids", (4,), np.int64), spec("flag", (9,), np.bool_),
             spec("mask", (3,), np.int32), spec("image", (50,), np.uint8),
             spec("wave", (3,), np.complex64), spec("half", (3,), ml_dtypes.bfloat16)]  # fmt: skip
    found = made(InputChoice.parsed([]), specs)
    assert {name: one.dtype for name, one in found.items()} == {
        one.name: one.dtype for one in specs
    }
    assert {name: one.shape for name, one in found.items()} == {
        one.name: one.shape for one in specs
    }
    again = made(InputChoice.parsed(["random:0"]), specs[::-1])
    assert all(np.array_equal(found[name], again[name]) for name in found)
    other = made(InputChoice.parsed(["random:1"]), specs)
    assert not np.array_equal(found["x"], other["x"])
    assert set(found["ids"].tolist()) <= {0, 1}
    assert found["mask"].tolist() == [1, 1, 1]
    assert found["image"].max() > 100
    assert found["wave"].imag.any()


def test_open_shapes_of_made_up_inputs() -> None:
    x, z = spec("x", (-1, 3)), spec("z", (-1, 2, -1))
    choice = InputChoice.parsed([], ["z=2x2x5"])
    assert {n: a.shape for n, a in made(choice, [x, z]).items()} == {"x": (1, 3), "z": (2, 2, 5)}
    assert made(choice, [x, z], [4, 8])["x"].shape == (4, 3)
    assert made(InputChoice.parsed([], ["z=2x2x5"], 7), [x, z], [4, 8])["x"].shape == (7, 3)
    scalar = made(InputChoice.parsed([], ["s="]), [spec("s", (-2,))])
    assert scalar["s"].shape == ()


def test_bfloat16_is_read_from_safetensors(tmp_path: Path) -> None:
    values = np.array([1, -2.5], ml_dtypes.bfloat16)
    weights.save({"x": values}, tmp_path / "in.safetensors")
    choice = InputChoice.parsed([str(tmp_path / "in.safetensors")])
    (found,) = made(choice, [spec("x", (2,), ml_dtypes.bfloat16)]).values()
    assert (found.dtype, found.tolist()) == (values.dtype, values.tolist())


@pytest.mark.parametrize(
    ("texts", "shapes", "said"),
    [
        (["random:x"], [], "random, or random:7 with a seed is right"),
        ([], ["x"], "--shape is 'x'; NAME=2x3 is right"),
        ([], ["x=2,3"], "--shape is 'x=2,3'; NAME=2x3 is right"),
        ([], ["y=2"], "there is no input 'y'; the inputs are 'x'"),
        ([], ["x=2x2"], r"--shape is 2x2 for x: float32\[1, -1\]"),
        ([], [], r"input x: float32\[1, -1\]: dim 1 is open; say --shape x=2x3"),
        (["y=a.npy", "y=b.npy"], [], "two files for 'y'"),
        (["wrong.npz"], [], "there is no input 'z'; the inputs are 'x'"),
        (["wrong.npz", "z=wrong.npz"], [], "input 'z' comes twice, the second time in wrong.npz"),
        (["x=many.npz"], [], "many.npz holds 2 arrays; for 'x' one is right, a .npy"),
        (["x.npz"], ["x=1x3"], "--shape is for inputs that are made up, and 'x' is given"),
        (["none.npz"], [], "none.npz"),
    ],
)
def test_wrong_inputs(
    texts: list[str], shapes: list[str], said: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    np.savez("wrong.npz", z=np.ones(3))
    np.savez("many.npz", z=np.ones(3), y=np.ones(1))
    np.savez("x.npz", x=np.ones((1, 3), np.float32))
    with pytest.raises((ValueError, OSError), match=said):
        made(InputChoice.parsed(texts, shapes), [spec("x", (1, -1))])


def test_what_is_not_given_is_told() -> None:
    with pytest.raises(ValueError, match=r"input x: .* is not given, none is given; say x=FILE"):
        made(InputChoice(seed=None), [spec("x", (1,))])


def test_two_sides_are_given_the_same_numbers() -> None:
    a, b = [spec("x", (-1, 3)), spec("i", (2,), np.int32)], [spec("i", (2,), np.int32)]
    b.append(spec("x", (4, 3), np.float16))
    both = merged(a, b)
    assert [str(one) for one in both] == ["x: float16[4, 3]", "i: int32[2]"]
    given = made(InputChoice(), both)
    mine, theirs = fitted(given, a, b), fitted(given, b, a)
    assert [one["x"].dtype.name for one in (mine, theirs)] == ["float32", "float16"]
    assert np.array_equal(mine["x"], theirs["x"])


@pytest.mark.parametrize(
    ("b", "said"),
    [
        (spec("z", (1, 3)), "other names: a takes 'x', b takes 'z'"),
        (spec("x", (1, 4)), r"other shapes: a takes x: float32\[-1, 3\], b takes"),
        (spec("x", (3,)), "other shapes"),
        (spec("x", (1, 3), np.int64), "other dtypes"),
    ],
)
def test_two_sides_that_take_other_inputs(b: TensorSpec, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        merged([spec("x", (-1, 3))], [b])


def test_a_summary() -> None:
    row = summed_up("y", np.array([1, np.nan, 3], np.float16))
    assert row == ("y", "float16", (3,), 1.0, 3.0, 2.0, 1)
    assert summed_up("e", np.zeros((0, 2)))[3:] == (None, None, None, 0)
    assert summed_up("n", np.array(np.nan))[3:] == (None, None, None, 1)
    assert summed_up("b", np.array([True, False]))[3:] == (0, 1, 0.5, 0)
    assert summed_up("i", np.array([2**62, 1]))[3:5] == (1, 2**62)
    assert summed_up("c", np.array([1j]))[3:] == (None, None, None, 0)
    assert summed_up("h", np.array([2], ml_dtypes.bfloat16))[3:5] == (2.0, 2.0)
    assert summed_up("f", np.array([np.inf, 1.0]))[3:5] == (1.0, np.inf)

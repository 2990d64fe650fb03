"""What is an array: one rule at every door, the update's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build, follow, weights
from acl_bundle._base.arrays import as_array
from acl_bundle.errors import WeightError

torch = pytest.importorskip("torch")

VALUE = np.array([[1.5, -2.0, 3.0], [0.25, 5.0, -6.0]], "f4")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


class Lends:
    """An array that is had by ``__array__`` alone, as h5py's datasets are."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return VALUE


class Offers:
    """An array that is had by DLPack alone."""

    def __dlpack__(self, **options: Any) -> Any:
        return VALUE.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return VALUE.__dlpack_device__()


TAKEN: dict[str, Callable[[], Any]] = {
    "numpy": lambda: VALUE,
    "numpy, Fortran order": lambda: np.asfortranarray(VALUE),
    "numpy, strided": lambda: np.repeat(VALUE, 2, axis=1)[:, ::2],
    "numpy, read-only": lambda: np.broadcast_to(VALUE, VALUE.shape),
    "torch": lambda: torch.tensor(VALUE),
    "torch, transposed": lambda: torch.tensor(VALUE.T.copy()).T,
    "torch, negated lazily": lambda: torch._neg_view(torch.tensor(-VALUE)),
    "a Parameter": lambda: torch.nn.Parameter(torch.tensor(VALUE)),
    "a result with a gradient": lambda: torch.nn.Parameter(torch.tensor(VALUE)) * 1,
    "bfloat16": lambda: torch.tensor(VALUE).bfloat16(),
    "a bfloat16 Parameter": lambda: torch.nn.Parameter(torch.tensor(VALUE).bfloat16()),
    "ml_dtypes' bfloat16": lambda: VALUE.astype(BFLOAT16),
    "DLPack alone": Offers,
    "__array__ alone": Lends,
}
REFUSED: dict[str, Callable[[], Any]] = {
    "a list": VALUE.tolist,
    "a float": lambda: 1.0,
    "None": lambda: None,
    "a text": lambda: "w",
    "a masked array": lambda: np.ma.masked_array(VALUE),
    "a type": lambda: np.float32,
    "a tensor without values": lambda: torch.zeros((2, 3), device="meta"),
    "a sparse tensor": lambda: torch.tensor(VALUE).to_sparse(),
}


def _updated(given: Mapping[str, Any], folder: Path) -> Any:
    bf = np.asarray(as_array(given["w"], "w")).dtype == BFLOAT16
    dtype = "bfloat16" if bf else "float"
    text = (
        '<ir_version: 8, opset_import: ["": 17]> g (float[2,3] x) => (float[2,3] y)'
        f" <{dtype}[2,3] w = {{0,0,0,0,0,0}}> {{ z = Cast <to = 1> (w) y = Add(x, z) }}"
    )
    model = build.from_onnx(onnx.parser.parse_model(text), ["w"])
    with ab.Bundle.load(model.to_bytes()) as bundle:
        bundle.init()
        bundle.update(given)
        return bundle.infer(np.zeros((2, 3), "f4"))


def _saved(given: Mapping[str, Any], folder: Path) -> Any:
    weights.save(given, folder / "w.safetensors")
    with weights.open(folder / "w.safetensors") as file:
        return file["w"]


def _published(given: Mapping[str, Any], folder: Path) -> Any:
    with weights.open(follow.publish_directory(folder / "v", given, 1)) as file:
        return file["w"]


def _diff(given: Mapping[str, Any], folder: Path) -> Any:
    for one in (given, weights.rename(given, {"w": "w"})):
        assert not weights.diff(one, {"w": VALUE}).rows[0].differing
    return given["w"]


def _lora(given: Mapping[str, Any], folder: Path) -> Any:
    pair = {
        "w.lora_A.weight": torch.nn.Parameter(torch.zeros(1, 3)),
        "w.lora_B.weight": torch.nn.Parameter(torch.zeros(2, 1)),
    }
    merged = weights.merge_lora({"w.weight": given["w"]}, pair, alpha=1.0)
    return merged["w.weight"]


def _frozen(given: Mapping[str, Any], folder: Path) -> Any:
    bf = getattr(given["w"], "dtype", None) in (BFLOAT16, torch.bfloat16)
    model = onnx.helper.make_model(
        onnx.helper.make_graph(
            [onnx.helper.make_node("Identity", ["w"], ["y"])], "g", [],
            [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [2, 3])],
            [onnx.numpy_helper.from_array(np.zeros((2, 3), BFLOAT16 if bf else "f4"), "w")],
        )
    )  # fmt: skip
    onnx.save(model, folder / "m.onnx")
    weights.freeze(given, folder / "m.onnx", folder / "out.onnx")
    with weights.open(folder / "out.onnx") as file:
        return file["w"]


DOORS: dict[str, Callable[[Mapping[str, Any], Path], Any]] = {
    "save": _saved,
    "to_bytes": lambda w, _: weights.Safetensors(weights.to_bytes(w))["w"],
    "publish_directory": _published,
    "rename": lambda w, _: weights.rename(w, add_prefix="a.")["a.w"],
    "select": lambda w, _: weights.select(w, ["*"])["w"],
    "transpose": lambda w, _: weights.transpose(w, ["w"])["w"].T,
    "reshape": lambda w, _: weights.reshape(w, {"w": (6,)})["w"].reshape(2, 3),
    "cast": lambda w, _: weights.cast(w, "bfloat16")["w"],
    "diff": _diff,
    "merge_lora": _lora,
    "enforce": lambda w, _: weights.enforce(w, weights.Masks({}))["w"],
    "freeze": _frozen,
}
READS = {**DOORS, "sparsify_2_4": lambda w, _: weights.sparsify_2_4(w, {"w": "nk"})["w"]}


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_what_an_update_takes(door: str, kind: str, tmp_path: Path) -> None:
    given = {"w": TAKEN[kind]()}
    found = as_array(DOORS[door](given, tmp_path), "w")
    assert found.astype("f4").tolist() == VALUE.tolist()
    if door != "cast":
        assert (found.dtype == BFLOAT16) == ("bfloat16" in kind)


@pytest.mark.parametrize("kind", TAKEN)
@pytest.mark.parametrize("through", ["itself", "a view"])
@pytest.mark.usefixtures("fake_acl")
def test_an_update_takes_it_itself_and_through_a_view(
    kind: str, through: str, tmp_path: Path
) -> None:
    given = {"w": TAKEN[kind]()}
    shown = given if through == "itself" else weights.rename(given, {"w": "w"})
    assert _updated(shown, tmp_path).astype("f4").tolist() == VALUE.tolist()


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("door", READS)
def test_every_door_refuses_by_name_what_an_update_refuses(
    door: str, kind: str, tmp_path: Path
) -> None:
    given = {"w": REFUSED[kind]()}
    with pytest.raises(TypeError, match=r"weight '(w|w\.weight)' "):
        READS[door](given, tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("kind", REFUSED)
def test_an_update_refuses_it_with_the_same_words(kind: str, fake_acl: Any) -> None:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> g (float[2,3] x) => (float[2,3] y)'
        " <float[2,3] w = {0,0,0,0,0,0}> { y = Add(x, w) }"
    )
    image = build.from_onnx(onnx.parser.parse_model(text), ["w"]).to_bytes()
    with ab.Bundle.load(image) as bundle, pytest.raises(TypeError, match="weight 'w' "):
        bundle.update({"w": REFUSED[kind]()})


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e5m2", "bfloat16", "float16"])
def test_a_tensors_dtype_crosses_as_ml_dtypes_has_it(name: str) -> None:
    tensor = torch.tensor([1.0, -2.0, 0.5]).to(getattr(torch, name))
    try:
        tensor.__dlpack__()
    except BufferError:
        pytest.skip("this release of torch does not offer it")
    found = as_array(tensor, "w")
    assert found.dtype.name == name
    assert found.astype("f4").tolist() == [1.0, -2.0, 0.5]


def test_a_conjugated_tensor_is_what_it_says() -> None:
    tensor = torch.tensor([1 + 2j]).conj()
    assert as_array(tensor, "w").tolist() == [1 - 2j]


def test_a_name_that_is_no_text_is_refused_everywhere(tmp_path: Path) -> None:
    given: Any = {0: VALUE}
    for ask in (
        lambda: weights.save(given, tmp_path / "w"),
        lambda: weights.rename(given, strip_prefix="a"),
        lambda: weights.select(given, ["a"]),
        lambda: weights.diff(given, given),
        lambda: weights.cast(given, "float16"),
    ):
        with pytest.raises((TypeError, WeightError), match=r"called 0|names are strings"):
            ask()
    assert not list(tmp_path.iterdir())

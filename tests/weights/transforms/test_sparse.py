"""2:4 sparsity: against brute force, through a record, over a hundred updates."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import acl_bundle as ab
from acl_bundle import weights
from acl_bundle.errors import WeightError, WeightsFormatError

from ..samples import Array, refused, same

AXIS = {"kn": -2, "nk": -1, "oihw": 1, "hwio": 2}


def brute_force(array: Array, axis: int) -> Array:
    """The mask, group by group, by trying every choice of what may stay."""
    mask = np.zeros(array.shape, bool)
    length = array.shape[axis]
    axis %= array.ndim
    rest = [range(size) for number, size in enumerate(array.shape) if number != axis]
    for others in itertools.product(*rest):
        for start in range(0, length, 4):
            group = list(range(start, min(start + 4, length)))
            sizes = [abs(float(array[_at(others, axis, one)])) for one in group]
            choices = itertools.combinations(range(len(group)), min(2, len(group)))
            best = max(choices, key=lambda chosen: (sum(sizes[i] for i in chosen), _first(chosen)))
            for one in best:
                mask[_at(others, axis, group[one])] = True
    return mask


def _at(others: tuple[int, ...], axis: int, index: int) -> tuple[int, ...]:
    return (*others[:axis], index, *others[axis:])


def _first(chosen: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-one for one in chosen)


@settings(max_examples=80)
@given(data=st.data(), layout=st.sampled_from(list(AXIS)), dtype=st.sampled_from(["f4", "f8"]))
def test_masks_agree_with_brute_force(data: st.DataObject, layout: Any, dtype: str) -> None:
    rank = 4 if layout in ("oihw", "hwio") else data.draw(st.integers(2, 3))
    shape = tuple(data.draw(st.integers(1, 9)) for _ in range(rank))
    rng = np.random.default_rng(data.draw(st.integers(0, 1 << 30)))
    array = rng.integers(-3, 4, shape).astype(dtype)  # many ties
    view = weights.sparsify_2_4({"w": array}, {"w": layout})
    mask = brute_force(array, AXIS[layout])
    assert np.array_equal(view.masks["w"], mask)
    assert np.array_equal(view["w"], np.where(mask, array, 0))
    assert weights.check(view, {"w": layout}).rows[0].violations == 0
    assert weights.check({"w": array}, view.masks).rows[0].violations == np.sum(
        (array != 0) & ~mask
    )


def test_of_continuous_values_exactly_half_stays() -> None:
    array = np.random.default_rng(0).standard_normal((64, 32)).astype("f4")
    for layout, axis in (("kn", 0), ("nk", 1)):
        mask = weights.sparsify_2_4({"w": array}, {"w": layout}).masks["w"]  # type: ignore[dict-item]
        groups = np.moveaxis(mask, axis, -1).reshape(-1, 4)
        assert (groups.sum(1) == 2).all()


def test_a_remainder_counts_as_filled_up_with_zeros() -> None:
    array = np.arange(1, 8, dtype="f4").reshape(1, 7)
    found = weights.sparsify_2_4({"w": array}, {"w": "nk"})["w"]
    assert found.tolist() == [[0, 0, 3, 4, 0, 6, 7]]
    thin = weights.sparsify_2_4({"w": np.ones((3, 2), "f4")}, {"w": "nk"})["w"]
    assert thin.all()


def test_weights_without_elements_are_sparse_too() -> None:
    base = {"k": np.zeros((0, 3), "f4"), "n": np.zeros((5, 0), "f4")}
    view = weights.sparsify_2_4(base, {"*": "kn"})
    same(view, base)
    assert [row.groups for row in view.report()] == [0, 0]
    assert [row.groups for row in weights.check(base, {"*": "kn"})] == [0, 0]


def test_zeros_are_plain_and_ties_go_to_the_first() -> None:
    array = np.array([[-1, 1, -1, 1]], "f4")
    found = weights.sparsify_2_4({"w": array}, {"w": "nk"})["w"]
    assert found.tolist() == [[-1, 1, 0, 0]]
    assert not np.signbit(found[0, 2])


def test_violations_come_with_coordinates() -> None:
    array = np.zeros((8, 3), "f4")
    array[4:7, 1] = 5
    (row,) = weights.check({"w": array}, {"w": "kn"})
    assert (row.groups, row.violations, row.first) == (6, 1, ((4, 1),))
    kernel = np.zeros((3, 3, 9, 2), "f4")
    kernel[1, 2, 4:8, 1] = 1
    (row,) = weights.check({"w": kernel}, {"w": "hwio"})
    assert (row.groups, row.violations, row.first) == (54, 1, ((1, 2, 4, 1),))
    masks = weights.sparsify_2_4({"w": array}, {"w": "kn"}).masks
    report = weights.check({"w": array}, masks)
    assert report.rows[0].first == ((6, 1),)
    assert str(report).startswith("1 of 1 weights break the pattern\nname  size  masked")


def test_a_record_keeps_masks_and_is_written_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    base = {"a": rng.standard_normal((8, 5)).astype("f4"), "b": rng.standard_normal((3, 7, 2, 2))}
    masks = weights.sparsify_2_4(base, {"a": "kn", "b": "oihw"}).masks
    path = tmp_path / "record"
    masks.save(path)
    again = weights.Masks.load(path)
    assert again == masks
    assert again.layouts == {"a": "kn", "b": "oihw"}
    assert [one.name for one in tmp_path.iterdir()] == ["record"]
    same(weights.enforce(base, again), weights.sparsify_2_4(base, {"a": "kn", "b": "oihw"}))
    assert again != weights.sparsify_2_4({"a": -base["a"].T}, {"a": "nk"}).masks
    assert path.stat().st_size < 1000


def test_damaged_records_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "record"
    weights.sparsify_2_4({"a": np.ones((8, 5), "f4")}, {"a": "kn"}).masks.save(path)
    good = path.read_bytes()
    for old, new in {
        b"acl_bundle.masks": b"acl_bundle.maskx",
        b"[8, 5]": b"[8, 6]",
        b"[8, 5] ": b"[8,-5] ",
        b'\\"a\\"': b'\\"b\\"',
        b'\\"layout\\"': b'\\"layoux\\"',
        b'\\"kn\\"': b"    55",
        b"U8": b"I8",
        b"[0,5]": b"[0,4]",
    }.items():
        path.write_bytes(good.replace(old, new))
        if path.read_bytes() != good:
            with pytest.raises(WeightsFormatError, match="record"):
                weights.Masks.load(path)
    path.write_bytes(good[:-1])
    refused(path)
    with pytest.raises(WeightsFormatError):
        weights.Masks.load(path)


def test_masks_survive_a_hundred_updates(fake_acl: Any, make_bundle: Any) -> None:
    rng = np.random.default_rng(2)
    shapes = {"w1": (8, 6), "w2": (6, 4)}
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[2, 8] x) => (float[2, 4] y)
        { h = MatMul(x, w1)
          y = MatMul(h, w2) }
    """)
    first = {name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()}
    for name, value in first.items():
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    masks = weights.sparsify_2_4(first, {"w*": "kn"}).masks
    x = rng.standard_normal((2, 8)).astype("f4")
    with ab.Bundle.load(make_bundle(model, weights=list(shapes))) as bundle:
        for _ in range(100):
            fresh = {
                name: rng.standard_normal(shape).astype("f4") for name, shape in shapes.items()
            }
            view = weights.enforce(fresh, masks)
            assert not any(row.violations for row in weights.check(view, masks))
            bundle.update(view)
            sparse = {name: np.where(masks[name], value, 0) for name, value in fresh.items()}
            np.testing.assert_allclose(bundle.infer(x), x @ sparse["w1"] @ sparse["w2"], 1e-4, 1e-5)


def test_the_report_says_what_is_lost() -> None:
    array = np.array([[3, 4, 0, 0, 1, 1, 1, 1]], "f4")
    (row,) = weights.sparsify_2_4({"w": array, "b": np.ones(3)}, {"w": "nk"}).report()
    assert (row.groups, row.zeroed) == (2, 2)
    assert row.energy == pytest.approx(27 / 29)


@pytest.mark.parametrize(
    ("value", "layout", "message"),
    [
        (np.ones((4, 4), "f2"), "kn", "float32 and float64"),
        (np.ones((4, 4), "i4"), "kn", "float32 and float64"),
        (np.ones(4, "f4"), "kn", "2 or more axes"),
        (np.ones((4, 4), "f4"), "oihw", "has 4 axes"),
        (np.ones((4, 4), "f4"), "nchw", "'nchw' is unknown"),
    ],
)
def test_what_does_not_fit_is_refused(value: Array, layout: Any, message: str) -> None:
    with pytest.raises(WeightError, match=message):
        weights.sparsify_2_4({"w": value}, {"w": layout})


def test_nan_is_refused_with_its_place() -> None:
    array = np.ones((4, 4), "f4")
    array[2, 3] = np.nan
    view = weights.sparsify_2_4({"w": array}, {"w": "kn"})
    with pytest.raises(WeightError, match=r"'w' is NaN at \[2, 3\]"):
        view["w"]


def test_a_mask_of_another_shape_is_refused() -> None:
    masks = weights.sparsify_2_4({"w": np.ones((4, 4), "f4")}, {"w": "kn"}).masks
    with pytest.raises(WeightError, match=r"shape \(8, 2\), but its mask is for \(4, 4\)"):
        weights.enforce({"w": np.ones((8, 2), "f4")}, masks)
    with pytest.raises(WeightError, match="mask is for"):
        weights.check({"w": np.ones((8, 2), "f4")}, masks)
    assert list(weights.enforce({"b": np.ones(2)}, masks)) == ["b"]


def test_any_dtype_can_be_put_under_masks() -> None:
    array = np.arange(1, 17, dtype="f4").reshape(4, 4)
    masks = weights.sparsify_2_4({"w": array}, {"w": "kn"}).masks
    half = weights.enforce(weights.cast({"w": array}, "bfloat16"), masks)
    assert half["w"].dtype.name == "bfloat16"
    assert np.count_nonzero(half["w"]) == 8


def test_the_layers_of_a_model_are_found_with_their_axes(tmp_path: Path) -> None:
    model = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[2, 4] x, float[1, 4, 8, 8] i) => (float[2, 4] y, float[1, 4, 8, 8] o)
        <float[4, 4] plain, float[4, 4] turned, float[4, 4] both, float[4, 4] left,
         float[4, 4] summed, float[4, 4, 1, 1] kernel, float[4] bias, float16[4, 4] half>
        { z = MatMul(x, half)
          a = MatMul(x, plain)
          b = Gemm<transB = 1>(a, turned, bias)
          c = Gemm(b, both)
          d = Gemm<transB = 1>(c, both)
          e = MatMul(left, turned)
          f = MatMul(d, summed)
          y = Add(f, summed)
          o = Conv(i, kernel, bias) }
    """)
    for info in model.graph.value_info:
        end = info.type.tensor_type
        kind = np.float16 if end.elem_type == onnx.TensorProto.FLOAT16 else np.float32
        value = np.ones([dim.dim_value for dim in end.shape.dim], kind)
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, info.name))
    onnx.save(model, tmp_path / "m.onnx")
    assert weights.layouts_of(tmp_path / "m.onnx") == {"plain": "kn", "kernel": "oihw"}
    np.savez(tmp_path / "w.npz", w=np.ones(3))
    with pytest.raises(WeightsFormatError, match=r"w\.npz: this is of kind 'npz'; an ONNX model"):
        weights.layouts_of(tmp_path / "w.npz")


def net(text: str, shapes: dict[str, tuple[int, ...]], path: Path) -> weights.Layouts:
    """The layouts of a model with such constants."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {text}')
    for name, shape in shapes.items():
        value = np.ones(shape, np.float32)
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
    onnx.save(model, path / "m.onnx")
    return weights.layouts_of(path / "m.onnx")


def test_what_only_turns_a_weight_is_looked_through(tmp_path: Path) -> None:
    """As torch exports a Linear with its own names, and as TensorFlow's convolutions come."""
    text = """
        net (float[2, 8] x, float[1, 4, 9, 9] i, float[3, 2, 8] b)
            => (float[2, 4] y, float[1, 4, 7, 7] o, float[3, 2, 4] z, int64[4] s)
        { t = Transpose<perm = [1, 0]>(torch)
          a = MatMul(x, t)
          u = Identity(straight)
          v = Cast<to = 10>(u)
          w = Cast<to = 1>(v)
          c = MatMul(a, w)
          r = Transpose(twice)
          q = Transpose(r)
          y = Gemm<transB = 1>(c, q)
          k = Transpose<perm = [3, 2, 0, 1]>(tf)
          s = Shape(kernel)
          n = Size(kernel)
          d = Conv(i, k)
          o = Conv(d, kernel)
          m = Transpose<perm = [0, 2, 1]>(batch)
          z = MatMul(b, m) }
    """
    shapes = {
        "torch": (4, 8), "straight": (4, 4), "twice": (4, 4), "tf": (3, 3, 4, 4),
        "kernel": (4, 4, 1, 1), "batch": (3, 4, 8),
    }  # fmt: skip
    found = net(text, shapes, tmp_path)
    assert found == {
        "torch": "nk", "straight": "kn", "twice": "nk", "tf": "hwio", "kernel": "oihw",
        "batch": "nk",
    }  # fmt: skip
    assert found.left_out == {}
    masked = weights.sparsify_2_4({name: np.ones(one, "f4") for name, one in shapes.items()}, found)
    assert weights.check(masked, found).title == "0 of 6 weights break the pattern"


def test_what_reads_a_weight_in_another_way_counts(tmp_path: Path) -> None:
    text = """
        net (float[2, 4] x, bool c) => (float[2, 4] y, float[4, 4] shown, float[2, 4] g)
        { a = MatMul(x, both)
          t = Transpose(both)
          b = MatMul(a, t)
          d = MatMul(b, summed)
          u = Identity(summed)
          e = Add(d, u)
          f = MatMul(e, out)
          shown = Identity(out)
          y = MatMul(f, inner)
          g = If(c) <
            then_branch = yes () => (float[2, 4] p) { p = Add(y, inner) },
            else_branch = no () => (float[2, 4] q) { q = Identity(y) }> }
    """
    shapes = dict.fromkeys(("both", "summed", "out", "inner"), (4, 4))
    found = net(text, shapes, tmp_path)
    assert found == {}
    assert set(found.left_out) == set(shapes)


def test_a_weight_in_which_nothing_can_be_pruned_is_left_out_and_said(tmp_path: Path) -> None:
    text = """
        net (float[1, 8, 5, 5] x, float[1, 2] v) => (float[1, 8, 3, 3] y, float[1, 4] z)
        { y = Conv<group = 8>(x, depthwise)
          z = MatMul(v, thin) }
    """
    shapes = {"depthwise": (8, 1, 3, 3), "thin": (2, 4)}
    found = net(text, shapes, tmp_path)
    assert found == {}
    assert found.left_out == {
        "depthwise": "its input axis has 1, and of so few none is pruned",
        "thin": "its input axis has 2, and of so few none is pruned",
    }
    view = weights.sparsify_2_4(
        {**{name: np.ones(one, "f4") for name, one in shapes.items()}, "w": np.ones((4, 4), "f4")},
        {"depthwise": "oihw", "thin": "kn", "w": "kn"},
    )
    assert view.report().title == (
        "1 of 3 weights are 2:4 sparse; nothing can be pruned in 'depthwise', 'thin', of which"
        " groups have two at most"
    )


def test_a_record_is_json_and_packed_bits_that_anyone_can_read(tmp_path: Path) -> None:
    """With nothing but what the page says of the file."""
    base = {"a": np.random.default_rng(4).standard_normal((8, 5)).astype("f4"), "b": np.eye(7)}
    masks = weights.sparsify_2_4(base, {"a": "kn", "b": "nk"}).masks
    masks.save(tmp_path / "record")
    data = (tmp_path / "record").read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    kept = json.loads(header.pop("__metadata__")["acl_bundle.masks"])
    assert kept == {
        "a": {"layout": "kn", "shape": [8, 5]},
        "b": {"layout": "nk", "shape": [7, 7]},
    }
    for name, tensor in header.items():
        begin, stop = tensor["data_offsets"]
        packed = np.frombuffer(data[end + begin : end + stop], np.uint8)
        bits = np.unpackbits(packed, count=base[name].size, bitorder="little")
        assert np.array_equal(bits.reshape(base[name].shape), masks[name])


def test_a_record_whose_bits_are_damaged_is_refused(tmp_path: Path) -> None:
    array = np.random.default_rng(5).standard_normal((8, 5)).astype("f4")
    path = tmp_path / "record"
    weights.sparsify_2_4({"a": array}, {"a": "kn"}).masks.save(path)
    path.write_bytes(path.read_bytes()[:-1] + b"\xff")
    with pytest.raises(WeightsFormatError, match=r"'a' keeps more than two of the four from \[4, "):
        weights.Masks.load(path)


def test_huge_and_infinite_values_keep_a_share_without_a_warning() -> None:
    huge = np.array([[3e300, 4e300, 1e300, 0]])
    endless = np.array([[np.inf, 1, -np.inf, np.inf]], "f4")
    for array, energy in ((huge, 25 / 26), (endless, 2 / 3), (np.zeros((1, 4)), 1.0)):
        (row,) = weights.sparsify_2_4({"w": array.astype("f8")}, {"w": "nk"}).report()
        assert row.energy == pytest.approx(energy)


def test_a_check_that_looks_at_nothing_is_refused() -> None:
    masks = weights.sparsify_2_4({"w": np.ones((4, 4), "f4")}, {"w": "kn"}).masks
    with pytest.raises(WeightError, match=r"they are for 'w', and the weights are 'model\.w'"):
        weights.check({"model.w": np.ones((4, 4), "f4")}, masks)


def test_what_are_no_masks_and_no_layouts_is_refused() -> None:
    base = {"w": np.ones((4, 4), "f4")}
    with pytest.raises(TypeError, match="masks are a dict; Masks of sparsify_2_4"):
        weights.enforce(base, {"w": np.ones((4, 4), bool)})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="layouts is 'kn'; a mapping"):
        weights.check(base, "kn")  # type: ignore[arg-type]


def test_a_byte_swapped_weight_is_as_any_other() -> None:
    array = np.random.default_rng(6).standard_normal((8, 5)).astype("f4")
    found = weights.sparsify_2_4({"w": array.astype(">f4")}, {"w": "kn"})
    same(found, weights.sparsify_2_4({"w": array}, {"w": "kn"}))

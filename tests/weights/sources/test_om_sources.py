"""Bundles with a weight program as sources: what an update takes, not what the graph holds."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build, weight_program, weights
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Constant, Step, WeightProgram

from ..samples import same

F4, HALF = np.dtype(np.float32), np.dtype(np.float16)
SHAPES = {"moved": (4, 6), "halves": (4, 3), "left": (3,), "right": (3,), "cast": (8,),
          "exp": (3,), "part": (4, 3)}  # fmt: skip
STEPS = (
    Step("transpose", ("moved",), "t", {"perm": (1, 0)}),
    Step("reshape", ("t",), "m", {"shape": (2, 3, 4)}),
    Step("slice", ("halves",), "h0", {"starts": (0, 0), "stops": (2, 3), "steps": (1, 1)}),
    Step("slice", ("halves",), "h1", {"starts": (2, 0), "stops": (4, 3), "steps": (1, 1)}),
    Step("transpose", ("h1",), "h1t", {"perm": (1, 0)}),
    Step("add", ("left", "right"), "sum"),
    Step("cast", ("cast",), "narrow", {"dtype": "float16"}),
    Step("exp", ("exp",), "e"),
    Step("slice", ("part",), "p", {"starts": (0, 0), "stops": (2, 3), "steps": (1, 1)}),
)
MADE = {"M": ("m", (2, 3, 4)), "H0": ("h0", (2, 3)), "H1": ("h1t", (3, 2)), "left": ("sum", (3,)),
        "C": ("narrow", (8,)), "E": ("e", (3,)), "P": ("p", (2, 3))}  # fmt: skip


def values(seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(shape).astype(F4) for name, shape in SHAPES.items()}


def program() -> WeightProgram:
    now = values(1)
    return WeightProgram(
        tuple(WeightSpec(name, shape, F4) for name, shape in SHAPES.items()),
        tuple(Constant(n, v, HALF if n == "C" else F4, s) for n, (v, s) in MADE.items()),
        STEPS,
        first={name: now[name] for name in ("left", "right")},
        aliases={"tied": "moved"},
        unused=("*.steps",),
    )


def negating(constants: dict[str, Any]) -> onnx.ModelProto:
    """Gives each constant with its sign turned."""
    node, end = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    kinds = {F4: onnx.TensorProto.FLOAT, HALF: onnx.TensorProto.FLOAT16}
    graph = onnx.helper.make_graph(
        [node("Neg", [name], [f"-{name}"]) for name in constants],
        "g",
        [],
        [end(f"-{name}", kinds[one.dtype], one.shape) for name, one in constants.items()],
        [onnx.numpy_helper.from_array(one, name) for name, one in constants.items()],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)


def made_of(made: WeightProgram) -> dict[str, Any]:
    """The constants, as the first version of the sources makes them."""
    return {
        one.name: np.ascontiguousarray(made.compute(place, values(1).__getitem__))
        for place, one in enumerate(made.constants)
    }


@pytest.fixture
def path(tmp_path: Path) -> Path:
    model = negating(made_of(program()))
    return build.from_onnx(model, program=program()).save(tmp_path / "net.om")


def test_a_bundle_gives_its_sources(path: Path) -> None:
    """By what was moved, what was cut up and joined, and the first values of the others."""
    now = values(1)
    with weights.open(path) as source:
        assert source.aliases == {"tied": "moved"}
        wanted = {name: now[name] for name in ("moved", "halves", "left", "right")}
        wanted["cast"] = now["cast"].astype(np.float16).astype(F4)
        same(source, {**wanted, "tied": now["moved"]})
        assert {*source.skipped} == {"exp", "part"}
        with pytest.raises(KeyError, match=r"'exp' is skipped: .*only what is computed of it"):
            source["exp"]


@pytest.mark.usefixtures("fake_acl")
def test_what_it_gives_is_what_an_update_takes(path: Path) -> None:
    with ab.Bundle.load(path) as bundle, weights.open(path) as source:
        bundle.init()
        before = bundle.infer.run({})
        bundle.update(source)
        for name, value in bundle.infer.run({}).items():
            np.testing.assert_array_equal(value, before[name])


@pytest.mark.usefixtures("fake_acl")
def test_a_frozen_copy_starts_with_other_sources(path: Path, tmp_path: Path) -> None:
    """The first values that are kept for parts of an update are replaced with the constants."""
    later = values(2)
    out = tmp_path / "frozen.om"
    rows = weights.freeze({"tied": later["moved"], "left": later["left"], "exp": later["exp"]},
                          path, out).rows  # fmt: skip
    assert {row.name for row in rows if row.replaced} == {"moved", "left", "exp"}
    assert path.stat().st_size == out.stat().st_size
    now = {**values(1), **{name: later[name] for name in ("moved", "left", "exp")}}
    with weights.open(out) as source:
        for name in ("moved", "left", "right", "halves"):
            np.testing.assert_array_equal(source[name], now[name])
    with ab.Bundle.load(out) as bundle:
        bundle.init()
        outputs = bundle.infer.run({})
        np.testing.assert_array_equal(outputs["-left"], -(now["left"] + now["right"]))
        np.testing.assert_array_equal(outputs["-E"], -np.exp(now["exp"]))
        bundle.update({"right": values(3)["right"]})
        wanted = -(now["left"] + values(3)["right"])
        np.testing.assert_array_equal(bundle.infer.run({})["-left"], wanted)


def test_a_copy_that_needs_more_than_the_file_has_is_refused(path: Path, tmp_path: Path) -> None:
    """A constant of two sources of which one is in no first value."""
    whole = program()
    without = replace(whole, first={"left": values(1)["left"]})
    built = build.from_onnx(negating(made_of(without)), program=without)
    other = built.save(tmp_path / "other.om")
    with pytest.raises(ab.WeightError, match="the file has no value of 'right': give all"):
        weights.freeze({"left": values(2)["left"]}, other, tmp_path / "out.om")
    assert not (tmp_path / "out.om").exists()


@pytest.mark.usefixtures("fake_acl")
def test_a_program_beside_the_file(path: Path, tmp_path: Path) -> None:
    """Its sources are read; a frozen copy would be without it, so there is none."""
    plain = build.from_onnx(negating(made_of(program())), "all").save(tmp_path / "plain.om")
    weight_program.save_beside(program(), plain)
    with weights.open(plain) as found, weights.open(path) as wanted:
        same(found, wanted)
    with pytest.raises(ab.WeightError, match="its weight program lies beside it"):
        weights.freeze({"left": values(2)["left"]}, plain, tmp_path / "out.om")


@pytest.mark.usefixtures("fake_acl")
def test_another_name_has_the_weights_entry(path: Path) -> None:
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        bundle.update({"tied": values(4)["moved"]}, version=7)
        found = pickle.loads(pickle.dumps(bundle.weights))
        assert found["tied"] == found["moved"]
        assert found["tied"].version == 7
        assert "tied" in found
        assert {*found} == {*SHAPES}
        with pytest.raises(KeyError, match="nobody"):
            found["nobody"]

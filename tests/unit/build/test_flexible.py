"""Models with several shapes: what is written, and what is refused (facts 5.4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, om
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import inout

W = np.ones((4, 3), np.float32)


def make(nodes: list[Any], inputs: Any, outputs: Any, **consts: Any) -> onnx.ModelProto:
    def values(ends: Any) -> list[Any]:
        return [
            helper.make_tensor_value_info(n, TensorProto.FLOAT, dims) for n, dims in ends.items()
        ]

    fixed = [numpy_helper.from_array(one, name) for name, one in consts.items()]
    graph = helper.make_graph(nodes, "net", values(inputs), values(outputs), fixed)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


NET = make([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": ["n", 4]}, {"y": ["n", 3]}, w=W)
POOL = make(
    [helper.make_node("GlobalAveragePool", ["x"], ["y"])],
    {"x": [1, 2, "h", "w"]}, {"y": [1, 2, 1, 1]},
)  # fmt: skip
PAIR = make(
    [helper.make_node("Concat", ["left", "right"], ["y"], axis=0),
     helper.make_node("Neg", ["free"], ["g"])],
    {"left": ["n", 4], "right": ["m", 4], "free": [2]}, {"y": ["k", 4], "g": [2]},
)  # fmt: skip


def built(model: onnx.ModelProto, **options: Any) -> om.Model:
    return om.open_model(build.model(model, **options).to_bytes())


def test_batches() -> None:
    model = built(NET, dynamic_batch=[4, 1, 8])
    shapes = ((0, 0, (4, 3)), (1, 0, (1, 3)), (2, 0, (8, 3)))
    assert model.gears == om.Gears("batch", ((4,), (1,), (8,)), shapes)
    assert [(one.name, one.dims, one.nbytes) for one in model.inputs] == [
        ("x", (-1, 4), 128), ("ascend_mbatch_shape_data", (1,), 8),
    ]  # fmt: skip
    assert [(one.dims, one.nbytes) for one in model.outputs] == [((8, 3), 96)]
    assert not model.header.is_dynamic


def test_resolutions_and_an_output_of_one_shape() -> None:
    model = built(POOL, dynamic_hw=[(4, 4), (8, 6)])
    assert model.gears == om.Gears("hw", ((4, 4), (8, 6)), ((-1, 0, (1, 2, 1, 1)),))
    assert model.inputs[0].nbytes == 1 * 2 * 8 * 6 * 4
    assert model.inputs[1].dims == (2,)


def test_dims_of_several_inputs() -> None:
    model = built(PAIR, dynamic_dims={"left": [(1, 4), (2, 4)], "right": [(3, 4), (1, 4)]})
    assert model.gears == om.Gears(
        "dims",
        ((1, 3), (2, 1)),
        ((0, 0, (4, 4)), (1, 0, (3, 4)), (-1, 1, (2,))),
        ("left", "right", "free"),
    )
    assert [one.nbytes for one in model.inputs] == [32, 48, 8, 16]


def adding(*names: str) -> onnx.ModelProto:
    nodes = [helper.make_node("Sum", [*names], ["sum"])]
    return make(nodes, {name: ["n", 4] for name in names}, {"sum": ["n", 4]})


@pytest.mark.parametrize(
    ("names", "least"), [(("a", "b"), 4), (("a", "bb"), 4), (("x", "y", "zzz"), 8)]
)
def test_names_too_short_for_canns_own_reader(names: tuple[str, ...], least: int) -> None:
    """Facts 1.9: GetListStrInfo, model_parser_base.cc:310."""
    says = rf"called \[{', '.join(map(repr, names))}\].* need {least} bytes .*4 characters or more"
    with pytest.warns(UserWarning, match=says) as caught:
        build.model(adding(*names), dynamic_dims={name: [(1, 4), (2, 4)] for name in names})
    assert caught[0].filename == __file__


@pytest.mark.parametrize("names", [("a",), ("a", "bcd"), ("é", "bb"), ("aaaa", "bbbb")])
def test_names_that_canns_own_reader_takes(names: tuple[str, ...]) -> None:
    """Warnings are errors here. One name is never too short."""
    build.model(adding(*names), dynamic_dims={name: [(1, 4), (2, 4)] for name in names})


def test_short_names_matter_to_dims_alone() -> None:
    """Only their gears list the names."""
    build.model(adding("a", "b"), dynamic_batch=[1, 2])


def test_any_shape() -> None:
    model = built(NET, dynamic_shape=True)
    assert model.header.is_dynamic
    assert model.gears is None
    assert model.inputs[0].ranges == ((1, -1), (4, 4))
    assert (model.outputs[0].dims, model.outputs[0].nbytes) == ((-1, 3), 0)
    assert model.outputs[0].ranges == ((1, -1), (3, 3))


def test_bounds_go_on_to_the_outputs() -> None:
    model = built(PAIR, dynamic_shape={"left": [(1, 3), 4], "right": [(2, 5), 4]})
    assert [one.ranges for one in model.outputs] == [((3, 8), (4, 4)), ()]
    assert model.outputs[1].nbytes == 8
    assert model.inputs[2].ranges == ()


def test_one_side_without_end() -> None:
    model = built(PAIR, dynamic_shape={"left": [(1, 3), 4], "right": [(2, -1), 4]})
    assert model.outputs[0].ranges == ((3, -1), (4, 4))


def test_input_shapes_pins_the_rest() -> None:
    model = built(PAIR, input_shapes={"right": (3, 4)}, dynamic_batch=[1, 2])
    assert [one.dims for one in model.inputs] == [(-1, 4), (3, 4), (2,), (1,)]
    assert model.outputs[0].dims == (5, 4)


def test_gears_go_round_through_the_partition() -> None:
    for gears in (
        om.Gears("batch", ((1,), (2,))),
        om.Gears("hw", ((1, 2), (3, 4)), ((-1, 0, ()),)),
        om.Gears("dims", ((1, 2, 3), (4,)), ((1, 2, (5, 6)),), ("a", "ü")),
    ):
        span = Span(memoryview(inout.write((), (), gears)), "x")
        assert inout.read_gears(inout.blocks(span)) == gears
    assert inout.read_gears(inout.blocks(Span(memoryview(b""), "x"))) is None


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        (NET, {"dynamic_batch": [1], "dynamic_shape": True}, "dynamic_batch and dynamic_shape"),
        (NET, {"dynamic_batch": []}, "has 0 gears; 1 to 128"),
        (NET, {"dynamic_batch": range(1, 130)}, "has 129 gears"),
        (NET, {"dynamic_batch": [1, 1]}, "names a gear twice"),
        (NET, {"dynamic_batch": [0, 1]}, r"the gear \[0\]; every value must be positive"),
        (NET, {"dynamic_batch": ["4"]}, "a list of integers"),
        (POOL, {"dynamic_batch": [1]}, "only its first dim may be open"),
        (NET, {"dynamic_hw": [(1, 1)]}, "exactly its height and width"),
        (POOL, {"dynamic_hw": [(4, 4, 4)]}, r"a \(height, width\)"),
        (NET, {"dynamic_dims": {}}, r"the inputs with open dims are \['x'\]"),
        (NET, {"dynamic_dims": {"x": [(1, 4)], "z": [(1,)]}}, r"has \['x', 'z'\]"),
        (NET, {"dynamic_dims": {"x": [(1, 5)]}}, r"\[1, 5\], which does not fit \[-1, 4\]"),
        (NET, {"dynamic_dims": {"x": [(1,)]}}, "does not fit"),
        (PAIR, {"dynamic_dims": {"left": [(1, 4)], "right": []}}, "different numbers of gears"),
        (NET, {"dynamic_shape": {"z": [1]}}, "dynamic_shape names"),
        (NET, {"dynamic_shape": {"x": [1]}}, "has 1 dims"),
        (NET, {"dynamic_shape": {"x": [(1, 2), 5]}}, "fixes at 4"),
        (NET, {"dynamic_shape": {"x": [(3, 2), 4]}}, r"the bounds \(3, 2\)"),
        (NET, {"dynamic_batch": [1], "input_shapes": {"x": (2, 4)}}, "no input has an open dim"),
        (NET, {}, "pass input_shapes"),
    ],
)
def test_refusals(model: onnx.ModelProto, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build.model(model, **options)

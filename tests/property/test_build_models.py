"""Random small networks: the bundle of a model describes it, whatever it is made of."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from acl_bundle import build, om

widths = st.lists(st.integers(1, 40), min_size=2, max_size=5)


def network(widths: list[int], in_nodes: list[bool]):
    """MatMul layers; a layer's weight is an initializer or a Constant node's output."""
    nodes, values = [], []
    pairs = list(pairwise(widths))
    for index, shape in enumerate(pairs):
        name = f"layer{index}"
        value = np.arange(shape[0] * shape[1], dtype="f4").reshape(shape) + index
        tensor = numpy_helper.from_array(value, name)
        if in_nodes[index]:
            nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            values.append(tensor)
        nodes.append(helper.make_node("MatMul", [f"h{index}", name], [f"h{index + 1}"]))
    declare = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "net",
        [declare("h0", 1, ["N", widths[0]])],
        [declare(f"h{len(pairs)}", 1, None)],
        values,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@settings(max_examples=40)
@given(widths, st.lists(st.booleans(), min_size=5, max_size=5), st.data())
def test_bundle_describes_the_model(widths, in_nodes, data):
    """Chosen weights become variables, in the chosen order; the others stay readable."""
    every = [f"layer{index}" for index in range(len(widths) - 1)]
    chosen = data.draw(st.permutations(every))[: data.draw(st.integers(1, len(every)))]
    built = build.from_onnx(network(widths, in_nodes), chosen, input_shapes={"h0": (3, widths[0])})
    file = om.open_bundle(built.to_bytes())
    shapes = {f"layer{i}": pair for i, pair in enumerate(pairwise(widths))}
    assert list(built.weights) == list(file.variables) == list(chosen)
    assert all(file.variables[name].shape == shapes[name] for name in chosen)
    assert built.outputs[0].dims == (3, widths[-1])
    assert set(file.models[0].weights) == set(every) - set(chosen)
    for name, value in (file.models[0].weights | file.models[1].weights).items():
        expected = np.arange(value.size, dtype="f4").reshape(shapes[name]) + int(name[5:])
        np.testing.assert_array_equal(value, expected)

"""The exported graph beside the module: do both answer the same?"""

from __future__ import annotations

from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, TensorProto, helper

from acl_bundle.build._onnx import gather, walk
from acl_bundle.build._onnx.load import load
from acl_bundle.build._program import bf16, trial
from acl_bundle.build.torch.export import Inputs
from acl_bundle.errors import UnsupportedError

# Relative to the largest number in the output. Another order of summation gives
# a hundredth of it; a wrong graph gives far more.
_BOUNDS: Final = {"float64": 1e-6, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.2}
_RANDOM: Final = ("Bernoulli", "Multinomial", "RandomNormal", "RandomUniform")


def check(model: ModelProto, module: Any, inputs: Inputs, torch: Any) -> None:
    """Run both once, where ONNX Runtime is installed, and compare.

    A model that draws random numbers is not compared.

    Args:
        model: What was exported; it is not changed.
        module: What it was exported from, in evaluation mode.
        inputs: What to call it with.
        torch: The library.

    Raises:
        UnsupportedError: The answers differ.
    """
    nodes = (node for graph in walk.graphs(model.graph) for node in graph.node)
    if not trial.is_possible() or any(one.op_type.startswith(_RANDOM) for one in nodes):
        return
    with torch.no_grad():
        answer = module(*inputs.positional, **inputs.named)
    wanted = _tensors(answer, torch)
    given = _tensors((inputs.positional, inputs.named), torch)
    found = _run(model, [_array(one, torch) for one in given])
    for output, mine, theirs in zip(model.graph.output, found, wanted, strict=True):
        _compare(output.name, mine, theirs, type(module).__name__, torch)


def _compare(name: str, mine: NDArray[Any], theirs: Any, kind: str, torch: Any) -> None:
    bound = _BOUNDS.get(str(theirs.dtype).removeprefix("torch."))
    if bound is None:  # integers: of two nearly equal numbers either is the largest
        return
    right = theirs.detach().to("cpu", torch.float64).numpy()
    error = float(np.max(np.abs(mine.astype(np.float64) - right), initial=0))
    largest = float(np.max(np.abs(right), initial=0))
    if error > bound * largest:
        raise UnsupportedError(
            f"the graph that torch.onnx.export made of {kind} answers something else: output"
            f" {name!r} differs by {error:.2g}, and its largest number is {largest:.2g}"
        )


def _run(model: ModelProto, given: list[tuple[NDArray[Any], int]]) -> list[NDArray[Any]]:
    loaded = load(model)
    gather.gather(loaded)
    graph = loaded.model.graph
    _widen_outputs(graph)
    bf16.lower(loaded.model)
    outside = [
        loaded.constant(one, one.name)
        for one in graph.initializer
        if one.data_location == TensorProto.EXTERNAL
    ]
    names = (one.name for one in graph.input)
    return trial.opened(loaded.model, outside).outputs(dict(zip(names, given, strict=True)))


def _widen_outputs(graph: GraphProto) -> None:
    """Let bfloat16, which numpy does not know, come out as float32."""
    for output in graph.output:
        if output.type.tensor_type.elem_type == TensorProto.BFLOAT16:
            wide = f"{output.name}:float32"
            graph.node.append(helper.make_node("Cast", [output.name], [wide], to=TensorProto.FLOAT))
            output.name = wide
            output.type.tensor_type.elem_type = TensorProto.FLOAT


def _tensors(value: object, torch: Any) -> list[Any]:
    leaves = torch.utils._pytree.tree_leaves(value)
    return [one for one in leaves if isinstance(one, torch.Tensor)]


def _array(tensor: Any, torch: Any) -> tuple[NDArray[Any], int]:
    """Return a tensor's value, and its ONNX type."""
    plain = tensor.detach().cpu().contiguous()
    if plain.dtype == torch.bfloat16:
        bits = plain.view(torch.int16).numpy()
        return bits.view(ml_dtypes.bfloat16), TensorProto.BFLOAT16
    array = plain.numpy()
    return array, int(helper.np_dtype_to_tensor_dtype(array.dtype))

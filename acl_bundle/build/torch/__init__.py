"""From a torch module to a bundle that takes the module's state dict.

1. `still`: a copy of the module in evaluation mode, around the same parameters.
2. `export`: torch's exporter makes an ONNX graph of it, its optimiser off.
3. `names` and `graph`: each tensor of the module has its own name there; tied
   names, unused entries and buffers that no file holds are told apart.
4. `check`: module and graph answer the same to the example inputs.
5. `half`, where a precision is asked for, and `build.from_onnx` do the rest.

Torch is imported when `from_torch` is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from onnx import ModelProto

from acl_bundle._extra import need
from acl_bundle.build.torch import graph
from acl_bundle.build.torch.check import check
from acl_bundle.build.torch.export import export, inputs_of
from acl_bundle.build.torch.names import Names, names, tensors
from acl_bundle.build.torch.still import still


class Exported(NamedTuple):
    """An ONNX model, and what each name of the module is to it."""

    model: ModelProto
    names: Names


def exported(
    module: Any, example_inputs: object, dynamic: Mapping[str, Sequence[int]] | None = None
) -> Exported:
    """Return the ONNX model of a module, in which each of its tensors has its own name.

    Args:
        module: A ``torch.nn.Module``, in any mode and on any device; not changed.
        example_inputs: What ``forward`` takes.
        dynamic: The axes of each input that stay open.

    Raises:
        UnsupportedError: The module cannot be exported as it is, or a library
            is missing.
        TypeError: It is no module.
        ValueError: ``dynamic`` names what is not there.
    """
    torch = need("torch", "torch", "build.from_torch")
    if not isinstance(module, torch.nn.Module):
        raise TypeError(f"module is a {type(module).__name__}; a torch.nn.Module is right")
    copy = still(module)
    inputs = inputs_of(example_inputs, copy, torch)
    program = export(copy, inputs, dynamic, torch)
    onnx_graph = program.model.graph
    graph.check_whole(program.exported_program, onnx_graph.initializers)
    found = names(copy, onnx_graph.initializers)
    graph.make_unique(onnx_graph, tensors(copy))
    graph.rename(onnx_graph, found.first)
    model: ModelProto = program.model_proto
    check(model, copy, inputs, torch)
    return Exported(model, found)

"""From a torch module to a bundle that takes the module's state dict.

1. `still`: a copy of the module in evaluation mode, around the same parameters.
2. `export`: torch's exporter makes an ONNX graph of it, its optimiser off.
3. `names` and `graph`: each tensor of the module has its own name there; tied
   names, unused entries and buffers that no file holds are told apart.
4. `check`: module and graph answer the same to the example inputs.
5. `chosen`: which of the tensors become weights.
6. `build.half`, where a precision is asked for, and `build.from_onnx` do the rest.

Torch is imported when `from_torch` is called.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from onnx import ModelProto

from acl_bundle._base.arguments import ArgumentError
from acl_bundle._base.extra import need
from acl_bundle.aipp import AippSource
from acl_bundle.build._graphs.infer import OutputNames
from acl_bundle.build._origin import precision as precisions
from acl_bundle.build._origin.exporters import SAID
from acl_bundle.build._origin.precision import Precision
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build._shapes.ranges import Bounds
from acl_bundle.build.convert import from_onnx
from acl_bundle.build.half import _model
from acl_bundle.build.result import Bundle
from acl_bundle.build.torch import graph
from acl_bundle.build.torch.check import check
from acl_bundle.build.torch.chosen import choose
from acl_bundle.build.torch.export import export, inputs_of
from acl_bundle.build.torch.names import ParameterNames, names, tensors
from acl_bundle.build.torch.still import still


def from_torch(
    module: Any,
    example_inputs: object,
    weights: Sequence[str] | None = None,
    *,
    dynamic: Mapping[str, Sequence[int]] | None = None,
    dynamic_batch: Sequence[int] | None = None,
    dynamic_hw: Sequence[tuple[int, int]] | None = None,
    dynamic_dims: DimGears | None = None,
    dynamic_shape: bool | Bounds = False,
    precision: Precision | None = None,
    keep_float32: Sequence[str] = (),
    output_names: OutputNames = "onnx",
    init: bool = True,
    fold: bool = True,
    aipp: AippSource | None = None,
) -> Bundle:
    """Build a bundle from a torch module, whose state dict then updates it.

    ``bundle.update(module.state_dict())`` makes the bundle answer as the module
    does in evaluation mode. Weights have the module's own names and layouts.
    Names of one tensor (tied parameters) are aliases of one weight, and what the
    answer does not depend on (``num_batches_tracked``, parameters that
    ``forward`` does not use) is passed over by updates. What wrappers add to
    names (``module.``, ``_orig_mod.``, ``_fsdp_wrapped_module.``) is no part of
    them, here and in an update. Buffers that are not persistent are fixed.

    The module is exported in evaluation mode by ``torch.onnx.export``, its
    optimiser off, from a copy around the same parameters: the module itself
    is not changed. Where ONNX Runtime is installed, what was exported is run
    once, and its answer compared with the module's.

    Args:
        module: A ``torch.nn.Module``, in any mode and on any device; under
            ``torch.compile`` or ``DistributedDataParallel`` as well.
        example_inputs: What ``forward`` takes: a tensor, a tuple or list of
            arguments, or a dict of them by name. Arrays stand for tensors; other
            arguments become part of the graph. Shapes and dtypes of the
            bundle's inputs are theirs.
        weights: Names or patterns (``"head.*"``) of what becomes refreshable;
            None for all that can be. The others are fixed.
        dynamic: The axes of each input that stay open, ``{"x": [0]}``. The bundle
            takes any sizes there, unless one of the next four says which.
        dynamic_batch: As for `from_onnx`.
        dynamic_hw: As for `from_onnx`.
        dynamic_dims: As for `from_onnx`.
        dynamic_shape: As for `from_onnx`.
        precision: ``"float16"`` or ``"bfloat16"`` to compute in, whatever the
            module's own dtype; weights, inputs and outputs keep theirs, and an
            update converts. None for the module's own.
        keep_float32: As for `from_onnx`, by the module's names.
        output_names: As for `from_onnx`.
        init: As for `from_onnx`.
        fold: As for `from_onnx`.
        aipp: As for `from_onnx`.

    Raises:
        UnsupportedError: The module cannot be exported as it is, its graph
            answers something else, or torch or onnxscript is missing.
        WeightError: ``weights`` names what cannot be refreshed.
        TypeError: It is no module.
        ValueError: An option has a value that there is not.
    """
    precisions.check(precision, keep_float32)
    gears = (dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape)
    geared = any(one is not None and one is not False for one in gears)
    if geared and dynamic is None:
        raise ArgumentError(
            "dynamic must say which axes of which inputs stay open: dynamic={'x': [0]}", "dynamic"
        )
    model, found = exported(module, example_inputs, dynamic)
    chosen = choose(found, model, weights)
    if precision is not None:
        wide = precisions.matching(keep_float32, found.weights, found.aliases)
        model = _model.halved(model, precision, keep=chosen.weights, wide=wide)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", f".*{SAID}", UserWarning)  # every tensor is known here
        made = from_onnx(
            model,
            chosen.weights,
            dynamic_batch=dynamic_batch,
            dynamic_hw=dynamic_hw,
            dynamic_dims=dynamic_dims,
            dynamic_shape=dynamic_shape or (dynamic is not None and not geared),
            output_names=output_names,
            init=init,
            fold=fold,
            aliases=chosen.aliases,
            unused=chosen.unused,
            aipp=aipp,
        )
    return replace(made, exporter_made=())


class TorchExport(NamedTuple):
    """An ONNX model, and what each name of the module is to it."""

    model: ModelProto
    names: ParameterNames


def exported(
    module: Any, example_inputs: object, dynamic: Mapping[str, Sequence[int]] | None = None
) -> TorchExport:
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
    return TorchExport(model, found)

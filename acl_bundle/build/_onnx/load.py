"""Reading an ONNX model so that no message holds its large tensors.

The result is a copy of the model in which every large or external tensor is a
stub: a tensor of the same type and dims whose bytes stand in a list beside
the model, under the number the stub carries. Copies of a stub, as inlining a
function makes them, share the bytes. The caller's model is never changed, and
models beyond protobuf's 2 GB go through, because the copy is small.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias

from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TensorProto

from acl_bundle._base.files import map_regular
from acl_bundle.build._onnx import constants, element_types, sound
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.external import ExternalData
from acl_bundle.om._bytes.foreign import HEAD, foreign


class OnnxModel(Protocol):
    """A ``ModelProto``, as type checkers can know it: they know no base of onnx's own class."""

    def SerializeToString(self) -> bytes:  # noqa: N802  protobuf's name
        """Return the model's bytes."""


Source: TypeAlias = str | os.PathLike[str] | bytes | OnnxModel

_RULE: Final = "pkg.onnxscript.rewriter.rule_name"
_FUSED: Final = "FuseBatchNorm"  # into Conv, ConvTranspose, Gemm

LARGE = 1024  # bytes from which a tensor leaves the message


@dataclass
class LoadedModel:
    """A model without its large tensors, and their bytes by stub number."""

    model: ModelProto
    beside: ExternalData
    blobs: list[memoryview] = field(default_factory=list)
    fused: set[str] = field(default_factory=set)  # read by nodes into which a rewriter put others

    def constant(self, tensor: TensorProto, name: str) -> ModelConstant:
        """Return a tensor of the model, stub or not, under the name the graph gives it."""
        if tensor.data_location != TensorProto.EXTERNAL:
            return constants.read(tensor, name, self.beside)
        number = int(tensor.external_data[0].value)
        return ModelConstant(name, tensor.data_type, tuple(tensor.dims), self.blobs[number])


def load(source: Source) -> LoadedModel:
    """Read a model from a path, its bytes, or an object.

    Raises:
        TypeError: It is none of the three.
        ValueError: It is no ONNX model, or a tensor's bytes are not where
            they should be.
        OSError: The file cannot be read.
    """
    model, folder = _parse(source)
    if not model.HasField("graph"):
        raise ValueError(f"{_describe(source)} has no graph; an ONNX model is needed")
    sound.check(model)
    loaded = LoadedModel(ModelProto(ir_version=model.ir_version), ExternalData(folder))
    loaded.model.opset_import.extend(model.opset_import)
    _copy_graph(model.graph, loaded.model.graph, loaded)
    for function in model.functions:
        _copy_function(function, loaded.model.functions.add(), loaded)
    if loaded.model.functions:
        loaded.model = _inlined(loaded.model)
    _name_nodes(loaded.model.graph)
    return loaded


def _parse(source: Source) -> tuple[ModelProto, Path | None]:
    if isinstance(source, ModelProto):
        return source, None
    if not isinstance(source, str | os.PathLike | bytes):
        raise TypeError(
            f"the model is a {type(source).__name__}; a path, bytes or a ModelProto of an ONNX"
            " model is right. build.from_torch takes a torch module, build.from_tensorflow a Keras"
            " model"
        )
    model = ModelProto()
    try:
        if isinstance(source, bytes):
            model.ParseFromString(source)
            return model, None
        path = Path(source)
        data = map_regular(path)
        model.ParseFromString(data)
    except OSError:
        raise
    except Exception as error:  # protobuf's DecodeError, from a module without types
        kind = foreign(bytes((source if isinstance(source, bytes) else data)[:HEAD]))
        why = error if kind is None else f"this is {kind}"
        raise ValueError(f"{_describe(source)} is no ONNX model: {why}") from None
    return model, path.parent


def _describe(source: Source) -> str:
    if isinstance(source, ModelProto):
        return "the ModelProto"
    return f"the model of {len(source)} bytes" if isinstance(source, bytes) else str(source)


def _inlined(model: ModelProto) -> ModelProto:
    from onnx import inliner  # noqa: PLC0415  only models with functions need it

    try:
        return inliner.inline_local_functions(model)
    except Exception as error:  # a failed assertion in C++, as what onnx makes of it
        raise ValueError(f"onnx cannot inline the model's functions: {error}") from error


def _name_nodes(graph: GraphProto) -> None:
    """Name the nodes without a name as GE's ONNX parser does: their type, and a count of them."""
    unnamed = (node for node in graph.node if not node.name)
    for count, node in enumerate(unnamed):
        node.name = f"{node.op_type}_{count}"


def _copy_graph(source: GraphProto, target: GraphProto, loaded: LoadedModel) -> None:
    if source.sparse_initializer:
        raise ValueError(
            f"sparse initializer {source.sparse_initializer[0].values.name!r}: sparse tensors are"
            " not supported; store it dense"
        )
    target.name = source.name
    target.input.extend(source.input)
    target.output.extend(source.output)
    target.value_info.extend(source.value_info)
    for tensor in source.initializer:
        target.initializer.append(_light(tensor, tensor.name, loaded))
    for node in source.node:
        _copy_node(node, target.node.add(), loaded)


def _copy_function(source: FunctionProto, target: FunctionProto, loaded: LoadedModel) -> None:
    target.CopyFrom(source)
    del target.node[:]
    for node in source.node:
        _copy_node(node, target.node.add(), loaded)


def _copy_node(source: NodeProto, target: NodeProto, loaded: LoadedModel) -> None:
    target.name, target.op_type, target.domain = source.name, source.op_type, source.domain
    target.input.extend(source.input)
    target.output.extend(source.output)
    if source.overload:
        target.overload = source.overload
    if any(one.key == _RULE and one.value.startswith(_FUSED) for one in source.metadata_props):
        loaded.fused.update(source.input)
    for attribute in source.attribute:
        _copy_attribute(source, attribute, target.attribute.add(), loaded)


def _copy_attribute(
    node: NodeProto, source: AttributeProto, target: AttributeProto, loaded: LoadedModel
) -> None:
    if source.type == AttributeProto.GRAPH:
        target.name, target.type = source.name, source.type
        _copy_graph(source.g, target.g, loaded)
    elif source.type == AttributeProto.TENSOR and node.op_type == "Constant":
        target.name, target.type = source.name, source.type
        target.t.CopyFrom(_light(source.t, node.output[0], loaded))
    elif source.t.data_location == TensorProto.EXTERNAL or source.graphs:
        raise ValueError(
            f"attribute {source.name!r} of {node.op_type} {node.name!r} holds external data or a"
            " list of graphs, which is not supported"
        )
    else:
        target.CopyFrom(source)


def _light(tensor: TensorProto, name: str, loaded: LoadedModel) -> TensorProto:
    external = tensor.data_location == TensorProto.EXTERNAL
    if not external and (tensor.ByteSize() < LARGE or not element_types.is_plain(tensor.data_type)):
        return tensor
    if not element_types.is_plain(tensor.data_type):
        raise ValueError(
            f"constant {name!r} of type {element_types.name(tensor.data_type)} lies outside the"
            f" model; only {element_types.names()} may"
        )
    constant = constants.read(tensor, name, loaded.beside)
    if constant.data.nbytes < LARGE:
        return TensorProto(
            name=tensor.name,
            data_type=tensor.data_type,
            dims=tensor.dims,
            raw_data=bytes(constant.data),
        )
    loaded.blobs.append(constant.data)
    return stub(tensor.name, tensor.data_type, constant.dims, str(len(loaded.blobs) - 1))


def stub(name: str, elem: int, dims: Iterable[int], location: str) -> TensorProto:
    """Return a tensor whose bytes stand elsewhere."""
    tensor = TensorProto(name=name, data_type=elem, dims=dims, data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor

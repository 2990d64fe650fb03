"""Telling what a model is, and opening it as a graph.

By what it is, not by what it is called, where that can be told: a folder with
a ``saved_model.pb``, a folder or prefix of a checkpoint, a zip or HDF5 file of
Keras's, a graph in binary or as text. Only a ``.meta`` file is known by its name.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, TypeAlias

from acl_bundle._base.absent import absent
from acl_bundle._base.files import map_regular
from acl_bundle.build.tensorflow._graph import names
from acl_bundle.build.tensorflow._graph.graph import VARIABLES, TensorFlowGraph
from acl_bundle.build.tensorflow._graph.need import need, reason, tensorflow
from acl_bundle.build.tensorflow._graph.values import Checkpoint
from acl_bundle.build.tensorflow._open import function, variables

Model: TypeAlias = "str | os.PathLike[str] | Any"

_SAVED_MODEL: Final = "saved_model.pb"
_KERAS: Final = (b"PK\x03\x04", b"\x89HDF\r\n\x1a\n")
_META: Final = ".meta"


def open_model(model: Model, signature: str | None) -> tuple[TensorFlowGraph, Checkpoint | None]:
    """Open a model of TensorFlow's or Keras's.

    Returns:
        Its graph, and the checkpoint that belongs to it, if its values stand in one.

    Raises:
        ValueError: It is of no known kind, damaged, or has no graph; or has no such signature.
        TypeError: It is neither a path nor a Keras model.
        UnsupportedError: A library that reads it is not installed.
        OSError: It cannot be read.
    """
    if not isinstance(model, str | os.PathLike):
        return function.of_keras(_a_keras_model(model), _called(model)), None
    path = Path(model)
    if path.name == _SAVED_MODEL:
        path = path.parent
    if (path / _SAVED_MODEL).is_file():
        return _saved_model(path, signature)
    if signature is not None:
        raise ValueError(f"signature is {signature!r}, but {path} is no SavedModel and has none")
    if path.is_dir():
        path = _newest(path)
    elif not path.exists() and Path(f"{path}{_META}").exists():
        path = Path(f"{path}{_META}")
    elif not path.exists():
        raise absent(path)
    data = map_regular(path)
    if bytes(data[:8]).startswith(_KERAS):
        return function.of_keras(_load(path), os.fspath(path)), None
    if path.name.endswith(_META):
        proto = tensorflow().compat.v1.MetaGraphDef()
        _parse(proto, data, path)
        return _version_1(_of_meta(proto, os.fspath(path))), os.fspath(path).removesuffix(_META)
    return _version_1(_graph(path, data)), None


def _called(model: Any) -> str:
    return f"{type(model).__name__} {getattr(model, 'name', '')!r}"


def _a_keras_model(model: Any) -> Any:
    tensorflow()
    if not isinstance(model, need("keras").Model):
        raise TypeError(f"model is {model!r}; a path or a Keras model is right")
    return model


def _load(path: Path) -> Any:
    try:
        return need("keras").models.load_model(path, compile=False)
    except Exception as error:  # Keras's own, and what zip, JSON and HDF5 make of it
        raise ValueError(f"Keras cannot load {path}: {reason(error)}") from error


def _newest(folder: Path) -> Path:
    prefix = tensorflow().train.latest_checkpoint(os.fspath(folder))
    if prefix is None or not Path(f"{prefix}{_META}").is_file():
        raise ValueError(
            f"{folder} has no {_SAVED_MODEL}, and no checkpoint with a {_META} file, so it has no"
            " graph; name the graph, and the checkpoint in checkpoint="
        )
    return Path(f"{prefix}{_META}")


def _saved_model(folder: Path, signature: str | None) -> tuple[TensorFlowGraph, Checkpoint | None]:
    proto = need("tensorflow.core.protobuf.saved_model_pb2").SavedModel()
    _parse(proto, map_regular(folder / _SAVED_MODEL), folder / _SAVED_MODEL)
    first = proto.meta_graphs[0] if proto.meta_graphs else None
    if first is None or first.HasField("object_graph_def"):
        return function.of_saved_model(os.fspath(folder), signature), None
    graph = _of_meta(first, os.fspath(folder))
    chosen = function.signature_of(first.signature_def, os.fspath(folder), signature)
    graph.inputs = {one.name: name for name, one in sorted(chosen.inputs.items())}
    graph.outputs = {one.name: name for name, one in sorted(chosen.outputs.items())}
    return _version_1(graph), folder / "variables" / "variables"


def _of_meta(proto: Any, origin: str) -> TensorFlowGraph:
    losses = (
        proto.collection_def["losses"].node_list.value if "losses" in proto.collection_def else ()
    )
    return TensorFlowGraph(origin, proto.graph_def, losses=frozenset(losses), unused=names.UNUSED)


def _graph(path: Path, data: memoryview) -> TensorFlowGraph:
    proto = tensorflow().compat.v1.GraphDef()
    if b"\0" in bytes(data[:4096]) or not bytes(data[:4096]).lstrip().startswith((b"node", b"#")):
        _parse(proto, data, path)
    else:
        text = need("google.protobuf.text_format")
        try:
            text.Parse(bytes(data).decode(), proto)
        except (text.ParseError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is no graph as text: {reason(error)}") from error
    return TensorFlowGraph(os.fspath(path), proto, unused=names.UNUSED)


def _parse(proto: Any, data: memoryview, path: Path) -> None:
    try:
        proto.ParseFromString(bytes(data))
    except Exception as error:  # protobuf's DecodeError, from a module without types
        raise ValueError(f"{path} is no model of TensorFlow's: {reason(error)}") from error


def _version_1(graph: TensorFlowGraph) -> TensorFlowGraph:
    if not any(node.op for node in graph.definition.node):
        raise ValueError(f"{graph.origin} has no nodes, so it is no graph of TensorFlow's")
    for node in graph.definition.node:
        node.device = ""
        node.attr.pop("_class", None)  # says beside which node it runs
    if any(node.op in VARIABLES for node in graph.definition.node):
        variables.describe(graph)
    else:
        variables.constants(graph)
    return graph

"""Replacing constants of an ONNX model.

The result is one file with everything inside, unless that would pass what one
protobuf message can hold: then the large tensors go to a file beside it, under
a name nobody else uses, before the model itself appears.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from acl_bundle._base.atomic import replacing
from acl_bundle._base.extra import need
from acl_bundle._base.files import Path_
from acl_bundle.errors import UnsupportedError
from acl_bundle.weights._base.file import map_file
from acl_bundle.weights._base.pieces import raw
from acl_bundle.weights._base.spec import Array, Weights
from acl_bundle.weights._sources.onnx.model import Onnx

LIMIT: Final = 1_900_000_000
_LARGE: Final = 1024
_ALIGN: Final = 4096


def freeze_onnx(weights: Weights, model: Path_, out: Path_, limit: int = LIMIT) -> None:
    """Write a copy of a model; names, shapes and dtypes were checked.

    Raises:
        UnsupportedError: onnx is not installed, or a constant of a type that
            is not read lies outside the model.
        OSError: A file cannot be read or written.
    """
    onnx = need("onnx", "build", "reading an ONNX model to freeze")
    proto = onnx.load_model_from_string(bytes(map_file(model)))
    _embed_inner(proto, Path(model).parent)
    with Onnx(model) as old:
        inner = sum(old.spec(name).nbytes for name in old)
        values = _Values(weights, old)
        if inner + 1_000_000 < limit:
            for tensor, name in tensors(proto.graph):
                _embed(tensor, name, values)
            _save(proto, out, model)
            return
        beside = Path(out).with_name(f"{Path(out).name}.{secrets.token_hex(4)}.data")
        try:
            with replacing(beside) as file:
                for tensor, name in tensors(proto.graph):
                    _move_out(tensor, name, values, file, beside.name)
            _save(proto, out, model)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise


class _Values:
    """The new value of a constant, or the old one where that does not stand in the message."""

    def __init__(self, weights: Weights, old: Onnx) -> None:
        self._weights, self._old = weights, old

    def new(self, name: str) -> Array | None:
        return self._weights.get(name)

    def any(self, name: str) -> Array:
        return self._weights[name] if name in self._weights else self._old[name]

    def __contains__(self, name: str) -> bool:
        return name in self._old


def tensors(graph: Any) -> Iterator[tuple[Any, str]]:
    """Every constant of the main graph as a tensor of the message, and its name."""
    for tensor in graph.initializer:
        yield tensor, tensor.name
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            _as_tensor(node)
            for attribute in node.attribute:
                if attribute.name == "value":
                    yield attribute.t, node.output[0]


def _as_tensor(node: Any) -> None:
    """Turn a list of numbers in a Constant into a tensor, so that it can be replaced alike."""
    from onnx import helper, numpy_helper  # noqa: PLC0415

    dtypes = {"value_float": "f4", "value_floats": "f4", "value_int": "i8", "value_ints": "i8"}
    for index, attribute in enumerate(node.attribute):
        if attribute.name in dtypes:
            array = np.array(helper.get_attribute_value(attribute), dtypes[attribute.name])
            node.attribute[index].CopyFrom(
                helper.make_attribute("value", numpy_helper.from_array(array, node.output[0]))
            )


def _embed(tensor: Any, name: str, values: _Values) -> None:
    external = tensor.data_location == tensor.EXTERNAL
    if external and name not in values:
        raise UnsupportedError(
            f"constant {name!r} lies outside the model and is of a type that cannot be read;"
            " onnx.save the model with everything inside first"
        )
    array = values.any(name) if external else values.new(name)
    if array is not None:
        put(tensor, array)


def _move_out(tensor: Any, name: str, values: _Values, file: Any, location: str) -> None:
    small = tensor.data_location != tensor.EXTERNAL and tensor.ByteSize() < _LARGE
    if small or not _is_plain(tensor.data_type) or name not in values:
        _embed(tensor, name, values)
        return
    array = values.any(name)
    file.write(b"\0" * (-file.tell() % _ALIGN))
    _replace(tensor)
    tensor.data_location = tensor.EXTERNAL
    entries = {"location": location, "offset": file.tell(), "length": array.nbytes}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    file.write(raw(array))


def put(tensor: Any, array: Array) -> None:
    """Give a tensor of a message another value of its type and dims."""
    _replace(tensor)
    tensor.raw_data = _bytes(array, tensor.data_type)


def _is_plain(elem: int) -> bool:
    from acl_bundle.build._onnx import element_types  # noqa: PLC0415

    return element_types.is_plain(elem)


def _bytes(array: Array, elem: int) -> bytes:
    """A value as ONNX stores it; types of less than a byte are packed."""
    from onnx import numpy_helper  # noqa: PLC0415

    if _is_plain(elem):
        return bytes(raw(array))
    made = numpy_helper.from_array(np.ascontiguousarray(array))
    if made.data_type != elem:
        raise UnsupportedError(
            f"this release of onnx does not write {array.dtype}; a newer one does"
        )
    packed: bytes = made.raw_data
    return packed


def _embed_inner(proto: Any, folder: Path) -> None:
    """Take the external data of inner graphs in, as the copy may lie in another folder."""
    from acl_bundle.build._onnx import constants, external, walk  # noqa: PLC0415

    beside = external.ExternalData(folder)
    for graph in list(walk.graphs(proto.graph))[1:]:
        for tensor, name in tensors(graph):
            if tensor.data_location == tensor.EXTERNAL:
                data = bytes(constants.read(tensor, name, beside).data)
                _replace(tensor)
                tensor.raw_data = data


def _replace(tensor: Any) -> None:
    """Drop a tensor's values, wherever the message has them; its type and dims stay."""
    kept = type(tensor)(
        name=tensor.name, data_type=tensor.data_type, dims=tensor.dims, doc_string=tensor.doc_string
    )
    tensor.CopyFrom(kept)


def _save(proto: Any, out: Path_, model: Path_) -> None:
    with replacing(out, model) as file:
        file.write(proto.SerializeToString())

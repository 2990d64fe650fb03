"""Requests and answers as protobuf messages.

Tensors come as bytes beside the request (``raw_input_contents``) or as typed numbers in it. The
answer's outputs are bytes beside it, which every client reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2 as pb

from acl_bundle.server._bounds.pieces import numbers
from acl_bundle.server._grpc.large import LARGE, LargeRequest, Parts, raw_outputs, values
from acl_bundle.server._protocol.datatypes import dtype_of, name_of
from acl_bundle.server._protocol.messages import (
    InferAnswer,
    InferRequest,
    checked_id,
    from_bytes,
    one_of_each,
    shape_of,
)
from acl_bundle.server._protocol.refusal import Refusal, Why

Array = NDArray[Any]
FIELDS: Final = {
    "BOOL": "bool_contents",
    "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents",
}  # fmt: skip
"""Where the numbers of a datatype stand; the others are bytes only."""


def parse(request: Any) -> InferRequest:
    """Take a request apart: a message of protobuf, or a LargeRequest.

    Raises:
        Refusal: It is none.
    """
    cut = isinstance(request, LargeRequest)
    message = request.message if cut else request
    raw, tensors = request.raw if cut else message.raw_input_contents, message.inputs
    if raw and len(raw) != len(tensors):
        raise Refusal(
            Why.INVALID,
            f"{len(tensors)} inputs and {len(raw)} raw_input_contents; as many of both are right",
        )
    inputs: dict[str, Array] = {}
    for at, tensor in enumerate(tensors):
        name = one_of_each(inputs, tensor.name, "an input")
        what = f"input {name!r}"
        if "shared_memory_region" in tensor.parameters:
            raise Refusal(Why.UNSUPPORTED, f"{what} lies in shared memory; send its bytes")
        dtype, shape = dtype_of(tensor.datatype, what), shape_of(tensor.shape, what)
        if raw:
            data = raw[at]
            inputs[name] = from_bytes(data, 0, len(data), dtype, shape, what)
        else:
            numbers = request.numbers[at] if cut else {}
            inputs[name] = _typed(tensor, numbers, dtype, shape, what)
    outputs: dict[str, bool] = {}
    for wanted in message.outputs:
        for key in ("shared_memory_region", "classification"):
            if key in wanted.parameters:
                what = f"output {wanted.name!r} asks for {key}, which this server has not"
                raise Refusal(Why.UNSUPPORTED, what)
        outputs[wanted.name] = True
    return InferRequest(checked_id(message.id), inputs, message.model_version, outputs, True)


def _typed(
    tensor: Any, parts: Parts, dtype: np.dtype[Any], shape: tuple[int, ...], what: str
) -> Array:
    field = FIELDS.get(tensor.datatype)
    if field is None:
        raise Refusal(Why.INVALID, f"{what} is {tensor.datatype}: send it in raw_input_contents")
    for name in {*FIELDS.values(), "bytes_contents"} - {field}:
        if name in parts or len(getattr(tensor.contents, name)):
            raise Refusal(Why.INVALID, f"{what} is {tensor.datatype} and has {name}, not {field}")
    wide = values(field, parts[field]) if field in parts else _wide(tensor, field)
    count = 1
    for dim in shape:
        count *= dim
    if wide.size != count:
        raise Refusal(
            Why.INVALID, f"{what} has {wide.size} numbers; shape {list(shape)} has {count}"
        )
    if dtype.kind in "iu" and wide.size:
        bounds = np.iinfo(dtype)
        if int(wide.min()) < bounds.min or int(wide.max()) > bounds.max:
            within = f"{bounds.min} to {bounds.max}"
            raise Refusal(
                Why.INVALID, f"{what} is {tensor.datatype}, of {within}; a number is beyond"
            )
    found: Array = wide.astype(dtype).reshape(shape)
    return found


def _wide(tensor: Any, field: str) -> Any:
    return numbers(list(getattr(tensor.contents, field)))


def is_large(answer: InferAnswer) -> bool:
    """Say whether writing an answer would hold the loop for long."""
    return sum(array.nbytes for array in answer.outputs.values()) > LARGE


def answered(model: str, answer: InferAnswer) -> bytes:
    """Return the message of an answer as bytes; protobuf would copy the tensors twice."""
    message = pb.ModelInferResponse(model_name=model, model_version=answer.version, id=answer.id)
    arrays = []
    for name, array in answer.outputs.items():
        message.outputs.add(name=name, datatype=name_of(array.dtype), shape=array.shape)
        arrays.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    return b"".join((message.SerializeToString(), *raw_outputs(arrays)))


def metadata(found: Mapping[str, Any]) -> Any:
    """Return the message of a model's metadata."""
    return pb.ModelMetadataResponse(**found)

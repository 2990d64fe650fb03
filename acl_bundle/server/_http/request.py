"""A request's body: JSON, and behind it the bytes of tensors (the binary extension).

``Inference-Header-Content-Length`` says how long the JSON is; an input with the parameter
``binary_data_size`` has so many bytes behind it, in the order of the inputs. Nothing of the body
is copied but numbers that stand in JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle.errors import visible
from acl_bundle.server._bounds.pieces import numbers
from acl_bundle.server._http import large
from acl_bundle.server._protocol.datatypes import dtype_of
from acl_bundle.server._protocol.messages import (
    InferRequest,
    checked_id,
    from_bytes,
    one_of_each,
    shape_of,
)
from acl_bundle.server._protocol.refusal import Refusal, Why

Array = NDArray[Any]
LENGTH = "Inference-Header-Content-Length"


def parse(body: bytes, length: str | None, version: str) -> InferRequest:
    """Take a body apart.

    Args:
        body: All of it.
        length: The header, None where there is none: all of the body is JSON.
        version: What the address asks for; empty for whichever.

    Raises:
        Refusal: It is no request.
    """
    end = len(body) if length is None else _length(length, len(body))
    found = read_object(body[:end])
    tensors = _Tensors(body, end)
    inputs: dict[str, Array] = {}
    for entry in _list(found, "inputs"):
        name = one_of_each(inputs, entry.get("name"), "an input")
        inputs[name] = tensors.take(entry, f"input {name!r}")
    tensors.check_end()
    parameters = _parameters(found, "the request")
    binary = _flag(parameters, "binary_data_output", "the request")
    outputs = {
        one_of_each({}, entry.get("name"), "an output"): _binary_output(entry, binary)
        for entry in (_list(found, "outputs") if "outputs" in found else ())
    }
    return InferRequest(checked_id(found.get("id", "")), inputs, version, outputs, binary)


def is_large(body: bytes, length: str | None) -> bool:
    """Say whether a body's JSON would hold the loop for long."""
    nbytes = len(body)
    if length is not None and length.isascii() and length.isdigit() and len(length) < 20:
        nbytes = min(nbytes, int(length))
    return nbytes > large.LARGE


def _length(text: str, nbytes: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= nbytes):
        raise Refusal(
            Why.INVALID,
            f"{LENGTH} is {text[:40]!r}, and the body has {nbytes} bytes; a number up to that is"
            " right",
        )
    return int(text)


def read_object(text: bytes) -> dict[str, Any]:
    """Decode a JSON object.

    Raises:
        Refusal: It is none.
    """
    try:
        found = large.loads(text) if len(text) > large.LARGE else json.loads(text)
    except large.WrongDataError as error:
        raise Refusal(
            Why.INVALID, f"a list of data holds no numbers in equal rows: {error}"
        ) from None
    except (ValueError, RecursionError) as error:
        raise Refusal(Why.INVALID, f"the request is no JSON: {visible(str(error))}") from None
    if not isinstance(found, dict):
        raise Refusal(Why.INVALID, f"the request is {type(found).__name__}; an object is right")
    return found


def _list(found: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    entries = found.get(key)
    if not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        raise Refusal(Why.INVALID, f"the request's {key!r} is no list of objects")
    return entries


def _parameters(found: Mapping[str, Any], what: str) -> Mapping[str, Any]:
    parameters = found.get("parameters", {})
    if not isinstance(parameters, dict):
        raise Refusal(Why.INVALID, f"{what} has parameters that are no object")
    return parameters


def _flag(parameters: Mapping[str, Any], key: str, what: str) -> bool:
    found = parameters.get(key, False)
    if not isinstance(found, bool):
        raise Refusal(Why.INVALID, f"{what} has {key} {found!r:.40}; true or false is right")
    return found


def _binary_output(entry: Mapping[str, Any], otherwise: bool) -> bool:
    what = f"output {entry.get('name')!r}"
    parameters = _parameters(entry, what)
    for key in ("shared_memory_region", "classification"):
        if parameters.get(key):
            raise Refusal(Why.UNSUPPORTED, f"{what} asks for {key}, which this server has not")
    return _flag(parameters, "binary_data", what) if "binary_data" in parameters else otherwise


class _Tensors:
    """The tensors of a request, of which some lie behind the JSON."""

    def __init__(self, body: bytes, begin: int) -> None:
        self._body, self._at = body, begin

    def take(self, entry: Mapping[str, Any], what: str) -> Array:
        dims = entry.get("shape")
        if not isinstance(dims, list):
            raise Refusal(Why.INVALID, f"{what} has no shape; a list of dims is right")
        shape, dtype = shape_of(dims, what), dtype_of(entry.get("datatype"), what)
        parameters = _parameters(entry, what)
        if "shared_memory_region" in parameters:
            raise Refusal(Why.UNSUPPORTED, f"{what} lies in shared memory; send its bytes")
        if "binary_data_size" not in parameters:
            return from_json(entry.get("data"), dtype, shape, what)
        if "data" in entry:
            raise Refusal(Why.INVALID, f"{what} has data and binary_data_size; one is right")
        begin, size = self._at, parameters["binary_data_size"]
        if type(size) is not int or not 0 <= size <= len(self._body) - begin:
            raise Refusal(
                Why.INVALID,
                f"{what} has binary_data_size {size!r:.40}, and {len(self._body) - begin} bytes are"
                " left behind the JSON",
            )
        self._at += size
        return from_bytes(self._body, begin, size, dtype, shape, what)

    def check_end(self) -> None:
        left = len(self._body) - self._at
        if left:
            raise Refusal(Why.INVALID, f"{left} bytes behind the JSON belong to no input")


def from_json(data: object, dtype: np.dtype[Any], shape: tuple[int, ...], what: str) -> Array:
    """Return the array of numbers in JSON, flat or nested.

    Raises:
        Refusal: They are no numbers of that dtype, or not as many as the shape has.
    """
    if dtype.itemsize == 2 and dtype.kind not in "iu":
        raise Refusal(
            Why.INVALID, f"{what} is {dtype.name}, which JSON does not carry: send it as bytes"
        )
    if not isinstance(data, list | np.ndarray):
        raise Refusal(Why.INVALID, f"{what} has no data; a list of numbers is right")
    try:
        found = numbers(data)
    except (ValueError, OverflowError, RecursionError):
        raise Refusal(Why.INVALID, f"{what}: its data are no numbers in equal rows") from None
    if found.size == 0:
        found = found.astype(dtype)
    count = int(np.prod(shape, dtype=object)) if shape else 1
    if found.size != count:
        raise Refusal(
            Why.INVALID, f"{what} has {found.size} numbers; shape {list(shape)} has {count}"
        )
    return _converted(found, dtype, what).reshape(shape)


def _converted(found: Array, dtype: np.dtype[Any], what: str) -> Array:
    kinds = {"b": "b", "i": "iu", "u": "iu", "f": "iuf"}[dtype.kind]
    if found.dtype.kind not in kinds:
        raise Refusal(
            Why.INVALID,
            f"{what} is {dtype.name}, and its data are not; they read as {found.dtype}",
        )
    if dtype.kind in "iu" and found.size:
        bounds = np.iinfo(dtype)
        if int(found.min()) < bounds.min or int(found.max()) > bounds.max:
            wide = f"{bounds.min} to {bounds.max}"
            raise Refusal(Why.INVALID, f"{what} is {dtype.name}, of {wide}; a number is beyond")
    with np.errstate(over="ignore"):  # a float64 beyond float32 is infinity
        return found.astype(dtype)

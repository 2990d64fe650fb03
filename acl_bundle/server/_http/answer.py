"""An answer's body: JSON, and behind it the bytes of those outputs that were wanted so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle.server._http.request import LENGTH
from acl_bundle.server._protocol.datatypes import name_of
from acl_bundle.server._protocol.messages import InferAnswer, InferRequest
from acl_bundle.server._protocol.refusal import Refusal, Why

Array = NDArray[Any]


def body_of(model: str, request: InferRequest, answer: InferAnswer) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers that tell what it is.

    Raises:
        Refusal: An output is wanted as JSON, which has no such numbers.
    """
    outputs, parts = [], []
    for name, array in answer.outputs.items():
        entry: dict[str, Any] = {
            "name": name, "datatype": name_of(array.dtype), "shape": list(array.shape),
        }  # fmt: skip
        if request.outputs.get(name, request.binary):
            data = np.ascontiguousarray(array).tobytes()
            entry["parameters"] = {"binary_data_size": len(data)}
            parts.append(data)
        else:
            entry["data"] = _numbers(name, array)
        outputs.append(entry)
    found: dict[str, Any] = {"model_name": model, "model_version": answer.version}
    if answer.id:
        found["id"] = answer.id
    text = json.dumps({**found, "outputs": outputs}, separators=(",", ":")).encode()
    if not parts:
        return text, {"content-type": "application/json"}
    headers = {"content-type": "application/octet-stream", LENGTH.lower(): str(len(text))}
    return b"".join((text, *parts)), headers


def _numbers(name: str, array: Array) -> list[Any]:
    if array.dtype.kind not in "biuf" or array.dtype == np.float16:
        raise Refusal(
            Why.INVALID,
            f"output {name!r} is {array.dtype.name}, which JSON has not: ask for binary_data",
        )
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise Refusal(
            Why.INVALID,
            f"output {name!r} holds infinity or NaN, which JSON has not: ask for binary_data",
        )
    numbers: list[Any] = array.ravel().tolist()
    return numbers

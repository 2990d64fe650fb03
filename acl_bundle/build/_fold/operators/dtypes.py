"""Operators that give values another dtype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from acl_bundle.build._fold.operators.call import Call, Translation
from acl_bundle.build._fold.values import NotFoldableError
from acl_bundle.build._onnx import element_types


def _cast(call: Call) -> list[str]:
    return _to(call, element_types.to_numpy(call.attributes["to"]))


def _cast_like(call: Call) -> list[str]:
    return _to(call, call.array(1).dtype)


def _to(call: Call, dtype: Any) -> list[str]:
    if call.array(0).dtype == dtype:
        return [call.value(0)]
    return [call.emit("cast", [call.value(0)], dtype=dtype.name)]


def _scale_axis(call: Call) -> int:
    if call.attributes.get("block_size", 0):
        raise NotFoldableError("scales of blocks have no step")
    return int(call.attributes.get("axis", 1)) if call.array(1).size > 1 else 0


def _dequantize(call: Call) -> list[str]:
    zero = call.value(2) if call.has(2) else call.note(np.zeros((), call.array(0).dtype))
    return [call.emit("dequantize", [call.value(0), call.value(1), zero], axis=_scale_axis(call))]


def _quantize(call: Call) -> list[str]:
    zero = call.value(2) if call.has(2) else call.note(np.zeros((), np.uint8))
    return [call.emit("quantize", [call.value(0), call.value(1), zero], axis=_scale_axis(call))]


TRANSLATIONS: Final[Mapping[str, Translation]] = {
    "Cast": _cast,
    "CastLike": _cast_like,
    "DequantizeLinear": _dequantize,
    "QuantizeLinear": _quantize,
}

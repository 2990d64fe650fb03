"""What a node can compute in half precision, told from ONNX's own schemas.

A type variable of a schema that admits float16 (or bfloat16) lets every tensor
of that variable be one; where a schema says float32 and nothing else, such as
the scales of a Resize, or where there is no schema, it stays float32.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, NodeProto, TensorProto, defs, numpy_helper

FLOAT: Final[int] = TensorProto.FLOAT
TYPES: Final[dict[int, str]] = {
    TensorProto.FLOAT16: "tensor(float16)",
    TensorProto.BFLOAT16: "tensor(bfloat16)",
}
_TYPE_ATTRIBUTES: Final = ("to", "dtype", "output_dtype", "output_datatype")

_finfo: Any = ml_dtypes.finfo  # without types in some releases


class Schemas:
    """The schemas of a model's operators, for one half precision."""

    def __init__(self, opsets: Mapping[str, int], target: int) -> None:
        """Take the opset versions by domain, and what to compute in, an ONNX type."""
        self._opsets, self._target = dict(opsets), target

    def inputs(self, node: NodeProto) -> list[str | None]:
        """Return the type variable of each input that may be half, None where it may not."""
        schema = self._schema(node)
        if schema is None:
            return [None] * len(node.input)
        return self._variables(schema, schema.inputs, len(node.input))

    def outputs(self, node: NodeProto) -> list[str | None]:
        """Return the type variable of each output that may be half, None where it may not."""
        schema = self._schema(node)
        if schema is None:
            return [None] * len(node.output)
        return self._variables(schema, schema.outputs, len(node.output))

    def _schema(self, node: NodeProto) -> defs.OpSchema | None:
        domain = "" if node.domain == "ai.onnx" else node.domain
        version = self._opsets.get(domain)
        if version is None or not defs.has(node.op_type, domain):
            return None
        try:
            return defs.get_schema(node.op_type, version, domain)
        except defs.SchemaError:  # younger than the model's opset
            return None

    def _variables(
        self, schema: defs.OpSchema, formal: Sequence[defs.OpSchema.FormalParameter], count: int
    ) -> list[str | None]:
        wanted = TYPES[self._target]
        admitted = {
            one.type_param_str for one in schema.type_constraints if wanted in one.allowed_type_strs
        }
        found = [one.type_str if one.type_str in admitted else None for one in formal]
        return [found[min(at, len(found) - 1)] for at in range(count)] if found else []


def saturated(values: NDArray[Any], target: int) -> NDArray[Any]:
    """Return float32 values in half precision; a finite one beyond its range is its largest."""
    dtype = np.dtype(np.float16 if target == TensorProto.FLOAT16 else ml_dtypes.bfloat16)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        half = values.astype(dtype)
    over = np.isinf(half) & np.isfinite(values)
    if over.any():
        most = dtype.type(_finfo(dtype).max)
        half = np.where(over, np.where(values > 0, most, -most), half).astype(dtype)
    return half


def converted(tensor: TensorProto, name: str, target: int) -> TensorProto:
    """Return a float32 tensor under another name in half precision, saturated."""
    half = saturated(numpy_helper.to_array(tensor), target)
    return TensorProto(
        name=name, data_type=target, dims=tensor.dims, raw_data=np.ascontiguousarray(half).tobytes()
    )


def retyped(node: NodeProto, target: int) -> bool:
    """Make a node whose attribute says float32 give ``target`` instead, in place.

    Returns:
        Whether there was such an attribute.
    """
    for attribute in node.attribute:
        if attribute.name in _TYPE_ATTRIBUTES and attribute.i == FLOAT:
            attribute.i = target
            return True
        if _is_fill(node, attribute):
            attribute.t.CopyFrom(converted(attribute.t, attribute.t.name, target))
            return True
    return False


def _is_fill(node: NodeProto, attribute: AttributeProto) -> bool:
    """Say whether it is the value that a ConstantOfShape repeats, in float32."""
    fills = node.op_type == "ConstantOfShape" and attribute.name == "value"
    return fills and attribute.t.data_type == FLOAT

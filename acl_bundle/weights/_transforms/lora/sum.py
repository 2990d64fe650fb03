"""The sum of a weight and the product of an adapter's matrices: shapes and rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

from acl_bundle.errors import WeightError
from acl_bundle.weights._base.pieces import place
from acl_bundle.weights._base.spec import Array, Spec, is_floating
from acl_bundle.weights._transforms.lora.names import FactorPair


def check_shapes(
    module: str, parts: tuple[FactorPair, Spec, Spec], target: str, weight: Spec, turned: bool
) -> None:
    """Refuse matrices whose product is not of the weight's shape.

    Args:
        module: Their name in the adapter.
        parts: Their entries, and what those are.
        target: The weight.
        weight: What it is.
        turned: Whether it is kept as ``[in, out]``.

    Raises:
        WeightError: It is not.
    """
    pair, down, up = parts
    if not is_floating(weight.dtype):
        raise WeightError(f"weight {target!r} is {weight}; floating-point ones can be merged")
    if turned and len(weight.shape) != 2:
        raise WeightError(f"transposed: weight {target!r} is {weight}; only matrices can be")
    made = _product(down, up)
    if made is None:
        raise WeightError(
            f"adapter module {module!r}: {pair.down!r} is {down} and {pair.up!r} is {up}; [r, in]"
            " and [out, r] are right, or convolutions of that kind"
        )
    wanted = weight.shape[::-1] if turned else weight.shape
    if made != _flat(wanted):
        hint = f"; say transposed=[{target!r}]" if made[::-1] == weight.shape else ""
        raise WeightError(
            f"adapter module {module!r} makes a {list(made)} matrix, but weight {target!r} has"
            f" shape {list(weight.shape)}{hint}"
        )


def _product(down: Spec, up: Spec) -> tuple[int, int] | None:
    """The shape of up @ down as matrices, None where they do not fit.

    Of two convolutions only the first may have a kernel; else the product of
    the matrices would not be that of the convolutions.
    """
    plain = len(down.shape) >= 2 and len(up.shape) >= 2 and down.shape[0] > 0
    if not plain or up.shape[1] != down.shape[0] or any(dim != 1 for dim in up.shape[2:]):
        return None
    return up.shape[0], Spec(down.shape[1:], down.dtype).size


def _flat(shape: tuple[int, ...]) -> tuple[int, ...]:
    return (shape[0], int(np.prod(shape[1:], dtype=np.int64))) if len(shape) > 1 else shape


def rounded(values: Array, dtype: np.dtype[Any], name: str) -> Array:
    """Return values in the base's dtype.

    Raises:
        WeightError: A finite one becomes infinite.
    """
    if values.dtype == dtype:
        return values
    with np.errstate(over="ignore"):
        result: Array = values.astype(dtype)
    over = np.isinf(result) & np.isfinite(values)
    if over.any():
        at = int(over.argmax())
        raise WeightError(
            f"weight {name!r}: the merged value is {float(values.reshape(-1)[at]):g} at"
            f" {list(place(at, values.shape))}, which overflows the base's {dtype.name}; merge into"
            " a float32 base and cast the result"
        )
    return result

"""One value given for one weight: what makes it right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._base.arrays import as_array, check
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.foreign import as_device
from acl_bundle._plan.casts import allowed, convert
from acl_bundle.errors import ClosedError, WeightError
from acl_bundle.spec import WeightSpec

Array = NDArray[Any]
# Of a dense layer; of a convolution over one axis, and over two (to torch's order, and from it).
ORDERS = {2: ((1, 0),), 3: ((2, 1, 0),), 4: ((3, 2, 0, 1), (2, 3, 1, 0))}
NO_RULE = frozenset({"float16", "bfloat16"})


def check_scalar(array: Array, spec: WeightSpec) -> None:
    """Refuse a value of rank 0 that the device would silently skip (facts 4.3).

    The update graph's If sees a scalar's value where it sees other weights'
    shapes: zero keeps the old weight, floats count as zero up to epsilon, NaN
    compares as zero, and for half precision there is no rule at all.
    """
    if spec.dtype.name in NO_RULE:
        raise WeightError(
            f"weight {spec.name!r} has rank 0 and dtype {spec.dtype}, for which the device has no"
            " update rule; build the model with shape (1,) for it"
        )
    if array.dtype != spec.dtype:
        converted = np.empty((), spec.dtype)
        convert(array, converted)
        array = converted
    floating = spec.dtype.kind == "f"
    if not (abs(array) > np.finfo(spec.dtype).eps if floating else array != 0):
        raise WeightError(
            f"weight {spec.name!r} has rank 0 and the new value {array}, which the device takes"
            " for 'keep the old one'; build the model with shape (1,) for it"
        )


def _check_dtype(array: Array, spec: WeightSpec, cast: str) -> None:
    """Refuse an array whose dtype the weight does not take under this rule."""
    if allowed(array.dtype, spec.dtype, cast):
        return
    try:
        check(array, f"weight {spec.name!r}", spec)
    except WeightError as error:
        if allowed(array.dtype, spec.dtype, "same_kind"):
            raise WeightError(f"{error}; cast='same_kind' converts it") from None
        raise


def _other_order(shape: tuple[int, ...], spec: WeightSpec) -> str:
    """Say how a value becomes right whose axes are in another framework's order; "" for none."""
    for axes in ORDERS.get(len(shape), ()):
        if tuple(shape[axis] for axis in axes) == spec.shape:
            which = f"[{spec.name!r}]" if len(shape) == 2 else f"{{{spec.name!r}: {axes}}}"
            return f", as of weights.transpose(new, {which})"
    return ""


def check_value(value: Any, spec: WeightSpec, cast: str) -> Any:
    """Return a value as an array that may be given for a weight, or as a DeviceArray.

    Raises:
        ClosedError: It was on the device, and was freed.
        WeightError: Dtype, shape or scalar value do not fit.
        TypeError: It is not an array.
    """
    what = f"weight {spec.name!r}"
    array: Any = None if isinstance(value, np.ndarray) else as_device(value, what)
    if array is None:
        array = as_array(value, what, spec)
    elif array.freed:
        raise ClosedError(f"{what} is {array!r}; give an array that is there")
    elif array.dtype != spec.dtype:
        raise WeightError(
            f"{what} has dtype {array.dtype} on the device, where nothing is converted; it must be"
            f" {spec.dtype}: convert it there (torch's .to()), or give .to_host() of it with"
            " cast='same_kind'"
        )
    if array.dtype is not spec.dtype:
        _check_dtype(array, spec, cast)
    if spec.shape is not None and array.shape != spec.shape:
        raise WeightError(
            f"weight {spec.name!r} has shape {array.shape}; it must be {spec.shape}"
            f"{_other_order(array.shape, spec)}"
        )
    if array.ndim == 0:
        check_scalar(array.to_host() if isinstance(array, DeviceArray) else array, spec)
    if spec.shape is None and array.size == 0:
        raise WeightError(
            f"weight {spec.name!r} has shape {array.shape}; the device keeps the old value"
            " of a weight without elements, and the file does not tell the right shape"
        )
    return array.held() if isinstance(array, DeviceArray) else array

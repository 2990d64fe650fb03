"""The arrays of a run: what is taken, and what is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from acl_bundle._base.arrays import as_array, check_dtype
from acl_bundle._device.array import ALIGNMENT, DeviceArray
from acl_bundle._device.foreign import as_device
from acl_bundle._device.layout import check_device
from acl_bundle._device.make import empty
from acl_bundle._run.fit import Array, Shape, Target
from acl_bundle.spec import TensorSpec


def array_of(value: Any, what: str, spec: TensorSpec) -> Any:
    """A value as an ndarray or a DeviceArray.

    Raises:
        TypeError: It is neither.
        ValueError: It is on a device, and cannot be taken from there.
    """
    found = None if isinstance(value, np.ndarray) else as_device(value, what)
    return as_array(value, what, spec) if found is None else found


def check_place(array: DeviceArray, what: str, device: int) -> None:
    """Refuse an array that the graph cannot reach, or that is no more.

    Raises:
        ClosedError: It was freed, or belongs to the parent process.
        ValueError: It is on another device, or where no graph takes it.
    """
    check_device(array, what, device)
    if array.nbytes and array.pointer % ALIGNMENT:
        raise ValueError(
            f"{what} starts at 0x{array.pointer:x}, no multiple of {ALIGNMENT}; to_device(array)"
            " copies it to where a graph takes it"
        )


def check_contiguous(array: Array, what: str) -> None:
    """Refuse an array that would have to be copied.

    Raises:
        ValueError: It is not C-contiguous.
    """
    if not array.flags.c_contiguous:
        raise ValueError(f"{what} is not C-contiguous; give numpy.ascontiguousarray of it")


Span = tuple[int, int, int]


def _spans(arrays: Sequence[Any], on_device: bool) -> list[Span]:
    """Where arrays begin and end, and which they are, in order of address."""
    return sorted(
        (start, start + array.nbytes, at)
        for at, array in enumerate(arrays)
        if isinstance(array, DeviceArray if on_device else np.ndarray) and array.nbytes
        for start in [array.pointer if isinstance(array, DeviceArray) else array.ctypes.data]
    )


def check_apart(
    in_names: Sequence[str], inputs: Sequence[Any], names: Sequence[str], outputs: Sequence[Target]
) -> None:
    """Refuse outputs that share memory, and those on the device that lie over an input there.

    Of arrays in order of address, neighbours share memory. Inputs of the host are copied before
    anything is written, so outputs may lie over them.

    Raises:
        ValueError: Some do.
    """
    for on_device in (False, True):
        spans = _spans(outputs, on_device)
        for (_, end, one), (start, other_end, other) in pairwise(spans):
            if start < end:
                first, second = sorted((one, other))
                raise ValueError(
                    f"outputs {names[first]!r} and {names[second]!r} share"
                    f" {min(end, other_end) - start} bytes of memory; give each an array of its own"
                )
        if spans and on_device:
            _check_inputs(in_names, _spans(inputs, on_device), names, spans)


def _check_inputs(
    in_names: Sequence[str], inputs: list[Span], names: Sequence[str], outputs: list[Span]
) -> None:
    for start, end, at in outputs:
        for low, high, of in inputs:
            if start < high and low < end:
                raise ValueError(
                    f"output {names[at]!r} lies over input {in_names[of]!r} on the device, where"
                    " the graph reads one while it writes the other; give it an array of its own"
                )


def target(spec: TensorSpec, value: Any, shape: Shape | None, rule: str, device: int) -> Target:
    """Where an output goes: the array that is given, else a new one.

    Args:
        spec: The output.
        value: What was given for it: an array, "device" or None.
        shape: Its shape; None where the run tells it, which makes the array then.
        rule: As that of `Choice`.
        device: The number of the graph's device.

    Raises:
        ClosedError: An array on the device was freed.
        TypeError: No array, or another dtype.
        ValueError: An array that cannot be written, or of another shape.
    """
    if value is None:
        return None if shape is None else np.empty(shape, spec.dtype)
    what = f"output {spec.name!r}"
    if isinstance(value, str):
        if value != "device":
            raise ValueError(f'{what} is {value!r}; give an array, or "device"')
        return "device" if shape is None else empty(shape, spec.dtype, device)
    if not isinstance(value, np.ndarray) and not hasattr(value, "__dlpack__"):
        raise TypeError(f"{what} is a {type(value).__name__}; give a numpy array {spec}")
    array = array_of(value, what, spec)
    check_dtype(array, what, spec)
    if shape is not None and array.shape != shape:
        raise ValueError(f"{what} has shape {array.shape}; {rule} {shape}")
    _check_writable(array, what, device)
    made: Target = array
    return made


def _check_writable(array: Any, what: str, device: int) -> None:
    if isinstance(array, DeviceArray):
        check_place(array, what, device)
        readonly = array.readonly
    else:
        check_contiguous(array, what)
        readonly = not array.flags.writeable
    if readonly:
        raise ValueError(f"{what} is read-only and would be written; give a writable array")

"""Functions whose arguments or answers are lists, dicts or texts: what no pattern says.

Each is given the function of C (its address, where a pattern cannot call it) and then what the
program passed, whose types are checked already.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable, Iterable
from typing import Any

from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi
from acl_bundle.pyacl import callbacks, dumps, media, owners, prof, util
from acl_bundle.pyacl.structs import address, aipp_info, dims, malloc_config
from acl_bundle.pyacl.unsimulated import take_texts

__all__ = ["SPECIAL"]

Raw = Callable[..., Any]
MOST = 4096  # of what a list may have
INVALID = 100000
_PATH = 2


def _numbers(kind: str, values: Iterable[object]) -> Any:
    """Memory of C that holds the numbers of a list.

    Raises:
        TypeError: It holds something else; numpy's numbers are no ints.
        ValueError: A number is too large.
    """
    numbers = list(values)
    for one in numbers:
        if not isinstance(one, int):
            raise TypeError(f"invalid data type: {one!r} in the list is no int")
    try:
        return ffi.new(f"{kind}[]", numbers)
    except OverflowError as error:
        raise ValueError(f"the list holds what is no {kind}: {error}") from None


def get_recent_err_msg(raw: Raw) -> str | None:
    """Return what this thread's calls left, ours and the library's; None for nothing."""
    return "\n".join([*take_texts(), *filter(None, [raw()])]) or None


def float16_to_float(_: Any, value: int) -> float:
    """Return the number whose half-precision bits these are."""
    return float(acl.aclFloat16ToFloat(value))


def float_to_float16(_: Any, value: float) -> int:
    """Return the bits of a number in half precision."""
    return int(acl.aclFloatToFloat16(value))


def create_tensor_desc(raw: Raw, dtype: int, shape: list[int], layout: int) -> Any:
    """Describe a tensor of the shape in a list."""
    numbers = _numbers("int64_t", shape)
    return raw(dtype, len(shape), address(numbers), layout)


def set_shape(raw: Raw, desc: int, shape: list[int]) -> Any:
    """Set one of a description's shapes, from a list."""
    numbers = _numbers("int64_t", shape)
    return raw(desc, len(shape), address(numbers))


def set_ranges(raw: Raw, desc: int, ranges: list[list[int]]) -> Any:
    """Set ranges of a description, from a list of pairs."""
    if not all(isinstance(one, list) and len(one) == 2 for one in ranges):
        raise TypeError(f"the list argument is not list: a range is [low, high], not {ranges!r}")
    numbers = _numbers("int64_t", (number for one in ranges for number in one))
    return raw(desc, len(ranges), address(numbers))


def get_tensor_desc_dim_range(raw: Raw, desc: int, index: int, count: int) -> Any:
    """Return the range of a dim as a list, and ret."""
    if count > MOST:
        return None, INVALID
    numbers = ffi.new("int64_t[]", max(count, 1))
    ret = raw(desc, index, count, address(numbers))
    return (None if ret else [int(one) for one in numbers[0:count]]), ret


def app_log(find: Callable[[], int], level: int, message: str) -> None:
    """Log a text, with the caller's file and line."""
    caller = sys._getframe(2)
    code = caller.f_code
    call = ffi.cast("void (*)(int, char *, char *, uint32_t, char *, ...)", find())
    call(level, code.co_name.encode(), code.co_filename.encode("utf-8", "replace"),
         caller.f_lineno, b"%s", ffi.new("char[]", message.encode()))  # fmt: skip


def get_cann_attribute_list(raw: Raw) -> Any:
    """Return the attributes that there are, how many, and ret."""
    found, count, ret = raw()
    numbers = ffi.cast("int32_t *", found)
    return ([] if ret else [int(one) for one in numbers[0:count]]), count, ret


def get_version_str(raw: Raw, package: str) -> Any:
    """Return a package's version, and ret."""
    into = ffi.new("char[]", 512)
    ret = raw(package, address(into))
    return ffi.string(into).decode("utf-8", "replace"), ret


def set_config_opt(raw: Raw, handle: int, attr: int, value: object) -> Any:
    """Set an option of a load, as wide as its kind: int32, a path, or 8 bytes."""
    try:
        data = _option(attr, value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError("acl.mdl.set_config_opt args parse failed!") from None
    return raw(handle, attr, address(data), len(ffi.buffer(data)))


def _option(attr: int, value: Any) -> Any:
    if attr == _PATH:
        if "\0" in value:  # TypeError for what is no str
            raise ValueError(value)
        text = ffi.new("char[]", value.encode())
        owners.keep(address(text), text, len(text))
        return ffi.new("char *[]", [text])
    if attr == 0:
        return ffi.new("int32_t[]", [operator.index(value)])
    if not isinstance(value, int):
        raise TypeError(value)
    return ffi.new("uint64_t[]", [value % (1 << 64)])


def set_exec_config_opt(raw: Raw, handle: int, attr: int, value: int) -> Any:
    """Set an option of an execution, 4 bytes."""
    return raw(handle, attr, address(ffi.new("uint32_t[]", [value])), 4)


def get_input_dynamic_dims(raw: Raw, desc: int, index: int, count: int) -> Any:
    """Return the shapes of all gears, a dict each, and ret."""
    if count > MOST:
        return None, INVALID
    gears = ffi.new("aclmdlIODims[]", max(count, 1))
    ret = raw(desc, index, address(gears), count)
    return [{} if ret else dims(one, unsigned=True) for one in gears[0:count]], ret


def set_input_dynamic_dims(raw: Raw, model: int, data: int, index: int, shape: Any) -> Any:
    """Choose a gear by a dict of dims."""
    made = ffi.new("aclmdlIODims *")
    numbers, count = shape.get("dims"), shape.get("dimCount")
    if not isinstance(numbers, list):
        raise TypeError(f"The dims of parameter 4 is not a list: {shape!r}")
    if not isinstance(count, int):
        raise ValueError(f"the dict needs dimCount, an int: not {shape!r}")
    if not 0 <= count <= min(len(numbers), len(made.dims)):
        raise ValueError(f"dimCount is {count}; dims has {len(numbers)}, and 128 are the most")
    made.name = str(shape.get("name", "")).encode()[: len(made.name) - 1]
    made.dimCount = count
    made.dims[0:count] = list(_numbers("int64_t", numbers[:count]))
    return raw(model, data, index, address(made))


def create_and_get_op_desc(raw: Raw, device: int, stream: int, task: int, size: int) -> Any:
    """Return the name of a task's operator, its descriptions with their counts, and ret."""
    if size > MOST:
        return "", 0, 0, 0, 0, INVALID
    name = ffi.new("char[]", size + 1)
    found = raw(device, stream, task, address(name), size)
    return ffi.string(name).decode("utf-8", "replace"), *found


def malloc_with_cfg(raw: Raw, size: int, policy: int, given: dict[str, Any]) -> Any:
    """Allocate device memory by a dict, which may be empty."""
    config, _attrs = malloc_config(given) if given else (ffi.NULL, None)
    return raw(size, policy, address(config))


def malloc_host_with_cfg(raw: Raw, size: int, given: dict[str, Any]) -> Any:
    """Allocate host memory by a dict, which may be empty."""
    config, _attrs = malloc_config(given) if given else (ffi.NULL, None)
    return raw(size, address(config))


def get_primary_ctx_state(raw: Raw, device: int) -> Any:
    """Return whether the context is active, 0, and ret."""
    _, active, ret = raw(device)
    return active, 0, ret


def set_aipp_floats(find: Callable[[], int], aipp: int, *values: float) -> Any:
    """Set four floats for an image of the batch."""
    call = ffi.cast("int (*)(uintptr_t, float, float, float, float, uint64_t)", find())
    return int(call(aipp, *values[:4], int(values[4])))


def get_first_aipp_info(raw: Raw, model: int, index: int) -> Any:
    """Return an input's AIPP as a dict, None on error, and ret."""
    info = ffi.new("aclAippInfo *")
    ret = raw(model, index, address(info))
    return (None if ret else aipp_info(info)), ret


SPECIAL: dict[str, Callable[..., Any]] = {
    "acl.get_recent_err_msg": get_recent_err_msg,
    "acl.float16_to_float": float16_to_float,
    "acl.float_to_float16": float_to_float16,
    "acl.create_tensor_desc": create_tensor_desc,
    "acl.get_tensor_desc_dim_range": get_tensor_desc_dim_range,
    "acl.set_tensor_shape": set_shape,
    "acl.set_tensor_storage_shape": set_shape,
    "acl.set_tensor_origin_shape": set_shape,
    "acl.set_tensor_shape_range": set_ranges,
    "acl.set_tensor_value_range": set_ranges,
    "acl.app_log": app_log,
    "acl.get_cann_attribute_list": get_cann_attribute_list,
    "acl.get_version_str": get_version_str,
    "acl.mdl.set_config_opt": set_config_opt,
    "acl.mdl.set_exec_config_opt": set_exec_config_opt,
    "acl.mdl.get_input_dynamic_dims": get_input_dynamic_dims,
    "acl.mdl.set_input_dynamic_dims": set_input_dynamic_dims,
    "acl.mdl.create_and_get_op_desc": create_and_get_op_desc,
    "acl.mdl.set_aipp_dtc_pixel_min": set_aipp_floats,
    "acl.mdl.set_aipp_pixel_var_reci": set_aipp_floats,
    "acl.mdl.get_first_aipp_info": get_first_aipp_info,
    "acl.rt.malloc_with_cfg": malloc_with_cfg,
    "acl.rt.malloc_for_task_scheduler": malloc_with_cfg,
    "acl.rt.malloc_host_with_cfg": malloc_host_with_cfg,
    "acl.rt.get_primary_ctx_state": get_primary_ctx_state,
    "acl.rt.launch_callback": callbacks.launch_callback,
    "acl.rt.set_exception_info_callback": callbacks.set_exception_info_callback,
    "acl.media.dvpp_malloc_with_cfg": malloc_with_cfg,
    **media.FUNCTIONS,
    **dumps.FUNCTIONS,
    **prof.FUNCTIONS,
    **util.FUNCTIONS,
}

"""Functions of acl.media that take lists, or numbers that are no words of C."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from acl_bundle._binding.shim import ffi
from acl_bundle.pyacl.structs import address

__all__ = ["FUNCTIONS"]

_MOST = 256
_MATRIX = 4  # bytes of the only parameter of a channel


def _pointers(values: list[int], what: str) -> Any:
    if not all(isinstance(one, int) for one in values):
        raise TypeError(f"the list argument is not list of int: the {what} are {values!r}")
    return ffi.new("uintptr_t[]", [one % (1 << 64) for one in values] or 1)


def _counts(values: list[int], regions: int) -> Any:
    good = all(isinstance(one, int) and 0 <= one <= _MOST for one in values)
    if not good or not 0 < len(values) <= _MOST or not 0 < regions <= _MOST:
        raise ValueError("number of crop areas must be between 1 and 256")
    if sum(values) != regions:
        raise ValueError(f"the list of counts is for {sum(values)} crop areas, not {regions}")
    return ffi.new("uint32_t[]", values)


def _batch(
    raw: Callable[..., int], channel: int, inputs: int, counts: list[int], outputs: int,
    crops: list[int], *rest: list[int] | int,
) -> int:  # fmt: skip
    """Cut regions out of many pictures; lists that follow are one item for each region."""
    numbers, areas = _counts(counts, len(crops)), _pointers(crops, "crop areas")
    more = [_pointers(one, "areas") if isinstance(one, list) else one for one in rest]
    if any(isinstance(one, list) and len(one) != len(crops) for one in rest):
        raise ValueError(f"each list is for {len(crops)} crop areas")
    words = [one if isinstance(one, int) else address(one) for one in more]
    return raw(channel, inputs, address(numbers), len(counts), outputs, address(areas), *words)


def _batch_of(
    raw: Callable[..., int], channel: int, inputs: int, counts: list[int], outputs: int,
    *rest: Any,
) -> tuple[int, int]:  # fmt: skip
    """Do the same, and give the outputs' address back, as pyACL does without a resize config."""
    return outputs, _batch(raw, channel, inputs, counts, outputs, *rest)


def _set_border_value(find: Callable[[], int], border: int, index: int, value: float) -> int:
    """Set a value of a constant border."""
    call = ffi.cast("int (*)(uintptr_t, uint32_t, double)", find())
    return int(call(border % (1 << 64), index % (1 << 32), value))


def _get_border_value(find: Callable[[], int], border: int, index: int) -> float:
    """Return a value of a constant border."""
    call = ffi.cast("double (*)(uintptr_t, uint32_t)", find())
    return float(call(border % (1 << 64), index % (1 << 32)))


def _get_eos(raw: Callable[..., int], desc: int) -> int:
    """Return a flag of one byte."""
    return raw(desc) & 0xFF


def _set_parameter(raw: Callable[..., int], channel: int, kind: int, value: int) -> tuple[int, int]:
    """Set a parameter of a channel: its colour matrix."""
    number = ffi.new("uint32_t *", value % (1 << 32))
    return channel, raw(channel, kind, _MATRIX, address(number))


def _get_parameter(raw: Callable[..., int], channel: int, kind: int) -> tuple[int, int, int]:
    """Return the size of a parameter of a channel, its value, and ret."""
    size, number = ffi.new("size_t *"), ffi.new("uint64_t *")
    ret = raw(channel, kind, _MATRIX, address(size), address(number))
    return int(size[0]), int(number[0]), ret


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "acl.media.dvpp_vpc_batch_crop_async": _batch_of,
    "acl.media.dvpp_vpc_batch_crop_and_paste_async": _batch_of,
    "acl.media.dvpp_vpc_batch_crop_resize_async": _batch,
    "acl.media.dvpp_vpc_batch_crop_resize_paste_async": _batch,
    "acl.media.dvpp_vpc_batch_crop_resize_make_border_async": _batch,
    "acl.media.dvpp_set_border_config_value": _set_border_value,
    "acl.media.dvpp_get_border_config_value": _get_border_value,
    "acl.media.dvpp_get_stream_desc_eos": _get_eos,
    "acl.media.dvpp_set_channel_desc_param": _set_parameter,
    "acl.media.dvpp_get_channel_desc_param": _get_parameter,
}

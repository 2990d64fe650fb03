"""C's structs as the dicts that pyACL makes of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from acl_bundle._binding.shim import ffi

__all__ = ["STRUCTS", "Struct", "address", "aipp_info", "dims"]


class Struct(NamedTuple):
    """A struct that C fills.

    Attributes:
        kind: Its type.
        read: Makes the dict.
    """

    kind: str
    read: Callable[[Any], dict[str, object]]


def address(data: Any) -> int:
    """Where C's data lies."""
    return int(ffi.cast("uintptr_t", data))


def _name(chars: Any) -> str:
    return str(ffi.string(chars).decode("utf-8", "replace"))


def dims(of: Any, *, unsigned: bool = False) -> dict[str, object]:
    """One shape: name, dimCount, dims.

    Args:
        of: An aclmdlIODims.
        unsigned: Whether -1 shows as 2^64-1, as pyACL has it for gears.
    """
    found = [int(one) for one in of.dims[0 : min(of.dimCount, 128)]]
    if unsigned:
        found = [one % (1 << 64) for one in found]
    return {"name": _name(of.name), "dimCount": int(of.dimCount), "dims": found}


def _batch(of: Any) -> dict[str, object]:
    count = min(int(of.batchCount), 128)
    return {"batchCount": count, "batch": [int(one) for one in of.batch[0:count]]}


def aipp_info(of: Any) -> dict[str, object]:
    """An AIPP's configuration by C's names, and the shapes that it makes of which."""
    made: dict[str, object] = {}
    for name, _ in ffi.typeof("aclAippInfo").fields:
        if name == "outDims":
            made[name] = [_aipp_dims(one) for one in of.outDims[0 : min(of.shapeCount, 128)]]
        elif name == "aippExtend":
            made[name] = address(of.aippExtend)
        else:
            value = getattr(of, name)
            made[name] = value if isinstance(value, float) else int(value)
    return made


def _aipp_dims(of: Any) -> dict[str, object]:
    return {
        "srcDims": dims(of.srcDims),
        "srcSize": int(of.srcSize),
        "aippOutdims": dims(of.aippOutdims),
        "aippOutSize": int(of.aippOutSize),
    }


def _pairs(count: int, rows: Any) -> list[list[int]]:
    return [[int(one) for one in rows[at]] for at in range(min(count, 128))]


def _hw(of: Any) -> dict[str, object]:
    return {"hwCount": int(of.hwCount), "hw": _pairs(of.hwCount, of.hw)}


def _range(of: Any) -> dict[str, object]:
    return {"rangeCount": int(of.rangeCount), "range": _pairs(of.rangeCount, of.range)}


def _version(of: Any) -> dict[str, object]:
    fields = {"version": "version", "major_version": "majorVersion",
              "minor_version": "minorVersion", "release_version": "releaseVersion",
              "patch_version": "patchVersion", "reserved": "reserved"}  # fmt: skip
    return {key: _name(getattr(of, field)) for key, field in fields.items()}


def _utilization(of: Any) -> dict[str, object]:
    return {
        "cube_utilization": int(of.cubeUtilization),
        "vector_utilization": int(of.vectorUtilization),
        "aicpu_utilization": int(of.aicpuUtilization),
        "memory_utilization": int(of.memoryUtilization),
        "utilization_extend": address(of.utilizationExtend),
    }


def _pointer(of: Any) -> dict[str, object]:
    return {
        "location": {"id": int(of.location.id), "type": int(of.location.type)},
        "page_size": int(of.pageSize),
        "rsv": [int(one) for one in of.rsv],
    }


STRUCTS = {
    "dims": Struct("aclmdlIODims *", dims),
    "batch": Struct("aclmdlBatch *", _batch),
    "hw": Struct("aclmdlHW *", _hw),
    "range": Struct("aclmdlIODimsRange *", _range),
    "version": Struct("aclCANNPackageVersion *", _version),
    "utilization": Struct("aclrtUtilizationInfo *", _utilization),
    "pointer": Struct("aclrtPtrAttributes *", _pointer),
}

"""C's structs as the dicts that pyACL makes of them, and dicts as structs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from acl_bundle._binding.shim import ffi

__all__ = ["STRUCTS", "Struct", "address", "aipp_info", "dims", "malloc_config"]


class Struct(NamedTuple):
    """A struct that C fills.

    Attributes:
        kind: Its type.
        read: Makes the dict.
        empty: Whether it is empty where C has failed, and not what C has left.
    """

    kind: str
    read: Callable[[Any], dict[str, object]]
    empty: bool = True


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


_AIPP = """
    cscSwitch matrixR0C0 matrixR0C1 matrixR1C0 matrixR1C1 matrixR1C2 matrixR2C2
    outputBias0 outputBias1 outputBias2 inputBias0 inputBias1 inputBias2
    rbuvSwapSwitch axSwapSwitch singleLineMode srcImageSizeW srcImageSizeH srcFormat srcDatatype
    srcDimNum shapeCount inputFormat aippExtend
    cropSwitch loadStartPosW loadStartPosH cropSizeW cropSizeH
    resizeSwitch resizeOutputW resizeOutputH
    paddingSwitch leftPaddingSize rightPaddingSize topPaddingSize bottomPaddingSize
    meanChn0 meanChn1 meanChn2 meanChn3 minChn0 minChn1 minChn2 minChn3
    varReciChn0 varReciChn1 varReciChn2 varReciChn3
"""
# The fields that pyACL gives, in its order: three of the matrix are not among them.


def _field(of: Any, name: str) -> int | float:
    value = getattr(of, name)
    if name == "aippExtend":
        return address(value)
    return value if isinstance(value, float) else int(value)


def aipp_info(of: Any) -> dict[str, object]:
    """An AIPP's configuration by C's names, and the shapes that it makes of which."""
    shapes = [_aipp_dims(one) for one in of.outDims[0 : min(of.shapeCount, 128)]]
    return {**{name: _field(of, name) for name in _AIPP.split()}, "outDims": shapes}


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
    "range": Struct("aclmdlIODimsRange *", _range, empty=False),
    "version": Struct("aclCANNPackageVersion *", _version, empty=False),
    "utilization": Struct("aclrtUtilizationInfo *", _utilization, empty=False),
    "pointer": Struct("aclrtPtrAttributes *", _pointer, empty=False),
}


def malloc_config(given: dict[str, Any]) -> Any:
    """An aclrtMallocConfig of a dict, and what it points to.

    Raises:
        ValueError: The dict has another form.
    """
    try:
        attrs = ffi.new("aclrtMallocAttribute[]", max(len(given["attrs"]), 1))
        for made, one in zip(attrs, given["attrs"], strict=False):
            made.attr = one["attr"]
            ((field, value),) = one["value"].items()
            if field == "rsv":
                made.value.rsv = list(value)
            else:
                setattr(made.value, field, value)
        count = int(given["numAttrs"])
        if count != len(given["attrs"]):
            raise ValueError(f"numAttrs is {count}, and there are {len(given['attrs'])} attrs")
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise ValueError(
            f"the configuration {given!r} does not fit ({error!r}); right is"
            ' {"numAttrs": 1, "attrs": [{"attr": 1, "value": {"moduleId": 3}}]}'
        ) from None
    return ffi.new("aclrtMallocConfig *", [attrs, count]), attrs

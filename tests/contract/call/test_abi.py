"""The binary interface: layouts, numbers and the name (facts 1.12, 2)."""

from __future__ import annotations

import subprocess

import pytest

from ..face import Acl


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("aclError", 4),
        ("aclFloat16", 2),
        ("aclDataType", 4),
        ("aclFormat", 4),
        ("aclrtMemcpyKind", 4),
        ("aclrtMemMallocPolicy", 4),
        ("aclrtRunMode", 4),
        ("aclmdlConfigAttr", 4),
        ("aclmdlExecConfigAttr", 4),
        ("aclrtContext", 8),
        ("aclmdlIODims", 1160),
        ("aclmdlIODimsRange", 2056),
    ],
)
def test_size_of_types_facts_2(acl: Acl, name: str, size: int) -> None:
    assert acl.ffi.sizeof(name) == size


@pytest.mark.parametrize(
    ("name", "field", "offset"),
    [
        ("aclmdlIODims", "name", 0),
        ("aclmdlIODims", "dimCount", 128),
        ("aclmdlIODims", "dims", 136),
        ("aclmdlIODimsRange", "rangeCount", 0),
        ("aclmdlIODimsRange", "range", 8),
    ],
)
def test_place_of_fields_facts_2(acl: Acl, name: str, field: str, offset: int) -> None:
    assert acl.ffi.offsetof(name, field) == offset


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ACL_DT_UNDEFINED", -1),
        ("ACL_BF16", 27),
        ("ACL_FLOAT4_E1M2", 41),
        ("ACL_FORMAT_UNDEFINED", -1),
        ("ACL_FORMAT_ND", 2),
        ("ACL_FORMAT_FRACTAL_NZ", 29),
        ("ACL_FORMAT_FRACTAL_NZ_C0_8", 54),
        ("ACL_DEVICE", 0),
        ("ACL_HOST", 1),
        ("ACL_MEMCPY_INTER_DEVICE_TO_DEVICE", 7),
        ("ACL_MEM_MALLOC_HUGE1G_ONLY_P2P", 7),
        ("ACL_MEM_ACCESS_USER_SPACE_READONLY", 0x100000),
        ("ACL_MEM_P2P_HUGE1G", 17),
        ("ACL_MDL_WITHOUT_GRAPH_INT32", 28),
        ("ACL_MDL_EVENT_SYNC_TIMEOUT", 1),
    ],
)
def test_numbers_of_enums_facts_1_12(acl: Acl, name: str, number: int) -> None:
    assert getattr(acl.lib, name) == number


def test_it_is_found_by_its_soname_facts_0(acl: Acl) -> None:
    """Programs that linked -lascendcl ask for this name."""
    shown = subprocess.run(["readelf", "-d", acl.path], capture_output=True, text=True, check=True)
    assert "soname: [libascendcl.so]" in shown.stdout

"""What is refused before a function looks at its own arguments (facts 0.2)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..files import BUNDLES, MODELS

FROM_FILE: dict[str, int] = {  # and how many arguments follow the path
    "aclmdlLoadFromFile": 1,
    "aclmdlBundleLoadFromFile": 1,
    "aclmdlBundleInitFromFile": 3,
    "aclmdlBundleQueryInfoFromFile": 1,
}
FROM_MEMORY: dict[str, int] = {
    "aclmdlLoadFromMem": 1,
    "aclmdlBundleLoadFromMem": 1,
    "aclmdlBundleInitFromMem": 3,
    "aclmdlBundleQueryInfoFromMem": 1,
}


def nothing(acl: Acl, count: int) -> list[Any]:
    """Wrong arguments for all that follows: NULL, and 0 for a size."""
    return [acl.NULL, 0, acl.NULL] if count == 3 else [acl.NULL]


@pytest.mark.parametrize("function", FROM_FILE)
def test_no_path_facts_0_2(ready: Acl, function: str) -> None:
    call = getattr(ready, function)
    assert call(ready.NULL, *nothing(ready, FROM_FILE[function])) == codes.INVALID_PARAM


@pytest.mark.parametrize("function", FROM_FILE)
@pytest.mark.parametrize("path", [b"", b"/no/such/file.om", b"\xff\xfe"])
def test_a_path_to_nothing_facts_0_2(ready: Acl, function: str, path: bytes) -> None:
    """The missing file is noticed before the missing answer."""
    call = getattr(ready, function)
    status = call(path, *nothing(ready, FROM_FILE[function]))
    assert status == codes.GE_MODEL_PATH_INVALID


@pytest.mark.parametrize("function", FROM_FILE)
@pytest.mark.parametrize("content", [b"", b"P", b"PK\3"])
def test_a_file_of_less_than_4_bytes_facts_0_2(
    ready: Acl, tmp_path: Path, function: str, content: bytes
) -> None:
    path = tmp_path / "small.om"
    path.write_bytes(content)
    call = getattr(ready, function)
    status = call(os.fsencode(path), *nothing(ready, FROM_FILE[function]))
    assert status == codes.GE_MODEL_DATA_SIZE_INVALID


@pytest.mark.parametrize("function", FROM_MEMORY)
@pytest.mark.parametrize("given", [(False, 0), (False, 1000), (True, 0)])
def test_no_bytes_facts_0_2(ready: Acl, function: str, given: tuple[bool, int]) -> None:
    pointer = ready.hold(bytearray(1000)) if given[0] else ready.NULL
    call = getattr(ready, function)
    status = call(pointer, given[1], *nothing(ready, FROM_MEMORY[function]))
    assert status == codes.INVALID_PARAM


@pytest.mark.parametrize("function", FROM_MEMORY)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_less_than_4_bytes_facts_0_2(ready: Acl, function: str, size: int) -> None:
    call = getattr(ready, function)
    status = call(ready.hold(bytearray(3)), size, *nothing(ready, FROM_MEMORY[function]))
    assert status == codes.GE_MODEL_DATA_SIZE_INVALID


@pytest.mark.parametrize("function", BUNDLES)
def test_the_zip_kind_has_no_bundles_facts_0_2(ready: Acl, tmp_path: Path, function: str) -> None:
    zipped = b"PK\3\4" + bytes(1000)
    assert BUNDLES[function](ready, zipped, tmp_path) == codes.API_NOT_SUPPORT


@pytest.mark.parametrize("function", MODELS)
def test_the_zip_kind_is_no_model_either_facts_8(ready: Acl, tmp_path: Path, function: str) -> None:
    assert MODELS[function](ready, b"PK\3\4" + bytes(1000), tmp_path) != codes.SUCCESS


@pytest.mark.parametrize("function", FROM_FILE)
def test_a_folder_is_no_file_facts_0_2(ready: Acl, tmp_path: Path, function: str) -> None:
    """It opens, 0 bytes are read, an assertion fails: IsOm2Model(path), om2_model_executor.cc."""
    call = getattr(ready, function)
    assert call(os.fsencode(tmp_path), *nothing(ready, FROM_FILE[function])) == codes.GE_FAILURE


def test_a_folder_is_no_description_nor_query_facts_0_2(ready: Acl, tmp_path: Path) -> None:
    path, size = os.fsencode(tmp_path), ready.new("size_t *")
    assert ready.aclmdlGetDescFromFile(ready.aclmdlCreateDesc(), path) == codes.GE_FAILURE
    assert ready.aclmdlQuerySize(path, size, size) == codes.GE_FAILURE


def test_description_from_file_facts_0_2(ready: Acl, tmp_path: Path) -> None:
    desc, small = ready.aclmdlCreateDesc(), tmp_path / "small.om"
    small.write_bytes(b"abc")
    assert ready.aclmdlGetDescFromFile(desc, ready.NULL) == codes.INVALID_PARAM
    assert ready.aclmdlGetDescFromFile(desc, b"/no/such.om") == codes.GE_MODEL_PATH_INVALID
    assert ready.aclmdlGetDescFromFile(desc, os.fsencode(small)) == codes.GE_MODEL_DATA_SIZE_INVALID


def test_description_from_memory_facts_0_2(ready: Acl) -> None:
    desc, data = ready.aclmdlCreateDesc(), ready.hold(bytearray(3))
    assert ready.aclmdlGetDescFromMem(desc, ready.NULL, 3) == codes.INVALID_PARAM
    assert ready.aclmdlGetDescFromMem(desc, data, 0) == codes.INVALID_PARAM
    assert ready.aclmdlGetDescFromMem(desc, data, 3) == codes.GE_MODEL_DATA_SIZE_INVALID


def test_unknown_ids_are_never_the_routers_business_facts_0_2(ready: Acl) -> None:
    desc = ready.aclmdlCreateDesc()
    assert ready.aclmdlGetDesc(desc, 12345) == codes.GE_MODEL_ID_INVALID
    assert ready.aclmdlUnload(12345) == codes.GE_MODEL_ID_INVALID

"""`acl.mdl.dump_reg_callback`: what a function gets, and that the fake dumps nothing."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from acl_bundle.pyacl import dumps


def chunk(data: bytes) -> ctypes.Array[ctypes.c_char]:
    """An acldumpChunk with its bytes behind it."""
    size = max(dumps.DATA + len(data), ctypes.sizeof(dumps.Chunk))
    held = ctypes.create_string_buffer(size)
    made = dumps.Chunk.from_buffer(held)
    made.file_name, made.buf_len, made.is_last_chunk = b"dump/x.1", len(data), 1
    made.offset, made.flag = 4096, 2
    held[dumps.DATA : dumps.DATA + len(data)] = data
    return held


def test_a_chunk_is_a_dict_with_the_address_of_its_bytes(acl: Any) -> None:
    held = chunk(b"bytes")
    found = dumps.as_dict(ctypes.addressof(held))
    assert {name: one for name, one in found.items() if name != "data_buf"} == {
        "file_name": "dump/x.1", "buf_len": 5, "is_last_chunk": 1, "offset": 4096, "flag": 2,
    }  # fmt: skip
    assert acl.util.ptr_to_bytes(found["data_buf"], found["buf_len"]) == b"bytes"


def test_a_library_that_dumps_calls_the_last_function(acl: Any) -> None:
    """As the library would: through the pointer that it was given."""
    pointers: list[int] = []
    got: list[dict[str, Any]] = []
    taken = lambda pointer, flag: pointers.append(pointer) or 0  # noqa: E731
    assert dumps.dump_reg_callback(taken, lambda _: got.append({}), 1) == 0
    assert dumps.dump_reg_callback(taken, got.append, 1) == 0
    call = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_int32)(pointers[0])
    held = chunk(b"x")
    assert call(ctypes.addressof(held), len(held)) == 0
    assert [one["file_name"] for one in got] == ["dump/x.1"]
    assert acl.mdl.dump_unreg_callback() is None
    assert call(ctypes.addressof(held), len(held)) == 0
    assert len(got) == 1


def test_the_fake_says_that_it_dumps_nothing(acl: Any) -> None:
    assert acl.mdl.dump_reg_callback(print, 1) == 200001
    assert acl.get_recent_err_msg() == "acldumpRegCallback is not simulated by the fake"
    with pytest.raises(TypeError, match=r"^acl.mdl.dump_reg_callback args parse failed!$"):
        acl.mdl.dump_reg_callback(print)
    assert acl.mdl.load_from_file_with_q("net.om", 0, 0, 0, 0) == (0, 200001)
    assert acl.get_recent_err_msg() == "aclmdlLoadFromFileWithQ is not simulated by the fake"

"""`acl.util`: memory that crosses, who keeps it alive, and threads."""

from __future__ import annotations

import ctypes
import gc
import mmap
import threading
import time
import weakref
from typing import Any

import numpy as np
import pytest

from acl_bundle import fake
from acl_bundle.pyacl import owners

DEPRECATED = pytest.mark.filterwarnings("ignore:acl.util:Warning")


@DEPRECATED
def test_bytes_and_arrays_cross(acl: Any) -> None:
    data = np.arange(6, dtype=np.int32)
    assert acl.util.ptr_to_bytes(acl.util.bytes_to_ptr(data.tobytes()), 24) == data.tobytes()
    view = acl.util.ptr_to_numpy(acl.util.numpy_to_ptr(data), (2, 3), 5)
    view[1, 2] = 77
    assert data[5] == 77  # a view
    assert not view.flags.owndata
    pointer, whole = acl.util.numpy_contiguous_to_ptr(data[::2])
    assert acl.util.ptr_to_bytes(pointer, 12) == whole.tobytes() == data[::2].tobytes()
    numbers = {0: "?", 1: "i1", 2: "u1", 5: "i4", 7: "i8", 11: "f4", 12: "f8", 23: "f2"}
    for number, code in numbers.items():
        assert acl.util.ptr_to_numpy(pointer, (1,), number).dtype == np.dtype(code)


@DEPRECATED
def test_the_wrong_object_is_a_value_error(acl: Any) -> None:
    for refused in (bytearray(4), memoryview(b"1234"), np.zeros(1)):
        with pytest.raises(ValueError, match="needs an byte as argument"):
            acl.util.bytes_to_ptr(refused)
    with pytest.raises(ValueError, match="shape is empty"):
        acl.util.ptr_to_numpy(4096, [1], 11)
    with pytest.raises(ValueError, match="is no number of a type"):
        acl.util.ptr_to_numpy(4096, (1,), 17)
    for call in (lambda: acl.util.ptr_to_bytes(0, 4), lambda: acl.util.ptr_to_numpy(0, (1,), 11)):
        with pytest.raises(ValueError, match="the pointer is NULL"):
            call()
    for call in (acl.util.numpy_to_ptr, acl.util.numpy_contiguous_to_ptr):
        with pytest.raises(ValueError, match=r"^needs an ndarray as argument"):
            call([1])
    with pytest.raises(TypeError, match=r"^the second argument is not list of int"):
        acl.util.ptr_to_numpy(4096, (1.0,), 11)
    with pytest.raises(ValueError, match=r"is no size"):
        acl.util.ptr_to_bytes(4096, -1)
    with pytest.raises(TypeError, match=r"^parameter must be callable$"):
        acl.util.start_thread(5, None)


@DEPRECATED
def test_memory_that_the_host_cannot_read_is_a_value_error(acl: Any) -> None:
    """pyACL crashes there; a program of a board, where it can, is told how."""
    pointer, _ = acl.rt.malloc(64, 0)
    for call in (
        lambda where: acl.util.ptr_to_bytes(where, 8),
        lambda where: acl.util.ptr_to_numpy(where, (2,), 11),
    ):
        for where in (pointer, pointer + 5, 8, 2**64 - 8):
            with pytest.raises(ValueError, match=r"the host cannot read 8 bytes at 0x.*_RUN_MODE"):
                call(where)
    assert acl.rt.free(pointer) == 0
    page = mmap.mmap(-1, 2 * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    assert acl.util.ptr_to_bytes(start + mmap.PAGESIZE - 3, 6) == bytes(6)
    assert acl.util.ptr_to_bytes(start + 2 * mmap.PAGESIZE - 1, 1) == b"\0"
    assert acl.util.ptr_to_bytes(start, 0) == acl.util.ptr_to_bytes(0, 0) == b""


@DEPRECATED
def test_a_board_s_host_reads_and_writes_device_memory(fake_acl: Any) -> None:
    fake_acl.set("run_mode", "device")
    acl = fake_acl.pyacl
    assert acl.init() == acl.rt.set_device(0) == 0
    assert acl.rt.get_run_mode() == (0, 0)
    pointer, _ = acl.rt.malloc(32, 0)
    view = acl.util.ptr_to_numpy(pointer, (2, 4), 11)
    view[:] = np.arange(8).reshape(2, 4)
    assert acl.util.ptr_to_bytes(pointer, 32) == np.arange(8, dtype=np.float32).tobytes()
    del view
    assert acl.rt.free(pointer) == acl.rt.reset_device(0) == acl.finalize() == 0


def test_arrays_are_deprecated_at_the_line_that_passes_them(acl: Any) -> None:
    data = np.zeros((4, 4), np.float32)
    for _ in range(2):  # at every call
        with pytest.warns(Warning, match=r"^acl.util.numpy_to_ptr will be deprecated") as caught:
            acl.util.numpy_to_ptr(data)
        assert caught[0].filename == __file__
    with pytest.warns(Warning, match=r"deprecated|^The input ndarray is discontiguous") as caught:
        acl.util.numpy_to_ptr(data.T[1:])
    assert [one.filename for one in caught] == [__file__] * 2


@DEPRECATED
def test_an_owner_that_died_is_kept_for_a_while_and_not_for_ever(acl: Any) -> None:
    array = np.arange(1000)
    seen = weakref.ref(array)
    acl.util.numpy_to_ptr(array)
    del array
    gc.collect()
    assert seen() is not None
    for _ in range(owners.KEPT):
        acl.util.bytes_to_ptr(bytes(8))
    gc.collect()
    assert seen() is None


@DEPRECATED
def test_large_owners_are_kept_up_to_a_sum(acl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "KEPT_BYTES", 10_000)
    seen = []
    for _ in range(4):
        array = np.zeros(6000, np.uint8)
        seen.append(weakref.ref(array))
        acl.util.numpy_to_ptr(array)
        del array
    gc.collect()
    assert [one() is None for one in seen] == [True, True, True, False]


OWNER_GONE = "AB-RT-0030"


@DEPRECATED
@pytest.mark.acl(violations="ignore")
def test_a_copy_from_memory_that_the_program_dropped_is_a_violation(acl: Any) -> None:
    """pyACL keeps no owner: on a device the bytes may be another object's by then."""
    pointer, ret = acl.rt.malloc(64, 0)
    assert ret == 0
    data = bytes(range(64))
    source = acl.util.bytes_to_ptr(data)
    assert acl.rt.memcpy(pointer, 64, source, 64, 1) == 0
    array = np.arange(16, dtype=np.float32)
    assert acl.rt.memcpy(pointer, 64, acl.util.numpy_to_ptr(array), 64, 1) == 0
    assert fake.violations() == [], "both live"
    for make in (
        lambda: acl.util.bytes_to_ptr(array.tobytes()),
        lambda: acl.util.numpy_to_ptr(np.arange(16, dtype=np.float32)),
    ):
        before, source = len(fake.violations()), make()
        assert acl.rt.memcpy(pointer, 60, source + 4, 60, 1) == 0, "from inside it, too"
        told = fake.violations()[before:]
        assert [(one["id"], one["severity"]) for one in told] == [(OWNER_GONE, "warning")]
        assert told[0]["message"].startswith(f"src {source + 4:#x}, in 64 bytes at {source:#x}: ")
        assert acl.util.ptr_to_bytes(source, 64) == array.tobytes(), "and it was right"
    assert acl.rt.free(pointer) == 0


@DEPRECATED
@pytest.mark.acl(violations="ignore")
def test_what_was_dropped_may_get_an_owner_again(acl: Any) -> None:
    pointer, _ = acl.rt.malloc(64, 0)
    memory = (ctypes.c_float * 16)()

    def owned() -> Any:
        owner = (ctypes.c_float * 16).from_address(ctypes.addressof(memory))
        return np.frombuffer(owner, np.float32)

    source = acl.util.numpy_to_ptr(owned())
    assert acl.rt.memcpy(pointer, 64, source, 64, 1) == 0
    assert [one["id"] for one in fake.violations()] == [OWNER_GONE]
    held = owned()
    assert acl.rt.memcpy(pointer, 64, acl.util.numpy_to_ptr(held), 64, 1) == 0
    assert len(fake.violations()) == 1
    assert acl.rt.free(pointer) == 0


@DEPRECATED
def test_a_view_is_as_good_as_its_array(acl: Any) -> None:
    pointer, _ = acl.rt.malloc(64, 0)
    batch = np.zeros((2, 16), np.float32)
    source = acl.util.numpy_to_ptr(batch[1].reshape(4, 4))
    assert acl.rt.memcpy(pointer, 64, source, 64, 1) == 0
    assert fake.violations() == []
    assert acl.rt.free(pointer) == 0


@pytest.mark.acl(violations="ignore")
def test_a_model_in_memory_that_the_program_dropped(acl: Any) -> None:
    loaded, ret = acl.mdl.load_from_mem(acl.util.bytes_to_ptr(bytes(bytearray(64))), 64)
    assert ret != 0
    assert [one["id"] for one in fake.violations()] == [OWNER_GONE]
    assert loaded == 0


@DEPRECATED
def test_over_another_library_a_warning_tells_it(acl: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owners, "_is_fake", lambda: False)
    pointer, _ = acl.rt.malloc(64, 0)
    with pytest.warns(ResourceWarning, match="was dropped before the call") as caught:
        acl.rt.memcpy(pointer, 64, acl.util.bytes_to_ptr(bytes(bytearray(64))), 64, 1)
    assert caught[0].filename == __file__
    assert acl.rt.free(pointer) == 0


def test_threads_are_joined_and_tell_what_they_raised(
    acl: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    got: list[Any] = []
    thread, ret = acl.util.start_thread(got.append, [1, 2])
    assert ret == 0
    assert acl.util.stop_thread(thread) == 0
    assert got == [[1, 2]]
    assert acl.util.stop_thread(thread) != 0
    thread, _ = acl.util.start_thread(lambda: got.append(threading.get_ident()), None)
    assert acl.util.stop_thread(thread) == 0
    assert got[1] == thread

    def fails(_: Any) -> None:
        raise OSError("broken")

    thread, _ = acl.util.start_thread(fails, [0])
    with pytest.raises(RuntimeError, match=r"^exception=OSError,msg=thread call failed;$") as told:
        acl.util.stop_thread(thread)
    assert str(told.value.__cause__) == "broken"
    assert "OSError: broken" in capsys.readouterr().err


def test_a_thread_keeps_its_number_until_it_is_joined(acl: Any) -> None:
    """T1 is over and waits for `stop_thread`; what starts then has another number."""
    got: list[int] = []
    threads = []
    for number in range(4):
        thread, _ = acl.util.start_thread(got.append, number)
        threads.append(thread)
        while len(got) <= number:
            time.sleep(0.001)
        time.sleep(0.01)
    assert len({*threads}) == 4
    assert [acl.util.stop_thread(one) for one in threads] == [0] * 4
    assert got == [0, 1, 2, 3]

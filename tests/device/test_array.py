"""Device arrays: made, copied, freed once, and refused where they cannot be right."""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import pickle
import signal
import sys
import threading
import warnings
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle._base import owner

pytestmark = pytest.mark.usefixtures("fake_acl")


def values(shape: tuple[int, ...], dtype: Any) -> Any:
    return np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)


@pytest.mark.parametrize("dtype", ["f4", "f2", "i8", "u1", "bool", ml_dtypes.bfloat16, "c8"])
@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (0, 4), (2, 1, 3)])
def test_what_goes_to_the_device_comes_back(shape: tuple[int, ...], dtype: Any) -> None:
    given = values(shape, dtype)
    with ab.to_device(given) as array:
        assert (array.shape, array.dtype, array.nbytes) == (shape, given.dtype, given.nbytes)
        assert array.device == 0
        assert array.pointer % 64 == 0
        np.testing.assert_array_equal(array.to_host(), given)
        out = np.empty(shape, dtype)
        assert array.to_host(out=out) is out
        np.testing.assert_array_equal(out, given)


def test_an_array_is_one_allocation_and_one_copy() -> None:
    fake.set("trace", "on")
    with ab.Device(0), ab.to_device(np.ones(8, "f4")) as array:
        array.to_host()
        names = [row["function"] for row in fake.trace()]
    assert [names.count(one) for one in ("aclrtMalloc", "aclrtMemcpy", "aclInit")] == [1, 2, 2]


def test_a_view_is_copied_in_its_own_order() -> None:
    given = values((4, 6), "f4")
    with ab.to_device(given.T[::2]) as array:
        np.testing.assert_array_equal(array.to_host(), given.T[::2])


def test_an_array_is_written_again_and_copied_on_the_device() -> None:
    with ab.to_device(values((2, 3), "f4")) as array, ab.empty((2, 3), "f4") as other:
        assert ab.to_device(values((2, 3), "f4") + 1, out=array) is array
        fake.set("trace", "on")
        ab.to_device(array, out=other)
        copies = [row for row in fake.trace() if row["function"] == "aclrtMemcpy"]
        fake.set("trace", "off")
        assert len(copies) == 1
        assert "kind=3" in copies[0]["args"]
        with ab.to_device(other) as third:
            np.testing.assert_array_equal(third.to_host(), values((2, 3), "f4") + 1)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: ab.empty((2, -1), "f4"), ValueError, r"\(2, -1\) has a dim below 0"),
        (lambda: ab.empty((2.0,), "f4"), TypeError, "shape has ints, not 2.0"),
        (lambda: ab.empty(2, "U4"), ValueError, "<U4 has no ACL type"),
        (lambda: ab.empty(2, ">f4"), ValueError, ">f4 has no ACL type"),
        (lambda: ab.empty(2, "f4", "0"), TypeError, "device is an index"),
        (lambda: ab.empty((2**40, 2**40), "f4"), ValueError, "too many"),
        (lambda: ab.to_device([1, 2]), TypeError, "the array is a list"),
        (lambda: ab.to_device(np.array(["a"])), ValueError, "has no ACL type"),
        (lambda: ab.to_device(np.ones(2), out=np.ones(2)), TypeError, "give a DeviceArray"),
        (lambda: ab.DeviceArray.from_pointer(0, 2, "f4"), ValueError, "no address"),
        (lambda: ab.DeviceArray.from_pointer(-64, 2, "f4"), ValueError, "no address"),
        (lambda: ab.DeviceArray.from_pointer(2**64 - 4, 2, "f4"), ValueError, "no address"),
        (lambda: ab.DeviceArray.from_pointer(66, 2, "f4"), ValueError, "no multiple of 4"),
        (lambda: ab.DeviceArray.from_pointer("x", 2, "f4"), TypeError, "a pointer is an int"),
        (lambda: ab.from_dlpack(3), TypeError, "a int has no __dlpack__"),
        (lambda: ab.from_dlpack(np.ones(2)), TypeError, r"in host memory; to_device\(\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        make()
    assert fake.live() == []


def test_a_target_that_does_not_fit_is_refused() -> None:
    with ab.to_device(np.ones((2, 3), "f4")) as array:
        for out, error, text in (
            ([1], TypeError, "give a numpy array"),
            (np.ones((2, 3)), TypeError, "has dtype float64; it must be float32"),
            (np.ones(6, "f4"), ValueError, r"has shape \(6,\); it must be \(2, 3\)"),
            (np.ones((3, 2), "f4").T, ValueError, "not C-contiguous"),
        ):
            with pytest.raises(error, match=text):
                array.to_host(out=out)
        with pytest.raises(TypeError, match="must be float64"):
            ab.to_device(np.ones((2, 3)), out=array)
        with pytest.raises(ValueError, match=r"must be \(6,\)"):
            ab.to_device(np.ones(6, "f4"), out=array)
        with pytest.raises(TypeError, match=r"copy it with .to_host\(\)"):
            np.asarray(array)


def test_no_device_and_no_memory_are_told() -> None:
    with pytest.raises(ab.AclUsageError) as caught:
        ab.empty(2, "f4", 64)
    assert caught.value.code == 107001
    fake.set("memory", str(1 << 20))
    with pytest.raises(ab.AclResourceError) as short:
        ab.empty(1 << 22, "f4")
    assert short.value.code == 207001
    assert fake.live() == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_is_told_of_the_array() -> None:
    with ab.to_device(values((3,), "f4")) as array:
        child = os.fork()
        if child == 0:
            try:
                array.to_host()
            except ab.ClosedError as error:
                told = str(error).startswith(f"this DeviceArray was made in process {os.getppid()}")
                os._exit(0 if told else 1)
            os._exit(2)
        assert os.waitpid(child, 0)[1] == 0


class TestFreed:
    def test_it_is_freed_once_and_used_no_more(self) -> None:
        array = ab.to_device(np.ones(2, "f4"))
        assert fake.live() != []
        array.free()
        array.free()
        assert fake.live() == []
        assert array.freed
        assert repr(array) == "<DeviceArray float32[2] freed>"
        for use in (
            array.to_host, array.__dlpack__, lambda: array.pointer, lambda: ab.to_device(array),
            array.__enter__,
            lambda: ab.DeviceArray.from_pointer(64, 2, "f4", owner=array),
        ):  # fmt: skip
            with pytest.raises(ab.ClosedError, match=r"DeviceArray float32\[2\] was freed"):
                use()
        assert fake.violations() == []

    def test_collection_frees_without_a_word(self) -> None:
        array = ab.to_device(np.ones(2, "f4"))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            del array
            gc.collect()
        assert fake.live() == []

    def test_a_closed_device_takes_no_array_along(self) -> None:
        device = ab.Device(0)
        array = ab.to_device(np.ones(2, "f4"), device=device)
        device.close()
        np.testing.assert_array_equal(array.to_host(), [1, 1])
        with pytest.raises(ab.ClosedError, match="is closed; give its index"):
            ab.empty(2, "f4", device)
        array.free()
        assert fake.live() == []
        assert fake.violations() == []

    def test_a_part_outlives_the_whole(self) -> None:
        whole = ab.to_device(np.arange(32, dtype="f4"))
        part = ab.DeviceArray.from_pointer(whole.pointer + 64, 4, "f4", owner=whole)
        assert part.owner is whole
        whole.free()
        np.testing.assert_array_equal(part.to_host(), [16, 17, 18, 19])
        part.free()
        assert part.owner is None
        assert fake.live() == []
        assert fake.violations() == []

    def test_an_owner_is_kept_and_let_go(self) -> None:
        class Owner:
            pass

        with ab.empty(4, "f4") as memory:
            owner = Owner()
            array = ab.DeviceArray.from_pointer(memory.pointer, 4, "f4", owner=owner)
            gone = weakref.ref(owner)
            assert array.owner is owner
            del owner
            assert gone() is array.owner is not None
            array.free()
            assert gone() is None

    def test_a_failed_free_is_told(self) -> None:
        array = ab.empty(4, "f4")
        fake.fail("aclrtFree", 1, 507899)
        with pytest.raises(ab.AclError, match="aclrtFree"):
            array.free()
        array.free()
        fake.reset()

    def test_it_stays_in_its_process(self) -> None:
        with ab.empty(4, "f4") as array:
            for send in (copy.copy, copy.deepcopy, pickle.dumps):
                with pytest.raises(TypeError, match="cannot be pickled or copied"):
                    send(array)


class TestFromPointer:
    def test_memory_that_is_no_devices_is_refused(self) -> None:
        host = np.ones(16, "f4")
        with pytest.raises(ValueError, match=r"no device's; to_device\(\) copies"):
            ab.DeviceArray.from_pointer(host.ctypes.data, 16, "f4")
        assert fake.live() == []

    def test_memory_of_another_device_is_refused(self) -> None:
        fake.set("devices", "2")
        with ab.empty(4, "f4", 1) as array:
            with pytest.raises(ValueError, match="is of device 1, not of 0"):
                ab.DeviceArray.from_pointer(array.pointer, 4, "f4", device=0)
            with pytest.raises(ValueError, match=r"is on device 1, not on 0; .* \.to_host"):
                ab.to_device(array, device=0)
            with ab.DeviceArray.from_pointer(array.pointer, 4, "f4", device=1) as same:
                assert same.device == 1
        assert fake.live() == []


def test_threads_free_what_others_read() -> None:
    """Whoever reads an array reads all of it, or is told that it was freed."""
    arrays = [ab.to_device(np.full(256, n, "i4")) for n in range(64)]

    def read(n: int) -> str:
        try:
            return "read" if (arrays[n].to_host() == n).all() else "torn"
        except ab.ClosedError:
            return "freed"

    with ThreadPoolExecutor(6) as pool:
        found = [pool.submit(read, n) for n in range(64) for _ in range(3)]
        freed = [pool.submit(array.free) for array in arrays for _ in range(2)]
        assert [one.result() for one in freed] == [None] * 128
    assert {one.result() for one in found} <= {"read", "freed"}
    assert fake.live() == []
    assert fake.violations() == []


FILES = owner.__file__, contextlib.__file__, weakref.__file__


class Stop(BaseException):
    """What a signal's handler raises."""


def _used() -> object:
    array = ab.to_device(values((100,), "f4"))
    use = array.use()
    array.free()
    return use


COLLECTED: dict[str, Callable[[ab.Bundle, Any], object]] = {
    "array": lambda *_: ab.to_device(values((100,), "f4")),
    "use": lambda *_: _used(),
    "staged": lambda bundle, mlp: bundle.stage(mlp.random(1)),
    "snapshot": lambda bundle, _: bundle.snapshot(),
    "hold": lambda bundle, _: bundle.hold(60_000),
}


def _free_while_interrupted(place: int, made: list[object]) -> bool:
    """Collect something; a signal comes at the place-th call there, or return of one. Did it?"""
    left = place

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stop

    def profile(frame: FrameType, event: str, _: Any) -> None:
        nonlocal left
        file = frame.f_code.co_filename
        if event in ("call", "c_return") and file in FILES:
            left -= 1
            if left == 0:
                signal.raise_signal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, stop)
    found = sys.getprofile()
    sys.setprofile(profile)
    try:
        made.clear()
    except Stop:
        pass
    finally:
        sys.setprofile(found)
        signal.signal(signal.SIGINT, before)
    return left <= 0


@pytest.mark.parametrize("name", COLLECTED)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_signal_while_something_is_collected_loses_nothing(mlp: Any, name: str) -> None:
    """As Python tells it, what a handler raises within a collection goes no further."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with bundle.stage(mlp.random(1)):
            pass
        before, place = len(fake.live()), 1
        while _free_while_interrupted(place, [COLLECTED[name](bundle, mlp)]):
            assert len(fake.live()) == before, f"lost by a signal at call {place}"
            np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-4)
            place += 1
        bundle.update(mlp.random(2))
    assert place > 4


@pytest.mark.timed
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("freed", [True, False])
def test_a_signal_that_came_within_a_run_loses_no_array(mlp: Any, freed: bool) -> None:
    """Its handler runs as the run lets the array go, at the first line of what frees it."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        live = len(fake.live())
        fake.latency("aclmdlExecute", 0.5)
        given = [ab.to_device(mlp.x)]
        threads = [threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGALRM))]
        if freed:
            threads.append(threading.Timer(0.1, given[0].free))
        for one in threads:
            one.start()
        with contextlib.suppress(KeyboardInterrupt):
            bundle.infer(given.pop())
        for one in threads:
            one.join()
        del one, threads
        assert len(fake.live()) == live
        fake.latency("aclmdlExecute", 0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.acl(leaks="ignore")
def test_an_array_that_cannot_be_freed_does_not_hide_why_its_block_failed() -> None:
    array = ab.empty((2,), "f4")
    fake.fail("aclrtFree")
    with pytest.raises(ab.AclError, match="aclrtFree") as failed, array:
        raise KeyError("why")
    assert isinstance(failed.value.__context__, KeyError)

"""Device arrays and DLPack: what torch_npu and its like give, and what they take."""

from __future__ import annotations

import ctypes
import gc
import subprocess
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

from .producers import DLManagedTensor, DLManagedTensorVersioned, Tensor

pytestmark = pytest.mark.usefixtures("fake_acl")

GIVEN = np.arange(6, dtype="f4").reshape(2, 3)
_get = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_rename = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_SetName", ctypes.pythonapi)
)
DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
USED = b"used_dltensor"


class Offered:
    """A capsule, offered as an array on device 0."""

    def __init__(self, capsule: Any) -> None:
        self._capsule = capsule

    def __dlpack__(self, **_: Any) -> Any:
        return self._capsule

    def __dlpack_device__(self) -> tuple[int, int]:
        return 12, 0


@pytest.mark.parametrize("version", [None, 1])
@pytest.mark.parametrize("strides", [None, (3, 1)])
@pytest.mark.parametrize("offset", [0, 64])
def test_another_librarys_array_is_viewed(version: Any, strides: Any, offset: int) -> None:
    with ab.to_device(GIVEN) as memory:
        tensor = Tensor(memory, strides, version=version, offset=offset)
        with ab.from_dlpack(tensor) as array:
            assert array.pointer == memory.pointer
            np.testing.assert_array_equal(array.to_host(), GIVEN)
        assert tensor.asked[0] == {"max_version": (1, 0)}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"strides": (6, 2)}, r"strides \(6, 2\) .* give .contiguous\(\)"),
        ({"strides": (1, 2)}, "C-contiguous"),
        ({"lanes": 4}, "4 lanes"),
        ({"bits": 80}, "type .2, 80., 1 lanes"),
        ({"version": 2}, "is of DLPack 2"),
    ],
)
def test_what_cannot_be_viewed_is_refused(options: dict[str, Any], text: str) -> None:
    with ab.to_device(GIVEN) as memory:
        with pytest.raises(ValueError, match=text):
            ab.from_dlpack(Tensor(memory, **options))
        with pytest.raises(TypeError, match="kind 2; to_device"):
            ab.from_dlpack(Tensor(memory, kind=2))
    assert fake.live() == []


def test_a_dim_of_one_has_any_stride_and_an_empty_array_any_strides() -> None:
    with ab.to_device(np.ones((1, 3), "f4")) as one, ab.empty((0, 3), "f4") as none:
        assert ab.from_dlpack(Tensor(one, (77, 1))).shape == (1, 3)
        assert ab.from_dlpack(Tensor(none, (5, 5))).shape == (0, 3)


def test_a_producer_may_forbid_to_write() -> None:
    with ab.to_device(GIVEN) as memory:
        array = ab.from_dlpack(Tensor(memory, version=1, readonly=True))
        with pytest.raises(ValueError, match="out is read-only"):
            ab.to_device(GIVEN, out=array)
        assert not ab.from_dlpack(Tensor(memory, version=1)).readonly


@pytest.mark.parametrize("dtype", ["f4", "f2", "i8", "bool", "c8", ml_dtypes.bfloat16,
                                   ml_dtypes.float8_e4m3fn])  # fmt: skip
@pytest.mark.parametrize("max_version", [None, (1, 0), (0, 8)])
def test_an_array_comes_back_by_its_own_capsule(dtype: Any, max_version: Any) -> None:
    given = np.arange(6).reshape(2, 3).astype(dtype)
    array = ab.to_device(given)
    capsule = array.__dlpack__(max_version=max_version)
    versioned = max_version == (1, 0)
    assert ("dltensor_versioned" in repr(capsule)) == versioned
    assert array.__dlpack_device__() == (12, 0)
    back = ab.from_dlpack(Offered(capsule))
    array.free()
    del capsule
    gc.collect()
    assert back.dtype == given.dtype
    np.testing.assert_array_equal(back.to_host(), given)
    back.free()
    gc.collect()
    assert fake.live() == []
    assert fake.violations() == []


@pytest.mark.parametrize("kind", [DLManagedTensor, DLManagedTensorVersioned])
def test_a_consumer_keeps_the_memory_until_it_calls_the_deleter(kind: Any) -> None:
    array = ab.to_device(GIVEN)
    versioned = kind is DLManagedTensorVersioned
    capsule = array.__dlpack__(max_version=(1, 1) if versioned else None)
    name = b"dltensor_versioned" if versioned else b"dltensor"
    managed = kind.from_address(_get(capsule, name))
    assert managed.tensor.data == array.pointer
    strides = (ctypes.c_int64 * 2).from_address(managed.tensor.strides)
    assert list(strides) == [3, 1]
    assert _rename(capsule, USED) == 0
    array.free()
    del capsule, array
    gc.collect()
    assert fake.live() != []
    DELETER(managed.deleter)(ctypes.addressof(managed))
    gc.collect()
    assert fake.live() == []
    assert fake.violations() == []


def test_a_capsule_is_taken_over_once() -> None:
    with ab.to_device(GIVEN) as array:
        capsule = array.__dlpack__()
        _rename(capsule, USED)
        with pytest.raises(ValueError, match="somebody has taken it over"):
            ab.from_dlpack(Offered(capsule))
        _rename(capsule, b"dltensor")
        del capsule


def test_copies_are_not_made_by_dlpack() -> None:
    with ab.to_device(GIVEN) as array:
        for options in ({"copy": True}, {"dl_device": (1, 0)}):
            with pytest.raises(BufferError, match=r"take .to_host\(\)"):
                array.__dlpack__(**options)
        array.__dlpack__(dl_device=(12, 0), copy=False, stream=-1)
    with ab.empty(2, ml_dtypes.int4) as array, pytest.raises(BufferError, match="no type for int4"):
        array.__dlpack__()


class Npu:
    """A tensor of torch on "npu", of a release whose __dlpack_device__ raises."""

    __module__ = "torch"
    dtype = "torch.bfloat16"
    device = SimpleNamespace(type="npu", index=0)

    def __init__(self, of: Any, strides: tuple[int, ...] = (3, 1)) -> None:
        self._of, self.shape, self._strides = of, of.shape, strides

    def __dlpack__(self, **_: Any) -> Any:
        raise ValueError("Unknown device type npu for Dlpack")

    def __dlpack_device__(self) -> Any:
        raise ValueError("Unknown device type npu for Dlpack")

    def data_ptr(self) -> int:
        return int(self._of.pointer)

    def stride(self) -> tuple[int, ...]:
        return self._strides


def test_a_tensor_whose_dlpack_does_not_know_its_device_is_asked_itself() -> None:
    given = GIVEN.astype(ml_dtypes.bfloat16)
    with ab.to_device(given) as memory:
        with ab.from_dlpack(Npu(memory)) as array:
            assert isinstance(array.owner, Npu)
            np.testing.assert_array_equal(array.to_host(), given)
        with pytest.raises(ValueError, match="C-contiguous"):
            ab.from_dlpack(Npu(memory, (1, 2)))


def test_an_order_of_the_chips_own_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    torch_npu: Any = ModuleType("torch_npu")
    torch_npu.get_npu_format = lambda _: 29
    monkeypatch.setitem(sys.modules, "torch_npu", torch_npu)
    with ab.to_device(GIVEN.astype(ml_dtypes.bfloat16)) as memory:
        with pytest.raises(ValueError, match=r"kept as FRACTAL_NZ; give torch_npu.npu_format_cast"):
            ab.from_dlpack(Npu(memory))
        torch_npu.get_npu_format = lambda _: 2
        ab.from_dlpack(Npu(memory)).free()


UNCONSUMED = """
import numpy as np, acl_bundle as ab
from acl_bundle import fake
fake.activate()
kept = ab.to_device(np.ones(4, "f4"))
capsule = kept.__dlpack__()
array = ab.from_dlpack(kept)
"""


def test_capsules_that_are_left_at_exit_do_no_harm() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", UNCONSUMED], check=True, capture_output=True, text=True
    )
    assert done.stderr == ""


def test_an_array_without_elements_may_have_any_dims() -> None:
    with ab.empty((0, 2**32, 2**32), np.int8) as array:
        assert ab.from_dlpack(array).shape == (0, 2**32, 2**32)
    with (
        ab.empty((0, 2**70), np.int8) as array,
        pytest.raises(BufferError, match=r"no dim of 2\*\*63"),
    ):
        array.__dlpack__()

"""`acl.util`: how bytes and arrays become pointers and come back, and threads."""

from __future__ import annotations

import threading
import traceback
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._binding.shim import ffi
from acl_bundle.pyacl.owners import keep
from acl_bundle.pyacl.readable import is_readable
from acl_bundle.pyacl.structs import address

__all__ = ["FUNCTIONS"]

NO_SUCH_THREAD = 3  # what pthread_join answers
TRIED = 16

_threads: dict[int, tuple[threading.Thread, list[BaseException]]] = {}


def _bytes_to_ptr(_: Any, data: object) -> int:
    if not isinstance(data, bytes):
        raise ValueError("needs an byte as argument: acl.util.bytes_to_ptr takes bytes alone")
    where = address(ffi.from_buffer(data))
    keep(where, data, len(data))
    return where


def _memory(full: str, pointer: int, nbytes: int) -> Any:
    """The bytes behind a pointer.

    Raises:
        ValueError: It is NULL, the host cannot read it, or the size is none.
    """
    if not 0 <= nbytes < 1 << 63:
        raise ValueError(f"{full}: {nbytes} is no size")
    if not pointer and nbytes:
        raise ValueError(f"{full}: the pointer is NULL")
    if not is_readable(pointer, nbytes):
        raise ValueError(
            f"{full}: the host cannot read {nbytes} bytes at {pointer:#x}: they were freed, or are"
            " a device's, which acl.rt.memcpy reads (boards whose host and device share memory"
            " answer 0 to acl.rt.get_run_mode; so does the fake with ACL_FAKE_RUN_MODE=device)"
        )
    return ffi.buffer(ffi.cast("char *", pointer % (1 << 64)), nbytes)


def _ptr_to_bytes(_: Any, pointer: int, nbytes: int) -> bytes:
    return bytes(_memory("acl.util.ptr_to_bytes", pointer, nbytes)[:])


def _deprecated(name: str, instead: str) -> None:
    warnings.warn(
        f"acl.util.{name} will be deprecated: use acl.util.{instead}", Warning, stacklevel=4
    )


def _array(full: str, data: object) -> NDArray[Any]:
    if not isinstance(data, np.ndarray):
        raise ValueError(f"needs an ndarray as argument: {full} was given {type(data).__name__}")
    return data


def _owner(array: Any) -> Any:
    """Whose memory it is: a view may go before it."""
    while getattr(array, "base", None) is not None:
        array = array.base
    return array.obj if isinstance(array, memoryview) else array


def _numpy_to_ptr(_: Any, data: object) -> int:
    array = _array("acl.util.numpy_to_ptr", data)
    _deprecated("numpy_to_ptr", "bytes_to_ptr")
    if not array.flags.c_contiguous:
        warnings.warn(
            "The input ndarray is discontiguous: the pointer of acl.util.numpy_to_ptr is of a"
            f" view with strides {array.strides}", Warning, stacklevel=3,
        )  # fmt: skip
    keep(int(array.ctypes.data), _owner(array), array.nbytes)
    return int(array.ctypes.data)


def _numpy_contiguous_to_ptr(_: Any, data: object) -> tuple[int, NDArray[Any]]:
    array = np.ascontiguousarray(_array("acl.util.numpy_contiguous_to_ptr", data))
    keep(int(array.ctypes.data), _owner(array), array.nbytes)
    _deprecated("numpy_contiguous_to_ptr", "bytes_to_ptr")
    return int(array.ctypes.data), array


@cache
def _dtypes() -> dict[int, np.dtype[Any]]:
    """Numpy's own numbers of its types."""
    codes = np.typecodes["AllInteger"] + np.typecodes["AllFloat"] + "?"
    return {np.dtype(code).num: np.dtype(code) for code in codes}


def _ptr_to_numpy(_: Any, pointer: int, shape: object, number: int) -> NDArray[Any]:
    if not isinstance(shape, tuple):
        raise ValueError(f"shape is empty: acl.util.ptr_to_numpy takes a tuple, not {shape!r}")
    if not all(isinstance(one, int) for one in shape):
        raise TypeError(f"the second argument is not list of int, but {shape!r}")
    if number not in _dtypes():
        raise ValueError(f"acl.util.ptr_to_numpy: {number} is no number of a type in numpy")
    dtype = _dtypes()[number]
    nbytes = int(np.prod(shape, dtype=object)) * dtype.itemsize
    _deprecated("ptr_to_numpy", "ptr_to_bytes")
    memory = _memory("acl.util.ptr_to_numpy", pointer, nbytes)
    return np.frombuffer(memory, dtype).reshape(shape) if nbytes else np.empty(shape, dtype)


def _start_thread(_: Any, function: Any, argument: object) -> tuple[int, int]:
    if not callable(function):
        raise TypeError("parameter must be callable")
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function(*(() if argument is None else (argument,)))
        except BaseException as error:  # stop_thread tells it, too
            traceback.print_exception(error)
            raised.append(error)

    begin, numbers = threading.Event(), list[int]()

    def wait() -> None:
        begin.wait()
        if threading.get_ident() == numbers[-1]:
            run()

    # The system gives the number of a thread again that is over. One that waits for stop_thread
    # has to keep it, so the next thread is tried while this one has it.
    while not numbers or (numbers[-1] in _threads and len(numbers) < TRIED):
        thread = threading.Thread(target=wait, daemon=True)  # a pthread dies with the process, too
        thread.start()
        numbers.append(thread.ident or 0)  # pthread_self: aclrtSubscribeReport takes it
    _threads[numbers[-1]] = (thread, raised)
    begin.set()
    return numbers[-1], 0


def _stop_thread(_: Any, number: int) -> int:
    if number not in _threads:
        return NO_SUCH_THREAD
    thread, raised = _threads[number]
    thread.join()
    _threads.pop(number, None)
    for error in raised:
        name = type(error).__name__
        raise RuntimeError(f"exception={name},msg=thread call failed;") from error
    return 0


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "acl.util.bytes_to_ptr": _bytes_to_ptr,
    "acl.util.ptr_to_bytes": _ptr_to_bytes,
    "acl.util.numpy_to_ptr": _numpy_to_ptr,
    "acl.util.numpy_contiguous_to_ptr": _numpy_contiguous_to_ptr,
    "acl.util.ptr_to_numpy": _ptr_to_numpy,
    "acl.util.start_thread": _start_thread,
    "acl.util.stop_thread": _stop_thread,
}

"""The fake's controls, from Python.

The fake is one shared library, ``libascendcl.so`` in this package, that any
program can load. `activate` makes it the library of this process; everything
else here speaks to the same file through ``fakes/aclfake.h``.

    >>> from acl_bundle import fake
    >>> fake.activate()                       # doctest: +SKIP
    >>> fake.fail("aclrtMemcpy", nth=3, code=507899)    # doctest: +SKIP
    >>> fake.live(), fake.violations()        # doctest: +SKIP
    ([], [])
"""

from __future__ import annotations

import ctypes
import json
import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from acl_bundle._api import load_library

__all__ = [
    "activate",
    "calls",
    "fail",
    "latency",
    "library_path",
    "live",
    "onnxruntime_path",
    "reset",
    "set",
    "trace",
    "violations",
]


def library_path() -> Path:
    """Return the path of the fake's shared library.

    Raises:
        FileNotFoundError: The package was not built.
    """
    path = Path(__file__).parent / "lib" / "libascendcl.so"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: the package is not built; pip install it")
    return path


@cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()), mode=ctypes.RTLD_LOCAL)
    library.aclGetRecentErrMsg.restype = ctypes.c_char_p
    library.aclfakeSet.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.aclfakeFail.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.c_int]
    library.aclfakeLatency.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.c_double]
    library.aclfakeRead.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    library.aclfakeRead.restype = ctypes.c_size_t
    return library


def _check(status: int, what: str) -> None:
    if status:
        detail = _library().aclGetRecentErrMsg() or b""
        raise ValueError(f"{what}: {detail.decode('utf-8', 'replace') or 'refused'}")


def activate() -> Path:
    """Make the fake this process's libascendcl.so and return its path.

    Idempotent. The onnxruntime package that this Python would import is the
    one that computes.

    Raises:
        RuntimeError: Another library is already open in this process.
    """
    path = library_path()
    load_library(path)
    _use_onnxruntime()
    return path


def onnxruntime_path() -> Path | None:
    """Return the ONNX Runtime that the fake is told to compute with, None for its own search.

    ``$ACL_FAKE_ONNXRUNTIME`` where it is set, else the one in the package that
    this Python would import.
    """
    given = os.environ.get("ACL_FAKE_ONNXRUNTIME")
    if given:
        return Path(given)
    spec = find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("capi/libonnxruntime.so.1.*"))
    return found[-1] if found else None


def _use_onnxruntime() -> None:
    path = onnxruntime_path()
    if path is not None:
        set("onnxruntime", str(path))


def reset() -> None:
    """Put the fake in the state of a fresh process: objects, memory, settings, trace.

    No other thread may be inside the library, and nothing loaded before may
    be used after.
    """
    _library().aclfakeReset()
    _use_onnxruntime()


def set(key: str, value: str | int) -> None:
    """Change a setting; ``fakes/aclfake.h`` lists them.

    Raises:
        ValueError: The key is unknown or the value does not fit it.
    """
    _check(_library().aclfakeSet(key.encode(), str(value).encode()), f"{key}={value}")


def fail(function: str, nth: int = 1, code: int = 507899) -> None:
    """Make the nth call from now on (0: every call) of a function return a code.

    Args:
        function: An ACL function, or ``"*"`` for all that can fail.
        nth: 1 is the next call.
        code: The status; 0 removes the fault.

    Raises:
        ValueError: The fake has no such function.
    """
    _check(_library().aclfakeFail(function.encode(), nth, code), function)


def latency(function: str, seconds: float, seconds_per_byte: float = 0.0) -> None:
    """Let every call of a function sleep.

    Raises:
        ValueError: The fake has no such function.
    """
    status = _library().aclfakeLatency(
        function.encode(), round(seconds * 1e9), seconds_per_byte * 1e9
    )
    _check(status, function)


def _read(what: str) -> list[dict[str, Any]]:
    library, size = _library(), 0
    while (needed := library.aclfakeRead(what.encode(), None, 0)) > size:
        size = needed + 4096  # room for what other threads add meanwhile
        text = ctypes.create_string_buffer(size)
        if library.aclfakeRead(what.encode(), text, size) <= size:
            return [json.loads(line) for line in text.value.decode().splitlines()]
    return []


def trace() -> list[dict[str, Any]]:
    """Every call since ``set("trace", "on")``: function, args, status, thread, ns."""
    return _read("trace")


def calls() -> dict[str, int]:
    """How often each function was called since the last reset."""
    return {row["function"]: row["calls"] for row in _read("calls")}


def live() -> list[dict[str, Any]]:
    """Every object and allocation that has not been given back, and who made it."""
    return _read("live")


def violations() -> list[dict[str, Any]]:
    """Every misuse so far: id, severity, message, function."""
    return _read("violations")

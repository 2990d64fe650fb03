"""The fake's controls, from Python.

The fake is one shared library, ``libascendcl.so`` in this package, that any
program can load. `activate` makes it the library of this process; everything
else here speaks to the same file through ``fakes/aclfake.h``.

    >>> from acl_bundle import fake
    >>> fake.activate()                       # doctest: +SKIP
    >>> fake.fail("aclrtMemcpy", nth=3, code=507899)    # doctest: +SKIP
    >>> fake.live(), fake.violations()        # doctest: +SKIP
    ([], [])

What changes something raises RuntimeError in a fork of a process that had
called aclInit: the fake refuses it there, as a device would.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from acl_bundle._binding.library import forget, load_library
from acl_bundle.fake import _table
from acl_bundle.fake._engines import image_paths, onnxruntime_path
from acl_bundle.fake._library import check, include_path, opened, read, read_text
from acl_bundle.fake._library import path as library_path
from acl_bundle.fake.callbacks import from_function, register_all

__all__ = [
    "activate",
    "calls",
    "fail",
    "from_function",
    "get",
    "image_paths",
    "include_path",
    "latency",
    "leaks",
    "library_path",
    "live",
    "machines",
    "onnxruntime_path",
    "profiles",
    "report",
    "reset",
    "set",
    "settings",
    "tasks",
    "trace",
    "violations",
]


def activate() -> Path:
    """Make the fake this process's libascendcl.so and return its path.

    Idempotent. Whoever opens libascendcl.so, libacl_rt.so or another of the
    names by its name gets the fake from then on. The onnxruntime package that
    this Python would import is the one that computes, and Pillow's libraries decode images.

    Raises:
        RuntimeError: Another library is already open in this process.
    """
    path = library_path()
    load_library(path)
    for forward in sorted(path.parent.glob("*.so")):
        ctypes.CDLL(str(forward))  # from now on found by its name alone, whoever asks
    _use_engines()
    return path


def _use_engines() -> None:
    path = onnxruntime_path()
    if path is not None:
        set("onnxruntime", str(path))
    for key, found in image_paths().items():
        set(key, str(found))


def reset() -> None:
    """Put the fake in the state of a fresh process: objects, memory, settings, trace.

    No other thread may be inside the library, and nothing loaded before may
    be used after.
    """
    forget()
    check(opened().aclfakeReset(), "reset")
    _use_engines()
    register_all()


def set(key: str, value: str | int) -> None:
    """Change a setting; ``fakes/aclfake.h`` lists them.

    Raises:
        ValueError: The key is unknown or the value does not fit it.
    """
    check(opened().aclfakeSet(key.encode(), str(value).encode()), f"{key}={value}")


def get(key: str) -> str:
    """Return a setting, as text.

    Raises:
        ValueError: The key is unknown.
    """
    values = _settings()
    if key not in values:
        raise ValueError(f"there is no setting {key!r}; there are {', '.join(values)}")
    return values[key]


def _settings() -> dict[str, str]:
    return {row["key"]: row["value"] for row in read("settings")}


@contextmanager
def settings(**changes: str | int) -> Iterator[None]:
    """Change settings for the time of a ``with`` block.

        with fake.settings(devices=2, memory=1 << 20):
            ...

    Raises:
        ValueError: A key is unknown or a value does not fit it; nothing is
            changed then. Or a setting cannot go back, such as the memory of
            a device that is in use.
    """
    before = {key: get(key) for key in changes}
    changed: list[str] = []
    try:
        for key, value in changes.items():
            set(key, value)
            changed.append(key)
        yield
    finally:
        for key in reversed(changed):
            set(key, before[key])


def fail(function: str, nth: int = 1, code: int = 507899) -> None:
    """Make the nth call from now on (0: every call) of a function return a code.

    Args:
        function: An ACL function, or ``"*"`` for all that can fail.
        nth: 1 is the next call.
        code: The status; 0 removes the fault.

    Raises:
        ValueError: The fake has no such function.
    """
    check(opened().aclfakeFail(function.encode(), nth, code), function)


def latency(function: str, seconds: float, seconds_per_byte: float = 0.0) -> None:
    """Let every call of a function sleep.

    Raises:
        ValueError: The fake has no such function.
    """
    status = opened().aclfakeLatency(
        function.encode(), round(seconds * 1e9), seconds_per_byte * 1e9
    )
    check(status, function)


def trace() -> list[dict[str, Any]]:
    """Every call since ``set("trace", "on")``: function, args, status, process, thread, ns."""
    return read("trace")


def tasks() -> list[dict[str, Any]]:
    """Every task that a stream did since ``set("trace", "on")``, and every mark of aclprofMark.

    A task has the seq and the function of the call that queued it, when it was queued, began and
    how long it took (queued_ns, start_ns, ns), status, stream, device, model and bytes.
    """
    return read("tasks")


def calls() -> dict[str, int]:
    """How often each function was called since the last reset."""
    return {row["function"]: row["calls"] for row in read("calls")}


def live() -> list[dict[str, Any]]:
    """Every object and allocation that has not been given back, and who made it."""
    return read("live")


def violations() -> list[dict[str, Any]]:
    """Every misuse so far: id, severity, message, function."""
    return read("violations")


def profiles() -> list[dict[str, Any]]:
    """The times of each profile: profile, function, fixed_ns, ns_per_byte, source."""
    return read("profiles")


def machines() -> list[dict[str, Any]]:
    """The device of each profile: profile, soc, memory in bytes, source."""
    return read("machines")


def leaks() -> str:
    """Return a table of what was created, destroyed and is live, and the calls that made it."""
    return read_text("report")


def report() -> str:
    """Return that table, and one of the violations where there are any."""
    misused = violations()
    return f"{leaks()}\n{_table.violations(misused)}\n" if misused else leaks()

"""Every public parameter, given what it cannot be: an error that names both, and nothing else.

A row is one callable with arguments that are right. Each parameter in turn gets each wrong value;
what comes is one of our errors, or a TypeError or ValueError, whose text has the parameter and the
value. Values that a parameter takes are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import acl_bundle as ab

WRONG: dict[str, Any] = {
    "None": None, "bytes": b"ab", "str": "x", "float": 1.5, "True": True, "-1": -1,
    "2**70": 2**70, "2**31": 2**31, "2**32+1": 2**32 + 1, "-2**63": -(2**63), "0": 0,
    "nan": float("nan"), "[]": [], "{}": {}, "()": (), "object": object(), "array": np.array(3),
    "nested": ["w"],
}  # fmt: skip
NAMED = {
    "source": ("path", "No such", "bytes>"), "model_path": ("path", "No such", "bytes>"),
    "device_id": ("device",), "index": ("device",), "acl_json_path": ("config", "No such"),
    "config": ("config", "No such"), "program": ("program", "No such"), "inputs": ("input",),
    "outputs": ("output",), "out": ("output",), "shape": ("float32[",), "pointer": ("at 0x",),
    "name": ("weight",), "weights": ("weights", "no weight", "constant"),
    "path": ("No such",), "ready": ("event",), "feeds": ("input",),
    "feeds_list": ("feeds", "input"), "items": ("input",), "model": ("No such",),
    "base": ("weight",), "adapter": ("No such",),
}  # fmt: skip
"""Words that name a parameter in a message, beside its own name."""
LABEL = "None str -1 2**70 2**31 2**32+1 -2**63 0 array"
UNTRIED = {
    **dict.fromkeys(("timeout_ms", "limit_ms"), "array"),  # 3 ms, which may be too short
    "ready": "2**31 2**32+1 array",  # addresses; the fake would tell of a violation
}


@dataclass
class Row:
    """One callable.

    Attributes:
        call: It.
        right: Arguments that are right.
        takes: Of WRONG, by parameter, what it takes all the same.
    """

    call: Callable[..., Any]
    right: Mapping[str, Any]
    takes: Mapping[str, str] = field(default_factory=dict)


def _end(made: object) -> None:
    """Give back what a value made that was taken all the same."""
    for end in ("free", "close", "discard", "release"):
        if hasattr(made, end):
            getattr(made, end)()
            return


def _names(text: str, parameter: str) -> bool:
    return any(word in text for word in (parameter, *NAMED.get(parameter, ())))


def _tells(text: str, value: object) -> bool:
    """Whether a message has a value, or what is wrong with it: its type, that it is empty."""
    told = [repr(value), type(value).__name__, str(value)[:40]]
    if isinstance(value, int):
        told += [
            f"of {value.bit_length()} bits",
            f"{float(value)}",
            hex(value),
            f"0x{value:x}",
            "NULL",
        ]
    elif isinstance(value, list | bytes) and value:
        told += [repr(value[0]), type(value[0]).__name__, "<U1"]
    elif value is None or isinstance(value, list | dict | tuple):
        told += [
            "not 0",
            "misses",
            "0 feeds",
            "[]",
            "empty",
            "there are none",
            "there is none",
            "no weight",
        ]
    elif isinstance(value, np.ndarray):
        told += ["0x3", "8 bytes", "host memory", "dtype int64", "is 3"]
    return any(one in text for one in told)


def faults_of(name: str, row: Row) -> list[str]:
    """What is wrong with what comes of each wrong value."""
    faults = []
    _end(row.call(**row.right))
    for parameter in row.right:
        for called, value in WRONG.items():
            if called in UNTRIED.get(parameter, ""):
                continue
            takes = called in row.takes.get(parameter, "").split()
            what = f"{name}({parameter}={called})"
            try:
                _end(row.call(**{**row.right, parameter: value}))
            except (ab.AclBundleError, TypeError, ValueError, BufferError, OSError) as error:
                text = str(error)
                if takes:
                    faults.append(f"{what} is right, and raises {error!r}")
                elif isinstance(error, OverflowError) or not _names(text, parameter):
                    faults.append(f"{what} is not named: {error!r}")
                elif not _tells(text, value):
                    faults.append(f"{what} does not tell the value: {error!r}")
            except Exception as error:
                faults.append(f"{what}: {error!r}")
            else:
                if not takes:
                    faults.append(f"{what} was taken")
    return faults

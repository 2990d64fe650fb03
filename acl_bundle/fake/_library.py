"""The door to the fake's own functions, those of ``fakes/aclfake.h``.

The library is opened through ctypes, which finds the same instance that the
binding and every other program of this process have. Nothing is opened before
the first use. A refusal becomes a ValueError with the library's own words.
"""

from __future__ import annotations

import ctypes
import json
from functools import cache
from pathlib import Path
from typing import Any

from acl_bundle.errors import visible

FORKED = -2
"""What a control answers in a fork that is refused (fakes/aclfake.h)."""


def path() -> Path:
    """Return the path of the fake's shared library.

    Raises:
        FileNotFoundError: The package was not built.
    """
    found = Path(__file__).parent / "lib" / "libascendcl.so"
    if not found.exists():
        raise FileNotFoundError(f"{found} is missing: the package is not built; pip install it")
    return found


def include_path() -> Path:
    """Return the folder of the headers that programs of C and C++ include, as ``acl/acl.h``.

    Raises:
        FileNotFoundError: The package was not built.
    """
    found = Path(__file__).parent / "include"
    if not (found / "acl" / "acl.h").exists():
        raise FileNotFoundError(f"{found} is missing: the package is not built; pip install it")
    return found


@cache
def opened() -> ctypes.CDLL:
    """Return the library, with the types of what is called here."""
    library = ctypes.CDLL(str(path()), mode=ctypes.RTLD_LOCAL)
    library.aclGetRecentErrMsg.restype = ctypes.c_char_p
    library.aclfakeSet.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    library.aclfakeFail.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.c_int]
    library.aclfakeLatency.argtypes = [ctypes.c_char_p, ctypes.c_uint64, ctypes.c_double]
    library.aclfakeRead.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    library.aclfakeRead.restype = ctypes.c_size_t
    return library


def check(status: int, what: str) -> None:
    """Raise what a control's status means.

    Raises:
        ValueError: What was asked for does not fit.
        RuntimeError: This process is the fork of one that had called aclInit.
    """
    if status:
        detail = visible((opened().aclGetRecentErrMsg() or b"").decode("utf-8", "replace"))
        if status == FORKED:
            raise RuntimeError(detail)
        raise ValueError(f"{visible(what)}: {detail}")


def read_text(what: str) -> str:
    """Return one readout of ``aclfakeRead``.

    Raises:
        RuntimeError: This process is a fork that may not even read.
    """
    library, size = opened(), 0
    while (needed := library.aclfakeRead(what.encode(), None, 0)) > size:
        size = needed + 4096  # room for what other threads add meanwhile
        text = ctypes.create_string_buffer(size)
        if library.aclfakeRead(what.encode(), text, size) <= size:
            return text.value.decode()
    check(FORKED if needed == 0 else 0, what)
    return ""


def read(what: str) -> list[dict[str, Any]]:
    """Return the rows of one readout of ``aclfakeRead``."""
    return [json.loads(line) for line in read_text(what).splitlines()]

"""The compiled shim: C's functions and types, and what is the same for all that use them."""

from __future__ import annotations

from typing import Any

from acl_bundle._acl import ffi, lib

__all__ = ["NULL", "ffi", "lib", "text"]

NULL = ffi.NULL
TEXT_MAX = 1 << 16


def text(pointer: Any) -> str:
    """A C string as Python's, its first 64 KiB; NULL is empty."""
    return "" if pointer == NULL else ffi.string(pointer, TEXT_MAX).decode("utf-8", "replace")

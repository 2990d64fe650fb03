"""The compiled shim: C's functions and types, and what is the same for all that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acl_bundle._acl import ffi, lib

if TYPE_CHECKING:
    from acl_bundle._acl import (
        Lib,
        ab_engine,
        ab_gate,
        ab_runner,
        ab_shapes,
        ab_stage,
        aclDataBuffer,
        aclmdlDataset,
        aclmdlDesc,
        aclrtContext,
    )

__all__ = ["NULL", "Lib", "ab_engine", "ab_gate", "ab_runner", "ab_shapes", "ab_stage",
           "aclDataBuffer", "aclmdlDataset", "aclmdlDesc", "aclrtContext", "ffi", "lib",
           "text"]  # fmt: skip


NULL = ffi.NULL
TEXT_MAX = 1 << 16


def text(pointer: Any) -> str:
    """A C string as Python's, its first 64 KiB; NULL is empty."""
    return "" if pointer == NULL else ffi.string(pointer, TEXT_MAX).decode("utf-8", "replace")

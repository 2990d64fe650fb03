"""Protobuf's wire format, written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ctypes import PYFUNCTYPE, py_object
from functools import lru_cache
from typing import Any, Final, TypeAlias

from acl_bundle._acl import lib

Fields: TypeAlias = tuple[Any, ...]
"""A message: each field's number, and behind it what the field holds.

That is an integer, a float of 32 bits, a text, bytes, or a message of its own; a list of these
where the field is there for each.
"""

encode: Final[Callable[[Fields], bytes]] = PYFUNCTYPE(py_object)(lib.ab_encode_maker())()
"""Return the bytes of a message (csrc/wire/encode.c)."""


def varints(values: Iterable[int]) -> bytes:
    """Return what a packed field of numbers holds."""
    return b"".join(map(varint, values))


@lru_cache(maxsize=1024)
def varint(value: int) -> bytes:
    """Return a number as a varint; a negative one takes ten bytes."""
    return encode((1, value))[1:]

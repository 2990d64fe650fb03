"""Bundles that a function of the running process computes.

The file holds a number; the fake calls what is registered under it. Most
callers want ``acl_bundle.fake.from_function``, which registers as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from operator import index

from numpy.typing import ArrayLike

from acl_bundle.build._program.program import Kind
from acl_bundle.build.idle import Ends, opaque
from acl_bundle.build.result import Bundle

_NUMBERS = range(1, 1 << 64)


def callback(
    number: int,
    inputs: Ends,
    outputs: Ends,
    *,
    weights: Mapping[str, ArrayLike] | None = None,
    init: bool = True,
) -> Bundle:
    """Build a bundle whose inference graph is what ``aclfakeCallback`` registers.

    The init and update graphs are real.

    Args:
        number: Under which the function is registered, 1 to 2**64 - 1.
        inputs: ``(dtype, shape)`` by name.
        outputs: ``(dtype, shape)`` by name; at least one.
        weights: First values by name; copied. Without any the bundle has the
            inference graph alone.
        init: Whether the bundle has an init graph.

    Raises:
        WeightError: A weight has no name, no elements, or a dtype ACL lacks.
        TypeError: The number is no integer.
        ValueError: The number, a name, dtype or shape does not fit, or there
            is no output.
    """
    if index(number) not in _NUMBERS:  # index: a range is walked for what is no integer
        raise ValueError(f"number is {number}; 1 to 2**64 - 1 is right")
    return opaque(Kind.CALLBACK, number, inputs, outputs, weights or {}, init=init)

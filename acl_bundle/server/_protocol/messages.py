"""A request for an inference and its answer, as the model sees them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle.errors import visible
from acl_bundle.server._protocol.refusal import Refusal, Why

Array = NDArray[Any]
ID_MAX: Final = 1024
RANK_MAX: Final = 32
DIM_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A request, taken apart and not yet compared with what the model takes.

    Attributes:
        id: What the client calls it; the answer says it again.
        inputs: The arrays by name. They lie in the body that came, which must live.
        version: Of which weights the answer must be; empty for whichever.
        outputs: What is wanted, by name, and whether as bytes (HTTP); empty for all.
        binary: Whether outputs that are not named are wanted as bytes (HTTP).
    """

    id: str
    inputs: Mapping[str, Array]
    version: str = ""
    outputs: Mapping[str, bool] = field(default_factory=dict)
    binary: bool = False


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """What came out.

    Attributes:
        id: The request's.
        version: Of the weights that computed it.
        outputs: The arrays that were wanted, by name.
    """

    id: str
    version: str
    outputs: Mapping[str, Array]


def shape_of(dims: Iterable[object], what: str) -> tuple[int, ...]:
    """Check a shape.

    Raises:
        Refusal: It has too many dims, or one that is no size.
    """
    shape = tuple(dims)
    if len(shape) > RANK_MAX:
        raise Refusal(Why.INVALID, f"{what} has {len(shape)} dims; at most {RANK_MAX} are right")
    for dim in shape:
        if type(dim) is not int or not 0 <= dim <= DIM_MAX:
            shown = visible(repr(list(shape)))[:200]
            raise Refusal(
                Why.INVALID, f"{what} has shape {shown}; dims are ints from 0 to {DIM_MAX}"
            )
    return shape  # type: ignore[return-value]


def from_bytes(
    data: bytes | bytearray | memoryview,
    begin: int,
    nbytes: int,
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
    what: str,
) -> Array:
    """Return the array whose bytes lie somewhere; nothing is copied.

    Raises:
        Refusal: They are not as many as dtype and shape take.
    """
    count = 1
    for dim in shape:
        count *= dim
    if nbytes != count * dtype.itemsize:
        raise Refusal(
            Why.INVALID,
            f"{what} has {nbytes} bytes; {dtype.name}{list(shape)} has {count * dtype.itemsize}",
        )
    found: Array = np.ndarray(shape, dtype, data, begin)
    return found


def checked_id(given: object) -> str:
    """Return a request's id.

    Raises:
        Refusal: It is no text, or too long.
    """
    if not isinstance(given, str) or len(given) > ID_MAX:
        raise Refusal(
            Why.INVALID,
            f"id is {visible(repr(given))[:80]}; a text of at most {ID_MAX} characters",
        )
    return given


def one_of_each(inputs: dict[str, Array], name: object, what: str) -> str:
    """Return the name of an input that is yet to be given.

    Raises:
        Refusal: It is no text, or was given before.
    """
    if not isinstance(name, str):
        raise Refusal(
            Why.INVALID, f"{what} has the name {visible(repr(name))[:80]}; a text is right"
        )
    if name in inputs:
        raise Refusal(Why.INVALID, f"input {name!r} is given twice")
    return name

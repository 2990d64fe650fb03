"""The .npy format: a header that describes one array, and its bytes.

Only arrays of numbers are taken. Object arrays would have to be unpickled,
which runs code, and are refused; text and dates are no weights. numpy writes
ml_dtypes' types (bfloat16) as bytes of no type, which cannot be told from
others and are refused too.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib import format as npy

from acl_bundle.weights._base.file import bad
from acl_bundle.weights._base.spec import SHAPE_RULE, Array, Spec, is_shape

MAGIC = b"\x93NUMPY"
HEAD_MAX = 12 + 10_000  # what numpy's reader takes, with magic and length

_NAMED = (3, 0)
_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a header says.

    Attributes:
        spec: The array, in native byte order.
        stored: The dtype of the bytes, whose order may be swapped.
        fortran: Whether the first index varies fastest.
        start: Bytes of the header.
    """

    spec: Spec
    stored: np.dtype[Any]
    fortran: bool
    start: int

    @property
    def end(self) -> int:
        """Bytes of header and values."""
        return self.start + self.spec.nbytes

    def view(self, data: memoryview) -> Array:
        """Return the array of a file; copied only if its bytes are swapped."""
        flat = np.frombuffer(data, self.stored, self.spec.size, self.start)
        shape = self.spec.shape
        array = flat.reshape(shape[::-1]).T if self.fortran else flat.reshape(shape)
        return array.astype(self.spec.dtype, copy=False)


class NoNumbersError(Exception):
    """An array that holds no numbers, which is no error in a file."""


def layout(head: memoryview, file: str) -> Layout:
    """Read a header from the first bytes of a .npy file, up to HEAD_MAX of them.

    Raises:
        WeightsFormatError: It is no header, or one of an object array.
        NoNumbersError: The array is of text, dates or records.
    """
    stream = io.BytesIO(bytes(head[:HEAD_MAX]))
    try:
        version = npy.read_magic(stream)
        if version == _NAMED:
            raise NoNumbersError("version 3.0 of the format is for records")
        if version not in _READERS:
            raise ValueError(f"version {version}; 1.0 to 3.0 exist")
        shape, fortran, dtype = _READERS[version](stream)
    except NoNumbersError:
        raise
    except Exception as error:  # numpy reads Python's syntax, and lets its errors through
        raise bad(file, f"the .npy header is damaged: {error}") from None
    _check(dtype, shape, file)
    native = np.dtype(dtype.type)
    return Layout(Spec(shape, native), dtype, fortran, stream.tell())


def check_size(found: Layout, size: int, file: str) -> None:
    """Refuse an array that is not as long as its header says.

    Args:
        found: What the header says.
        size: Bytes of header and values that are there.
        file: Where, for the message.

    Raises:
        WeightsFormatError: There are more or fewer.
    """
    if found.end != size:
        raise bad(
            file,
            f"the header says {found.spec}, so {found.end} bytes with the header, but"
            f" {size} are there",
        )


def _check(dtype: np.dtype[Any], shape: tuple[int, ...], file: str) -> None:
    if dtype.hasobject:
        raise bad(
            file,
            "the array is pickled (dtype object), and unpickling runs code; save numbers, with"
            " allow_pickle=False",
        )
    if dtype.kind == "V" and dtype.names is None:
        raise bad(
            file,
            f"the dtype is {dtype.str!r}, bytes of no type: numpy saves bfloat16 and float8 like"
            " this; save them as safetensors, or as float32",
        )
    if dtype.kind not in "biufc" or dtype.subdtype is not None:
        raise NoNumbersError(f"dtype {dtype} holds no numbers")
    if dtype.itemsize > 16 or dtype.char in "gG":
        raise NoNumbersError(f"dtype {dtype} has another layout on every machine")
    if not is_shape(shape):
        raise bad(file, f"the shape is {shape}; {SHAPE_RULE}")

"""Writing safetensors, one weight in memory at a time.

Tensors stand in the order of their alignment, widest first, and the header is
padded, so every value starts at a multiple of its own width.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any, Final

from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_
from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.file import check_path
from acl_bundle.weights._base.pieces import raw
from acl_bundle.weights._base.spec import Array, Spec, fetch, mapping_of, spec_of
from acl_bundle.weights._base.view import files_of
from acl_bundle.weights._sources.safetensors.header import DTYPES, METADATA, is_text

_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}
_ALIGN: Final = 64


def save(weights: Given, path: Path_, *, metadata: Mapping[str, str] | None = None) -> None:
    """Write weights as a safetensors file, whole or not at all.

    Each weight is fetched once and written before the next one is.

    Args:
        weights: What to write; a view or source is read as it goes.
        path: Where; a file of that name is replaced in one step.
        metadata: Text to keep beside the weights.

    Raises:
        WeightError: The format has no such dtype, or no such name.
        TypeError: ``weights`` is no mapping of name to array, ``metadata`` none
            of text, or ``path`` no path.
        ValueError: ``path`` is the very file that ``weights`` is read from.
        OSError: The file cannot be written; what was there still is.
    """
    check_path(path)
    weights = mapping_of(weights)
    with replacing(path, *files_of(weights)) as file:
        for part in parts(weights, {} if metadata is None else metadata):
            file.write(part)


def to_bytes(weights: Given, *, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return weights as the bytes of a safetensors file, for a store that keeps values.

    Raises:
        WeightError: The format has no such dtype, or no such name.
        TypeError: ``weights`` is no mapping of name to array, or ``metadata``
            none of text.
    """
    return b"".join(parts(weights, {} if metadata is None else metadata))


def parts(weights: Given, metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    """Yield a safetensors file piece by piece; each weight is fetched once, in its turn."""
    weights = mapping_of(weights)
    specs = {name: spec_of(weights, name) for name in weights}
    order = sorted(specs, key=lambda name: (-specs[name].dtype.itemsize, name))
    yield _header({name: specs[name] for name in order}, metadata)
    for name in order:
        yield _value(fetch(weights, name), specs[name], name)


def _header(specs: Mapping[str, Spec], metadata: Mapping[str, str]) -> bytes:
    if not isinstance(metadata, Mapping):
        raise TypeError(f"metadata is {metadata!r:.80}; a mapping of text to text is right")
    odd = [part for part in (*metadata, *metadata.values()) if not is_text(part)]
    if odd:
        raise TypeError(f"the metadata has {odd[0]!r}; text to text is right")
    entries: dict[str, Any] = {METADATA: dict(metadata)} if metadata else {}
    at = 0
    for name, spec in specs.items():
        if spec.dtype not in _NAMES:
            raise WeightError(
                f"weight {name!r} is {spec}, a dtype that safetensors lacks; it has"
                f" {', '.join(dtype.name for dtype in _NAMES)}"
            )
        if name == METADATA or not is_text(name):
            raise WeightError(f"a weight cannot be called {name!r} in a safetensors file")
        offsets = [at, at + spec.nbytes]
        entries[name] = {
            "dtype": _NAMES[spec.dtype], "shape": spec.shape, "data_offsets": offsets,
        }  # fmt: skip
        at = offsets[1]
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-(len(text) + 8) % _ALIGN)
    return struct.pack("<Q", len(text)) + text


def _value(array: Array, spec: Spec, name: str) -> memoryview:
    if (array.shape, array.dtype.newbyteorder("=")) != (spec.shape, spec.dtype):
        raise WeightError(
            f"weight {name!r} was {spec}, and is {array.dtype.name}{list(array.shape)} now"
        )
    return raw(array)

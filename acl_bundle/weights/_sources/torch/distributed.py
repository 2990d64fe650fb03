"""Folders of torch.distributed.checkpoint: ``.metadata``, and parts in ``*.distcp`` files.

`distcp_metadata` reads the metadata, which is a pickle. Each part of a tensor is a
torch file inside a ``.distcp`` file; torch reads it, as `torch.load(weights_only=True)`,
when the weight is asked for.
"""

from __future__ import annotations

import io
import math
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np

from acl_bundle._base.extra import need
from acl_bundle._base.files import NoRegularFileError, Path_, check_regular
from acl_bundle.weights._base.file import bad, inside, map_part, whole
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec, is_shape
from acl_bundle.weights._sources.npy import NoNumbersError
from acl_bundle.weights._sources.torch import distcp_metadata
from acl_bundle.weights._sources.torch.distcp_metadata import Record
from acl_bundle.weights._sources.torch.file import array_of, load

METADATA: Final = ".metadata"
_WAY_OUT: Final = (
    "torch.distributed.checkpoint.format_utils.dcp_to_torch_save(folder, path) makes a torch"
    " file of it"
)


class _Chunk(NamedTuple):
    """A box of a weight: where it starts in it, its sizes, and its bytes as a torch file."""

    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    path: Path
    data: memoryview

    @property
    def box(self) -> tuple[slice, ...]:
        """Its place in the weight."""
        return tuple(slice(a, a + n) for a, n in zip(self.offsets, self.sizes, strict=True))


class DistributedCheckpoint(Source):
    """The tensors of a folder that torch.distributed.checkpoint wrote, as FSDP shards are."""

    kind = "torch distributed checkpoint"

    def __init__(self, path: Path_) -> None:
        """Read the metadata and map the files.

        Raises:
            WeightsFormatError: The metadata is damaged, holds other objects than a
                checkpoint's, or leads out of the folder.
            UnsupportedError: torch is not installed.
            OSError: A file cannot be opened.
        """
        folder = Path(path)
        _check_folder(folder)
        self._torch = need("torch", "torch", "reading a distributed checkpoint of torch")
        self._maps: dict[str, tuple[Path, memoryview]] = {}
        self._chunks: dict[str, list[_Chunk]] = {}
        specs: dict[str, Spec] = {}
        skipped: dict[str, str] = {}
        entries, places = distcp_metadata.read(folder / METADATA)
        for name, entry in entries.items():
            try:
                specs[name] = self._spec(name, entry, folder)
            except NoNumbersError as reason:
                skipped[name] = str(reason)
                continue
            self._chunks[name] = self._parts(name, entry, specs[name], places, folder)
        super().__init__(os.fspath(path), specs, skipped)

    @property
    def files(self) -> tuple[str, ...]:
        """The metadata and the files it names."""
        return (
            os.path.join(self.file, METADATA),
            *(os.fspath(path) for path, _ in self._maps.values()),
        )

    def _spec(self, name: str, entry: object, folder: Path) -> Spec:
        fields = getattr(entry, "__dict__", {})
        if "chunks" not in fields:
            raise NoNumbersError("it is pickled, and no tensor")
        state, size = getattr(fields.get("properties"), "state", None), fields.get("size")
        dtype = getattr(self._torch, state[0], None) if _begins_with_text(state) else None
        if not isinstance(dtype, self._torch.dtype) or not _is_place(size):
            raise bad(folder / METADATA, f"{name!r} has no dtype of torch and sizes")
        array = array_of(name, self._torch.empty(0, dtype=dtype), os.fspath(folder), self._torch)
        return Spec(size, array.dtype)

    def _parts(
        self, name: str, entry: Any, spec: Spec, places: Mapping[object, object], folder: Path
    ) -> list[_Chunk]:
        what = f"{folder / METADATA}: {name!r}"
        chunks = entry.chunks if isinstance(entry.chunks, list) else []
        found = [self._part(what, one, name, places, folder) for one in chunks]
        for one in found:
            ends = zip(one.offsets, one.sizes, spec.shape, strict=False)
            if len(one.offsets) != len(spec.shape) or any(at + n > all_ for at, n, all_ in ends):
                raise bad(what, f"a part at {one.offsets} of {one.sizes} is not inside {spec}")
            if math.prod(one.sizes) * spec.dtype.itemsize > len(one.data):
                raise bad(
                    what,
                    f"a part of {one.sizes} has {len(one.data)} bytes, and {spec.dtype.name} takes"
                    f" {spec.dtype.itemsize} for each element",
                )
        count = sum(math.prod(one.sizes) for one in found)
        if count != spec.size:
            raise bad(what, f"its parts have {count} elements, where {spec} has {spec.size}")
        return found

    def _part(
        self,
        what: str,
        chunk: object,
        name: str,
        places: Mapping[object, object],
        folder: Path,
    ) -> _Chunk:
        fields = getattr(chunk, "__dict__", {})
        offsets, sizes = fields.get("offsets"), fields.get("sizes")
        if not _is_place(offsets) or not _is_place(sizes) or len(offsets) != len(sizes):
            raise bad(what, f"a part is at {offsets!r} of {sizes!r}; sizes are right")
        index = Record()
        index.__setstate__({"fqn": name, "offset": offsets})
        place = getattr(places.get(index), "__dict__", {})
        file, stretch = place.get("relative_path"), (place.get("offset"), place.get("length"))
        if not isinstance(file, str) or not _is_place(stretch):
            raise bad(what, f"no file is given for the part at {offsets}")
        if place.get("transform_descriptors"):
            raise bad(what, f"its bytes are transformed by an extension of torch's; {_WAY_OUT}")
        if file not in self._maps:
            path = inside(file, folder, what)
            self._maps[file] = path, map_part(path)
        (path, data), (start, length) = self._maps[file], stretch
        if start + length > len(data):
            raise bad(
                what,
                f"its part at byte {start} has {length} bytes, but {path} has {len(data)}",
            )
        return _Chunk(offsets, sizes, path, data[start : start + length])

    def _read(self, name: str) -> Array:
        spec, chunks = self._specs[name], self._chunks[name]
        result: Array = np.empty(spec.shape, spec.dtype)
        filled = np.zeros(spec.shape, bool)
        for one in chunks:
            part = self._array(name, one)
            if (part.shape, part.dtype) != (one.sizes, spec.dtype):
                raise bad(
                    one.path,
                    f"the part of {name!r} at {one.offsets} is {part.dtype.name}"
                    f"{list(part.shape)}; {spec.dtype.name}{list(one.sizes)} is right",
                )
            if len(chunks) == 1:
                return part
            if filled[one.box].any():
                raise bad(one.path, f"two parts of {name!r} overlap at {one.offsets}")
            filled[one.box] = True
            result[one.box] = part
        return result

    def _array(self, name: str, part: _Chunk) -> Array:
        whole(part.data, os.fspath(part.path))
        tensor = load(self._torch, os.fspath(part.path), io.BytesIO(part.data))
        try:
            return array_of(name, tensor, os.fspath(part.path), self._torch)
        except NoNumbersError as reason:
            raise bad(part.path, f"the part of {name!r}: {reason}") from None

    def _release(self) -> None:
        self._chunks, self._maps = {}, {}


def _begins_with_text(value: object) -> TypeGuard[tuple[str, ...]]:
    return isinstance(value, tuple) and bool(value) and isinstance(value[0], str)


def _is_place(value: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(value, tuple) and is_shape(value)


def _check_folder(folder: Path) -> None:
    mode = os.stat(folder).st_mode
    if stat.S_ISDIR(mode):
        return
    try:
        check_regular(folder, mode)
    except NoRegularFileError as error:
        raise bad(folder, str(error.strerror)) from None
    raise bad(folder, f"this is a file; the folder that holds {METADATA} is right")

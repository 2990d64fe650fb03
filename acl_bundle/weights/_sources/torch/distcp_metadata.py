"""The metadata of torch.distributed.checkpoint: a pickle, read without running it.

Records of a few known classes become plain objects here, and any other class is
refused by name.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from acl_bundle.weights._base.file import bad, map_part

_RECORDS: Final = {
    "torch.distributed.checkpoint.metadata": (
        "BytesStorageMetadata", "ChunkStorageMetadata", "Metadata", "MetadataIndex",
        "StorageMeta", "TensorProperties", "TensorStorageMetadata", "_MEM_FORMAT_ENCODING",
    ),
    "torch.distributed.checkpoint.filesystem": ("_StorageInfo",),
    "torch.serialization": ("_get_layout",),
    "torch": ("Size", "device"),
    "pathlib": ("PosixPath", "Path", "PurePosixPath"),
    "pathlib._local": ("PosixPath", "Path", "PurePosixPath"),
    "collections": ("OrderedDict",),
}  # fmt: skip


class Record:
    """Stands for an object of torch's: its fields as attributes, another state as ``state``."""

    def __init__(self, *_: object) -> None:
        """Drop what it is made from."""

    def __setstate__(self, state: object) -> None:
        self.__dict__.update(state if isinstance(state, dict) else {"state": state})

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._place() == other._place()

    def __hash__(self) -> int:
        return hash(self._place())

    def _place(self) -> tuple[object, object]:
        """What tells one place of a weight from another, of a MetadataIndex."""
        return self.__dict__.get("fqn"), self.__dict__.get("offset")


class _Unpickler(pickle.Unpickler):
    """Makes records, tuples and texts, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if name in _RECORDS.get(module, ()):
            return {"Size": tuple, "OrderedDict": dict}.get(name, Record)
        if module == "torch" and name.isidentifier() and name.islower():
            return name  # a dtype, by its name
        raise pickle.UnpicklingError(f"{module}.{name} is none of a checkpoint's own classes")


def read(path: Path) -> tuple[Mapping[str, object], Mapping[object, object]]:
    """Return the entries by name, and where each part lies."""
    data = map_part(path)
    try:
        found = _Unpickler(io.BytesIO(data)).load()
    except Exception as error:  # a pickle that is damaged, or is none, fails in many ways
        raise bad(path, f"the metadata cannot be read: {error}") from None
    fields = getattr(found, "__dict__", {})
    entries, places = fields.get("state_dict_metadata"), fields.get("storage_data")
    if not isinstance(entries, dict) or not isinstance(places, dict):
        raise bad(path, f"the metadata is {type(found).__name__}, without tensors and their places")
    odd = [name for name in entries if not isinstance(name, str)]
    if odd:
        raise bad(path, f"a weight is called {odd[0]!r}; a text is right")
    return entries, places

"""External data: the bytes of tensors that lie in files beside an ONNX model.

A model names such a file itself, so the name is not trusted: it must lead to
a file in the model's own folder, links followed. Each file is mapped once,
whole, however many tensors it holds, and stays mapped while a view of it lives.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from onnx import TensorProto

from acl_bundle._base.files import map_regular


class ExternalData:
    """The files beside one model."""

    def __init__(self, folder: Path | None) -> None:
        """Look in a folder; None for a model that came without one."""
        self._folder = folder
        self._mapped: dict[str, memoryview] = {}

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that were read."""
        return tuple(self._folder / one for one in self._mapped) if self._folder else ()

    def read(self, tensor: TensorProto, name: str, nbytes: int) -> memoryview:
        """Return the ``nbytes`` bytes of a tensor, mapped.

        Raises:
            ValueError: There is no folder, or the tensor's entries lead out
                of it, beyond the file's end, or to another number of bytes.
            FileNotFoundError: The file is not there.
        """
        entries = {entry.key: entry.value for entry in tensor.external_data}
        location = entries.get("location", "")
        offset = _number(entries, "offset", 0, name)
        length = _number(entries, "length", nbytes, name)
        if length != nbytes:
            raise ValueError(
                f"constant {name!r} needs {nbytes} bytes, but its external data claims {length}"
            )
        whole = self._map(location, name)
        if offset + length > len(whole):
            raise ValueError(
                f"constant {name!r} should take bytes {offset} to {offset + length} of"
                f" {location!r}, which has {len(whole)}"
            )
        return whole[offset : offset + length]

    def _map(self, location: str, name: str) -> memoryview:
        if location not in self._mapped:
            self._mapped[location] = map_regular(self._inside(location, name))
        return self._mapped[location]

    def _inside(self, location: str, name: str) -> Path:
        if self._folder is None:
            raise ValueError(
                f"constant {name!r} lies in the file {location!r} beside the model; pass the"
                " model's path, or load it with onnx.load, so that the file can be found"
            )
        if not _leads_inside(location, self._folder):
            raise ValueError(
                f"external data of constant {name!r} is said to lie in {location!r}; a path inside"
                f" the model's folder {str(self._folder)!r} is right"
            )
        path = self._folder / location
        if not os.path.exists(path):  # False for impossible names, where Path.exists raises
            raise FileNotFoundError(f"{path}: holds constant {name!r}, but is no file")
        return path


def _leads_inside(location: str, folder: Path) -> bool:
    parts = PurePosixPath(location)
    if not location or "\0" in location or parts.is_absolute() or ".." in parts.parts:
        return False
    try:
        return (folder / parts).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):  # links in a circle
        return False


def _number(entries: dict[str, str], key: str, default: int, name: str) -> int:
    text = entries.get(key)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"external {key} of constant {name!r} is {text!r}; a number >= 0 is right")
    return int(text)

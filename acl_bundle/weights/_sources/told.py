"""Formats that are not read here: each is told by its content, with a line that reads it.

In the lines ``path`` is the file or folder that was given, and ``other`` the name
of a file to write, which `acl_bundle.weights.open` reads.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Collection
from itertools import islice
from pathlib import Path
from typing import Final

from acl_bundle._base.files import open_regular
from acl_bundle.om._bytes.foreign import HEAD, spoilt

_FLAT: Final = 'weights.save(flax.traverse_util.flatten_dict({}, sep="/"), other)'
_KERAS: Final = (
    "load it there, and save its variables: weights.save({one.path: one.numpy() for one in"
    " keras.models.load_model(path).variables}, other)"
)
_FLAX: Final = (
    "msgpack, as flax writes it; restore it there, and save what it holds: "
    + _FLAT.format('flax.serialization.msgpack_restore(open(path, "rb").read())')
)
_ORBAX: Final = "a checkpoint of orbax; restore it there, and save what it holds: " + _FLAT.format(
    "orbax.checkpoint.PyTreeCheckpointer().restore(path)"
)
_HDF5: Final = (
    f"HDF5, as Keras writes it (.h5); {_KERAS}. A file of weights alone goes into the model"
    " first: model.load_weights(path)"
)
_GGUF: Final = (
    "GGUF, for llama.cpp, mostly quantised; open the safetensors or torch file it was made from"
)
_EXPORTED: Final = (
    "a program of torch.export (.pt2); save its weights alone:"
    " torch.save(torch.export.load(path).state_dict, other)"
)
_SCRIPT: Final = (
    "a TorchScript program; save its weights alone:"
    " torch.save(torch.jit.load(path).state_dict(), other)"
)
_ORBAX_FILES: Final = ("_METADATA", "manifest.ocdbt", "_CHECKPOINT_METADATA")
_LOOK_AT_MOST: Final = 100  # files of a folder


def _is_flax(head: bytes) -> bool:
    """A map of msgpack, not empty, whose first key is a text of ASCII."""
    at = {0xDE: 3, 0xDF: 5}.get(head[0], 1 if 0x81 <= head[0] <= 0x8F else 0)
    if not at or len(head) <= at:
        return False
    size = head[at] - 0xA0
    key = head[at + 1 : at + 1 + size]
    return 0 < size < 32 and len(key) == size and key.isascii() and key.decode().isprintable()


_SIGNS: Final[tuple[tuple[Callable[[bytes], bool], str], ...]] = (
    (lambda head: head.startswith(b"\x89HDF\r\n\x1a\n"), _HDF5),
    (lambda head: head.startswith(b"GGUF"), _GGUF),
    (_is_flax, _FLAX),
)


def told(head: bytes) -> str | None:
    """Say what a file is by its first bytes, None for one that is not known."""
    return next((kind for fits, kind in _SIGNS if head and fits(head)), spoilt(head))


def told_archive(names: Collection[str]) -> str | None:
    """Say what a ZIP archive is by its members, None for one that is read or not known."""
    ends = {name.rpartition("/")[2] for name in names}
    if "model.weights.h5" in names:
        return f"a Keras model (.keras); {_KERAS}"
    if "serialized_exported_program.json" in names or {"archive_format", "model.json"} <= ends:
        return _EXPORTED
    if "constants.pkl" in ends and any("/code/" in f"/{name}" for name in names):
        return _SCRIPT
    return None


def told_folder(folder: Path) -> str | None:
    """Say what a folder holds in which there is nothing to read; None when that is not known."""
    for name in _ORBAX_FILES:
        for place in (name, f"*/{name}", f"*/*/{name}"):
            found = next(folder.glob(place), None)
            if found is not None:
                return f"{found.parent}: this is {_ORBAX}"
    for path in islice(sorted(folder.iterdir()), _LOOK_AT_MOST):
        kind = _told_file(path)
        if kind is not None:
            return f"{path}: this is {kind}"
    return None


def _told_file(path: Path) -> str | None:
    try:
        with open_regular(path) as file:
            head = file.read(HEAD)
            if not head.startswith(b"PK"):
                return told(head)
            with zipfile.ZipFile(file) as archive:
                return told_archive(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return None

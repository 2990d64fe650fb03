"""Telling a weights file's format from its content, whatever it is called."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from acl_bundle._base.absent import absent
from acl_bundle._base.files import Path_, open_regular, read_regular
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._proto.wire import Message
from acl_bundle.weights._base.file import bad, map_file, map_part
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._sources.folder import Folder
from acl_bundle.weights._sources.npy import MAGIC as NPY
from acl_bundle.weights._sources.npz import SUFFIX, Npy, Npz
from acl_bundle.weights._sources.om import OmWeights
from acl_bundle.weights._sources.onnx.model import Onnx
from acl_bundle.weights._sources.safetensors.file import Safetensors
from acl_bundle.weights._sources.shards import Shards, TorchShards, index_reader
from acl_bundle.weights._sources.tensorflow.checkpoint import INDEX, TensorFlowCheckpoint
from acl_bundle.weights._sources.tensorflow.checkpoint_v1 import PATTERN, TABLE_MAGIC, files_of
from acl_bundle.weights._sources.tensorflow.graphdef import FrozenGraph
from acl_bundle.weights._sources.told import told, told_archive, told_folder
from acl_bundle.weights._sources.torch.deepspeed import deepspeed
from acl_bundle.weights._sources.torch.distributed import METADATA, DistributedCheckpoint
from acl_bundle.weights._sources.torch.file import Torch

KINDS: Final[dict[str, Callable[[Path_], Source]]] = {
    one.kind: one
    for one in (
        Safetensors,
        Shards,
        Npz,
        Npy,
        Folder,
        Onnx,
        Torch,
        TorchShards,
        DistributedCheckpoint,
        TensorFlowCheckpoint,
        FrozenGraph,
        OmWeights,
    )
}
_KNOWN: Final = ", ".join(KINDS)
_INDEX_NAME: Final = ".safetensors.index.json"
_TORCH_INDEX_NAME: Final = ".bin.index.json"
_TORCH_NAMES: Final = ("*pytorch_model.bin", "adapter_model.bin")  # before safetensors
_SAVED_MODEL: Final = "variables/variables.index"
_STATE_MAX: Final = 1 << 20  # bytes of TensorFlow's file `checkpoint`; its first line counts
_OLD_TORCH: Final = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_BUNDLE_TYPE_AT, _BUNDLE_TYPE = 82, 5
_ONNX_GRAPH, _GRAPHDEF_NODE, _SAVED_MODEL_GRAPHS = 7, 1, 2


def detect(path: Path_) -> tuple[Callable[[Path_], Source], Path_]:
    """Return what reads a file or folder, and the path to give it.

    Raises:
        WeightsFormatError: It is of no known format, or a folder of several.
        OSError: It cannot be opened.
    """
    if os.path.isdir(path):
        return _folder(Path(path))
    if not os.path.exists(path) and (os.path.exists(os.fspath(path) + INDEX) or files_of(path)):
        return TensorFlowCheckpoint, path
    if not os.path.exists(path):
        raise absent(path)
    return _file(map_file(path), path), path


def _folder(folder: Path) -> tuple[Callable[[Path_], Source], Path_]:
    found = list(_in_folder(folder))
    if len(found) == 1:
        reader, path = found[0]
        if path is folder:
            return reader, path
        if reader is not TensorFlowCheckpoint:
            map_part(path)
        elif not files_of(path):
            map_part(f"{path}{INDEX}")
        return reader, path
    names = ", ".join(
        f"{os.fspath(path)} with kind={_kind(reader)!r}" if path is folder else os.fspath(path)
        for reader, path in found
    )
    if found:
        raise bad(folder, f"the folder has several sets of weights; open one of {names}")
    kind = told_folder(folder)
    lacks = "the folder has no .npy, .safetensors or checkpoint file"
    raise bad(folder, lacks if kind is None else f"{lacks}. {kind}")


def _kind(reader: Callable[[Path_], Source]) -> str:
    return next(kind for kind, one in KINDS.items() if one is reader)


def _in_folder(folder: Path) -> list[tuple[Callable[[Path_], Source], Path_]]:
    """Everything in a folder that could be meant."""
    found: list[tuple[Callable[[Path_], Source], Path_]] = []
    indices = sorted(folder.glob(f"*{_INDEX_NAME}"))
    found += [(Shards, one) for one in indices]
    if not indices:
        found += [(Safetensors, one) for one in sorted(folder.glob("*.safetensors"))]
    if not found:
        found += [(TorchShards, one) for one in sorted(folder.glob(f"*{_TORCH_INDEX_NAME}"))]
    if not found:
        found += [(Torch, one) for name in _TORCH_NAMES for one in sorted(folder.glob(name))]
    if (folder / METADATA).is_file():
        found.append((DistributedCheckpoint, folder))
    states = deepspeed(folder)
    if states is not None:
        found.append((partial(Torch, key="module"), states))
    if (folder / _SAVED_MODEL).is_file():
        found.append((TensorFlowCheckpoint, folder / _SAVED_MODEL.removesuffix(INDEX)))
    found += [(TensorFlowCheckpoint, one) for one in _checkpoints(folder)]
    if any(folder.rglob(f"*{SUFFIX}")):
        found.append((Folder, folder))
    return found


def _checkpoints(folder: Path) -> list[Path]:
    """The newest checkpoint where TensorFlow says which it is, else all of them."""
    prefixes = [one.with_suffix("") for one in sorted(folder.glob(f"*{INDEX}"))]
    try:
        state = read_regular(folder / "checkpoint", _STATE_MAX).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return prefixes
    first = state.partition("\n")[0].partition(":")
    newest = Path(first[2].strip().strip('"')).name if first[0] == "model_checkpoint_path" else ""
    newest = PATTERN.sub("", newest)
    if newest and not prefixes and files_of(folder / newest):
        return [folder / newest]
    return [one for one in prefixes if one.name == newest] or prefixes


def _file(data: memoryview, path: Path_) -> Callable[[Path_], Source]:
    head = bytes(data[:128])
    if not head:
        raise bad(path, "the file is empty")
    for fits, reader in _SIGNS:
        if fits(head, bytes(data[-8:])):
            return reader
    if head.lstrip()[:1] == b"{":
        return index_reader(path)
    kind = told(head)
    if kind is not None:
        raise bad(path, f"this is {kind}")
    if head[0] == 0x80 and head[1:2] <= b"\x05":
        raise bad(path, _pickle(head))
    return _zip(path) if head.startswith(_ZIPS) else _message(data, path)


def _is_bundle(head: bytes, _: bytes) -> bool:
    return head[_BUNDLE_TYPE_AT : _BUNDLE_TYPE_AT + 1] == bytes([_BUNDLE_TYPE]) and not any(
        head[:4]
    )


_ZIPS: Final = (b"PK\x03\x04", b"PK\x05\x06")
# By the first bytes and the last eight. Safetensors come first, as their length
# can look like the start of anything.
_SIGNS: Final[tuple[tuple[Callable[[bytes, bytes], bool], Callable[[Path_], Source]], ...]] = (
    (lambda head, _: head[8:9] == b"{" and not any(head[4:8]), Safetensors),
    (lambda head, _: head.startswith(NPY), Npy),
    (lambda head, _: head.startswith(b"IMOD"), OmWeights),
    (_is_bundle, OmWeights),
    (lambda _, tail: tail == TABLE_MAGIC, TensorFlowCheckpoint),
)


def _pickle(head: bytes) -> str:
    advice = "torch.save(model.state_dict(), path), or safetensors"
    if head.startswith(_OLD_TORCH):
        return (
            f"this is torch's format from before 1.6, a pickle: load it and save it anew: {advice}"
        )
    return f"this is a pickle, and reading one runs code; save the weights with {advice}"


def _zip(path: Path_) -> Callable[[Path_], Source]:
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise bad(
            path,
            "it starts as a ZIP archive (.npz, .keras, torch's .pt and .pt2), but is damaged or cut"
            f" short: {error}",
        ) from None
    kind = told_archive(names)
    if kind is not None:
        raise bad(path, f"this is {kind}")
    torch = any(name == "data.pkl" or name.endswith("/data.pkl") for name in names)
    return Torch if torch else Npz


def _message(data: memoryview, path: Path_) -> Callable[[Path_], Source]:
    """Tell the protobuf messages apart by their first fields, which are enough."""
    try:
        message = Message(Span(data, os.fspath(path)))
        fields = {one for one in (_ONNX_GRAPH, _SAVED_MODEL_GRAPHS) if message.count(one)}
        whole = True
    except BundleFormatError:
        fields, whole = set(), False
    if _ONNX_GRAPH in fields:
        return Onnx
    if whole and data[0] == _GRAPHDEF_NODE << 3 | 2:
        return FrozenGraph
    if data[0] == 0x08 and _SAVED_MODEL_GRAPHS in fields:
        raise bad(path, "this is a SavedModel's graph, without its weights; open the folder")
    if bytes(data[8:9]) == b"{":  # one whose length is damaged
        return Safetensors
    raise bad(path, f"this is of no known format; these are: {_KNOWN}")

"""Weights from anywhere: files of other frameworks, and what turns them into ours.

`open` reads a file or folder, whatever wrote it, as a mapping of name to
array. Everything else takes mappings and gives mappings: nothing is read
before a value is asked for, so a set larger than memory passes through.

    >>> with weights.open("model.safetensors") as new:           # doctest: +SKIP
    ...     half = weights.cast(weights.rename(new, strip_prefix="model."), "float16")
    ...     print(half.report())
    ...     bundle.update(half)

Works without a device and without the rest of the package's needs: numpy and
ml_dtypes read everything but torch's files and TensorFlow's checkpoints, for
which torch and tensorflow are imported when one is opened. Writing into an
ONNX model needs onnx.
"""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import SupportsIndex as _SupportsIndex

from acl_bundle._base.files import Path_ as _Path
from acl_bundle.weights._base.file import check_path as _check_path
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Spec
from acl_bundle.weights._base.view import View
from acl_bundle.weights._diff import diff
from acl_bundle.weights._freeze.freeze import freeze
from acl_bundle.weights._sources.detect import KINDS as _KINDS
from acl_bundle.weights._sources.detect import detect as _detect
from acl_bundle.weights._sources.safetensors.file import Safetensors
from acl_bundle.weights._sources.torch.file import Torch
from acl_bundle.weights._transforms.cast import cast
from acl_bundle.weights._transforms.concat import concat, split
from acl_bundle.weights._transforms.layout import reshape, transpose
from acl_bundle.weights._transforms.lora.view import merge_lora
from acl_bundle.weights._transforms.rename import rename, select
from acl_bundle.weights._transforms.sparse.layers import Layouts, layouts_of
from acl_bundle.weights._transforms.sparse.masks import Masks, enforce
from acl_bundle.weights._transforms.sparse.prune import check, sparsify_2_4
from acl_bundle.weights._write import save, to_bytes

if _TYPE_CHECKING:
    from acl_bundle._ipc.weights import IpcWeights as _IpcWeights
    from acl_bundle.device import Device as _Device

__all__ = [
    "Layouts",
    "Masks",
    "Report",
    "Safetensors",
    "Source",
    "Spec",
    "View",
    "cast",
    "check",
    "concat",
    "diff",
    "enforce",
    "freeze",
    "from_ipc",
    "layouts_of",
    "merge_lora",
    "open",
    "rename",
    "reshape",
    "save",
    "select",
    "sparsify_2_4",
    "split",
    "to_bytes",
    "transpose",
]


def open(path: _Path, *, kind: str | None = None, key: str | None = None) -> Source:
    """Open a weights file or folder, and say nothing about its format.

    Args:
        path: A file, a folder, or the prefix of a TensorFlow checkpoint.
        kind: Which format it is, None to tell by the content; one of
            ``"safetensors"``, ``"safetensors index"``, ``"npz"``, ``"npy"``, ``"npy
            folder"``, ``"onnx"``, ``"torch"``, ``"torch index"``, ``"torch distributed
            checkpoint"``, ``"tensorflow checkpoint"``, ``"tensorflow graph"``, ``"om"``.
        key: For torch: where in a checkpoint the weights are.

    Returns:
        A mapping of name to read-only array. Close it, or use it in a ``with``.

    Raises:
        WeightsFormatError: It is damaged, not to be trusted, or of no known format.
        UnsupportedError: The library that reads the format is not installed.
        ValueError: There is no such kind.
        TypeError: ``path`` is none.
        OSError: It cannot be opened.
    """
    _check_path(path)
    if kind is not None and not (isinstance(kind, str) and kind in _KINDS):
        raise ValueError(f"kind is {kind!r:.80}; one of {', '.join(map(repr, _KINDS))} is right")
    reader, place = (_KINDS[kind], path) if kind else _detect(path)
    if key is None:
        return reader(place)
    if reader is not Torch:
        raise ValueError(f"key is {key!r}, but only a torch file has one")
    return Torch(place, key)


def from_ipc(manifest: object, *, device: _SupportsIndex | _Device = 0) -> _IpcWeights:
    """Open weights that another process has in its device memory. Nothing is copied.

    The key in the manifest is imported (aclrtIpcMemImportByKey). The values are DeviceArrays over
    the other process's own memory, which must not write there, or end, until they were used.

    Args:
        manifest: What `acl_bundle.follow.IpcPublisher.manifest` is there: its text, or what JSON
            makes of that. The publisher has let this process import (`IpcPublisher.allow`).
        device: The device of this process on which they lie.

    Returns:
        A mapping of name to DeviceArray. Close it, or use it in a ``with``.

    Raises:
        UnsupportedError: The library does not share memory.
        WeightsFormatError: The manifest is none, or lies about the memory.
        ValueError: The weights are on another card.
        AclError: 507899: the key is stale, or its process does not allow this one.
    """
    from acl_bundle._ipc.weights import open_ipc  # noqa: PLC0415  needs the shim

    return open_ipc(manifest, device)

"""Files that are often given for a model and are none: what they are, and what reads them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

HEAD: Final = 128
"""So many of a file's first bytes tell."""

_WEIGHTS: Final = "acl_bundle.weights.open(path) reads it, for bundle.update"
_ONNX_SECOND: Final = b"\x12\x1a\x22\x28\x32\x3a\x42"  # tags of ModelProto's fields


def _is_safetensors(head: bytes) -> bool:
    return head[8:9] == b"{" and any(head[:4]) and not any(head[4:8])


def _is_torch(head: bytes) -> bool:
    """A ZIP archive whose first member is what torch.save writes first."""
    member = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return head[:4] == b"PK\x03\x04" and member.endswith((b"/data.pkl", b"/data.pk"))


def _is_npz(head: bytes) -> bool:
    member = head[30 : 30 + int.from_bytes(head[26:28], "little")]
    return head[:4] == b"PK\x03\x04" and member.endswith(b".npy")


def _is_html(head: bytes) -> bool:
    return head.lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _is_onnx(head: bytes) -> bool:
    """A version of the IR, and another field of a ModelProto."""
    return head[:1] == b"\x08" and 0 < head[1] < 64 and head[2:3] in _each(_ONNX_SECOND)


def _each(data: bytes) -> set[bytes]:
    """Return the bytes of a text, one by one."""
    return {bytes([one]) for one in data}


def _starts(start: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(start)


_COMPRESSED: Final = (
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\x00", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstandard", "unzstd"),
)
_SIGNS: Final[tuple[tuple[Callable[[bytes], bool], str], ...]] = (
    (_is_safetensors, f"a safetensors file, weights alone; {_WEIGHTS}"),
    (_is_torch, f"a file of torch.save, weights alone; {_WEIGHTS}"),
    (_is_npz, f"an .npz archive of numpy, weights alone; {_WEIGHTS}"),
    (lambda head: head.startswith(b"\x93NUMPY"), f"an .npy file, one weight alone; {_WEIGHTS}"),
    (
        lambda head: head[:1] == b"\x80" and head[1:2] in _each(b"\x02\x03\x04\x05"),
        "a pickle, as torch.save wrote it before 1.6; save the weights anew with"
        " torch.save(model.state_dict(), path), which acl_bundle.weights.open(path) reads",
    ),
    (
        _is_onnx,
        "an ONNX model, not compiled; acl_bundle.build.from_onnx(path, weights=[...]) makes a"
        " bundle of it for the fake, and acl_bundle.weights.open(path) reads its constants",
    ),
)
_SPOILT: Final[tuple[tuple[Callable[[bytes], bool], str], ...]] = (
    *(
        (_starts(start), f"compressed by {name}; unpack it ({tool}), and give what was inside")
        for start, name, tool in _COMPRESSED
    ),
    (_is_html, "an HTML page, so the download gave an error or a login; download the file anew"),
    (_starts(b"<?xml"), "an XML text, so the download gave an error; download the file anew"),
    (
        lambda head: head.startswith(b"version https://git-lfs"),
        "a pointer of Git LFS, in place of the file; fetch that: git lfs pull",
    ),
)


def foreign(head: bytes) -> str | None:
    """Say what a file is by its first `HEAD` bytes, None when it may be a model."""
    if head.startswith((b"IMOD", bytes(4))) or len(head) < 4:
        return None  # a bundle's header begins with zeros, and none of the others does
    return next((kind for fits, kind in _SIGNS if fits(head)), spoilt(head))


def spoilt(head: bytes) -> str | None:
    """Say what came in place of a file, or around it; None for whatever may be one."""
    return next((kind for fits, kind in _SPOILT if fits(head)), None)

"""Which kind of thing a text names, by its content where a name does not say."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Final

from acl_bundle.answers.om import OmOptions, OmSide
from acl_bundle.answers.onnx import OnnxSide
from acl_bundle.answers.saved import SavedSide
from acl_bundle.answers.side import Side
from acl_bundle.weights._sources.detect import detect

__all__ = ["OmOptions", "opened"]

ONNX: Final = "onnx:"
_SAVED: Final = ("npz", "npy", "npy folder", "safetensors")
_SUFFIXES: Final = {".om": "om", ".onnx": "onnx"}


def opened(text: str, options: OmOptions, stack: ExitStack) -> Side:
    """Open what answers.

    Args:
        text: The path of an .om file, an ONNX model (``onnx:`` before it says so) or of
            outputs that were saved.
        options: How a bundle is run.
        stack: Closes what was opened.

    Raises:
        ValueError: It is something else; or the options are not for it.
        AclBundleError, OSError: As for `OmSide`, `OnnxSide` and `SavedSide`.
    """
    path, kind = Path(text.removeprefix(ONNX)), kind_of(text)
    if kind == "om":
        return OmSide(path, options, stack)
    if options.weights is not None or options.graph:
        what = "weights go into" if options.weights is not None else "a graph is chosen of"
        raise ValueError(f"{what} an .om file, and {path} is none but {kind}")
    return OnnxSide(path) if kind == "onnx" else SavedSide(path)


def kind_of(text: str) -> str:
    """Say what a text names: ``"om"``, ``"onnx"``, or the kind of a file of arrays.

    Raises:
        ValueError: It is something else.
        OSError: It cannot be read.
    """
    if text.startswith(ONNX):
        return "onnx"
    path = Path(text)
    if path.suffix in _SUFFIXES:
        return _SUFFIXES[path.suffix]
    kind = str(getattr(detect(path)[0], "kind", "torch"))
    if kind in (*_SUFFIXES.values(), *_SAVED):
        return kind
    raise ValueError(
        f"{path} is a file of {kind}; an .om file, an ONNX model, or saved outputs (.npz,"
        " .safetensors, .npy) is right"
    )

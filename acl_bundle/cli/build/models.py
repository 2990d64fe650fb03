"""What MODEL names: a file, a folder, or what a function of the user's returned."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from acl_bundle.cli.build.function import FORM, called

Kind = Literal["onnx", "torch", "tensorflow"]

_TENSORFLOW: Final = (".pb", ".pbtxt", ".keras", ".h5", ".hdf5", ".meta")
_WEIGHTS: Final = (".pt", ".pth", ".bin", ".safetensors", ".npz", ".npy")
_RIGHT: Final = (
    "a torch module with its example inputs (module, inputs), a Keras model, an ONNX model, or the"
    " path of a model is right"
)


@dataclass(frozen=True)
class FoundModel:
    """A model to build.

    Attributes:
        kind: By which of `build`'s functions.
        model: What that function takes.
        example: Example inputs of a torch module.
    """

    kind: Kind
    model: Any
    example: Any = None


def find(text: str) -> FoundModel:
    """Say what a text names, and call the function if it names one.

    Raises:
        ValueError: It names nothing that can be built, or the function fails.
        FileNotFoundError: There is no such file.
    """
    if Path(text).exists():
        return _file(Path(text))
    if FORM.fullmatch(text):
        return _returned(text, called(text))
    if any(Path(f"{text}{suffix}").exists() for suffix in (".meta", ".index")):
        return FoundModel("tensorflow", text)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), text)


def _file(path: Path) -> FoundModel:
    if path.is_dir() or path.suffix in _TENSORFLOW:
        return FoundModel("tensorflow", path)
    if path.suffix == ".om":
        raise ValueError(f"{path} is built already; an ONNX model or the like is right")
    if path.suffix in _WEIGHTS:
        raise ValueError(
            f"{path} holds weights, and no model; write a function that returns the module and"
            " example inputs, and name it: module:function"
        )
    return FoundModel("onnx", path)


def _returned(text: str, value: Any) -> FoundModel:
    """Tell what a function returned; the libraries are imported if it is one of theirs."""
    if isinstance(value, tuple) and len(value) == 2 and _is(value[0], "torch", "nn", "Module"):
        return FoundModel("torch", value[0], value[1])
    if _is(value, "torch", "nn", "Module"):
        raise ValueError(
            f"{text} returned a {type(value).__name__} alone; return it with example inputs, what"
            " its forward takes: (module, inputs)"
        )
    if _is(value, "keras", "Model"):
        return FoundModel("tensorflow", value)
    if _is(value, "onnx", "ModelProto"):
        return FoundModel("onnx", value)
    if isinstance(value, str | os.PathLike):
        path = Path(value)
        if not path.exists():
            raise ValueError(f"{text} returned {os.fspath(path)!r}, and there is no such file")
        return _file(path)
    raise ValueError(f"{text} returned {value!r:.80}; {_RIGHT}")


def _is(value: object, library: str, *names: str) -> bool:
    found: Any = sys.modules.get(library)
    for name in names:
        found = getattr(found, name, None)
    return isinstance(found, type) and isinstance(value, found)

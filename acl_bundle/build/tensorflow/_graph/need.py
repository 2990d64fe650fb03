"""TensorFlow and tf2onnx, imported when a model of TensorFlow's is opened and not before."""

from __future__ import annotations

from typing import Any

from acl_bundle._base import extra

MODEL = "build.from_tensorflow"


def tensorflow() -> Any:
    """Return TensorFlow.

    Raises:
        UnsupportedError: It is not installed, or cannot be loaded.
    """
    return need("tensorflow")


def need(module: str) -> Any:
    """Import a library that the extra ``tensorflow`` installs.

    Raises:
        UnsupportedError: It is not installed, or cannot be loaded.
    """
    return extra.need(module, "tensorflow", MODEL)


def reason(error: BaseException) -> str:
    """The first line of what TensorFlow says; it likes to say more."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

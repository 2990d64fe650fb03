"""TensorFlow and tf2onnx, imported when a model of TensorFlow's is opened and not before."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from acl_bundle.errors import UnsupportedError

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
    try:
        return import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise UnsupportedError(
            f"{MODEL} needs {library}, which cannot be imported ({error}); install it:"
            " pip install 'acl-bundle[tensorflow]'"
        ) from error


def reason(error: BaseException) -> str:
    """The first line of what TensorFlow says; it likes to say more."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

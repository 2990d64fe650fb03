"""Errors that are the caller's to mend, as one message on stderr and an exit status.

Everything else is a mistake of ours and keeps its traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from acl_bundle.errors import AclBundleError, visible

__all__ = ["told"]

_EXTRAS = {
    "typer": "cli",
    "rich": "cli",
    "onnx": "demo",
    "onnxruntime": "demo",
    "sklearn": "demo",
    "matplotlib": "plot",
    "starlette": "serve",
    "uvicorn": "serve",
    "httptools": "serve",
    "tritonclient": "serve",
    "grpc": "serve",
    "google": "serve",
    "prometheus_client": "serve",
}


@contextmanager
def told(status: int = 1, also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Turn an error inside a ``with`` block into one message and an exit.

    Args:
        status: What to exit with.
        also: Kinds of exceptions that are the caller's to mend here, beside
            `AclBundleError`, `OSError` and a module that is missing.

    Raises:
        SystemExit: There was such an error.
    """
    kinds: tuple[type[Exception], ...] = (AclBundleError, OSError, ModuleNotFoundError, *also)
    try:
        yield
    except BrokenPipeError:  # whoever read our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(status) from None
    except kinds as error:
        message = _message(error)
        if message is None:
            raise
        print(f"acl-bundle: {visible(message)}", file=sys.stderr)
        raise SystemExit(status) from None


def _message(error: Exception) -> str | None:
    """What to print; None for an error that is none of the caller's."""
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, OSError) and error.filename and not isinstance(error, AclBundleError):
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _missing(error: ModuleNotFoundError) -> str | None:
    """Say how to get a module that is missing, None when it is none of ours to have."""
    if error.name == "acl_bundle._acl":
        return "the package is not built here: run make, or pip install it"
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    extra = _EXTRAS[package]
    return f"this needs {package}, of the extra {extra!r}: pip install 'acl-bundle[{extra}]'"

"""Every end of a command as an exit status, and errors as one message on stderr.

What is the caller's to mend is told in a sentence. Everything else is a mistake of ours and keeps
its traceback. With ``--json`` the error is in the document on stdout as well.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Callable
from typing import Any

from acl_bundle._base.arguments import ArgumentError
from acl_bundle._base.extra import how
from acl_bundle.cli.shell import documents
from acl_bundle.cli.shell.status import CLOSED_PIPE, INTERRUPTED, TROUBLE
from acl_bundle.errors import AclBundleError, AclError, visible

__all__ = ["status_of"]

Told = tuple[str, dict[str, Any]]
"""A message, and what a document says of it."""

_EXTRAS = {
    "typer": "cli",
    "rich": "cli",
    "onnx": "build",
    "onnxruntime": "fake",
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

_OPTIONS = {
    "input_shapes": "--input-shape",
    "input_shapes=": "--input-shape NAME:1,3, or --dynamic-shape for any, or --dynamic-batch,"
    " --dynamic-hw or --dynamic-dims for some",
    "dynamic": "--dynamic-axes",
    "dynamic=": "--dynamic-axes NAME=0",
    "keep_float32_layers": "--keep-float32-layer",
    "match=": "--match A=B",
}
"""Arguments whose options have other names than Python's, and how a value is written."""


def status_of(run: Callable[[], int], as_json: bool) -> int:
    """Run a command, tell what went wrong, and return the exit status.

    Args:
        run: The command; returns its status.
        as_json: Whether a program reads stdout.
    """
    documents.begin()
    try:
        status, error = _run(run)
        if as_json:
            documents.end(error)
        sys.stdout.flush()  # what fails here fails where it can be told
    except BrokenPipeError:  # whoever read our output has enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return CLOSED_PIPE
    except OSError as error:  # a full disk: what is left must not fail again at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _tell(error)
        return TROUBLE
    return status


def _run(run: Callable[[], int]) -> tuple[int, dict[str, Any] | None]:
    """Run a command; return its status, and what a document says of an error."""
    try:
        status = run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # rich's way to say so
            return CLOSED_PIPE, None
        raise
    except Exception as error:
        if isinstance(error, BrokenPipeError) and _is_closed(sys.stdout.fileno()):
            raise
        return TROUBLE, _tell(error)
    if status != INTERRUPTED:
        return status, None
    return status, _say("interrupted", {"kind": "KeyboardInterrupt", "exit_status": status})


def _is_closed(pipe: int) -> bool:
    """Whether nobody reads a pipe any more."""
    poll = select.poll()
    poll.register(pipe, 0)
    return any(what & (select.POLLERR | select.POLLHUP) for _, what in poll.poll(0))


def _tell(error: Exception) -> dict[str, Any]:
    """Print what went wrong; return what a document says of it."""
    kind = ValueError if isinstance(error, ArgumentError) else type(error)
    facts: dict[str, Any] = {"kind": kind.__name__, "exit_status": TROUBLE}
    if hasattr(error, "format_message"):  # of typer's parser
        return _say(_usage(error), {**facts, "kind": "UsageError"})
    if isinstance(error, AclError):
        facts |= {"function": error.function, "code": error.code, "name": error.name}
    message = _message(error)
    if message is None:
        traceback.print_exc()
        return _say(f"a mistake of acl-bundle's own: {error!r}", facts)
    return _say(message, facts)


def _say(message: str, facts: dict[str, Any]) -> dict[str, Any]:
    if message:
        print(f"acl-bundle: {visible(message)}", file=sys.stderr)
    return {"kind": facts.pop("kind"), "message": message, **facts}


def _usage(error: Any) -> str:
    """What is wrong with the arguments; "" where typer has printed the help instead."""
    message = str(error.format_message())
    context = getattr(error, "ctx", None)
    if not message or context is None:
        return message
    said = message if message.endswith("?") else f"{message.rstrip('.')};"
    return f"{said} see {context.command_path} --help"


def _message(error: Exception) -> str | None:
    """What to print; None for an error that is none of the caller's."""
    if isinstance(error, ModuleNotFoundError):
        return _missing(error)
    if isinstance(error, OSError) and error.filename and not isinstance(error, AclBundleError):
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, ArgumentError):
        return error.said(_OPTIONS)
    return str(error) if isinstance(error, AclBundleError | OSError | ValueError) else None


def _missing(error: ModuleNotFoundError) -> str | None:
    """Say how to get a module that is missing, None when it is none of ours to have."""
    if error.name == "acl_bundle._acl":
        return "the package is not built here: run make, or pip install it"
    package = (error.name or "").partition(".")[0]
    if package not in _EXTRAS:
        return None
    extra = _EXTRAS[package]
    return f"this needs {package}, of the extra {extra!r}: {how(extra)}"

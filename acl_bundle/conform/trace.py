"""Traces: where the library that writes them lies, how they are read and done again."""

from __future__ import annotations

from pathlib import Path

from acl_bundle.conform._trace.lines import (
    Recorded,
    TraceFormatError,
    TraceNote,
    read_notes,
    read_trace,
)
from acl_bundle.conform._trace.slots import Completed, complete, prepare
from acl_bundle.conform.replayed import Replay, Unequal, replay

__all__ = [
    "Completed",
    "Recorded",
    "Replay",
    "TraceFormatError",
    "TraceNote",
    "Unequal",
    "complete",
    "prepare",
    "read_notes",
    "read_trace",
    "recorder_path",
    "replay",
]


def recorder_path() -> Path:
    """Return the library for LD_PRELOAD that writes a trace to ``$ACL_RECORD_TRACE``.

    Raises:
        FileNotFoundError: The package was not built.
    """
    found = Path(__file__).parent / "libaclrecord.so"
    if not found.exists():
        raise FileNotFoundError(f"{found} is missing: the package is not built; pip install it")
    return found

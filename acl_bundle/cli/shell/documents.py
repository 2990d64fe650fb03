"""JSON for programs: one document on stdout, or a line for each event.

A document is kept until the command has ended, so that there is one of them even where the
command failed half-way: then it has what was found before, and ``error`` beside it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["SCHEMA", "begin", "document", "end", "event"]

SCHEMA = 1
"""Of all documents of the shell: rises when a field goes away or means something else."""

_kept: dict[str, Any] = {}
_events = False


def begin() -> None:
    """Forget what an earlier command of this process left."""
    global _events  # noqa: PLW0603
    _kept.clear()
    _events = False


def document(values: Mapping[str, Any]) -> None:
    """Keep what a command found, as its document; more values may come later.

    Args:
        values: What JSON can hold, and tuples, paths, numpy's scalars, weights' specs. Infinity
            and NaN become words.
    """
    _kept.update(_plain(values))


def event(values: Mapping[str, Any]) -> None:
    """Print a line of JSON at once, for commands that go on until they are ended."""
    global _events  # noqa: PLW0603
    _events = True
    print(json.dumps({"schema": SCHEMA, **_plain(values)}), flush=True)


def end(error: Mapping[str, Any] | None) -> None:
    """Print the document, or the last line, when a command has ended.

    An error alone is one line, so that a reader of lines can read it, too.

    Args:
        error: What went wrong (`trouble`); None for nothing.
    """
    more = {} if error is None else {"error": _plain(error)}
    if _events:
        if more:
            event(more)
    elif _kept or more:
        print(json.dumps({"schema": SCHEMA, **_kept, **more}, indent=2 if _kept else None))


def _plain(value: Any) -> Any:
    """Turn a value into what JSON can hold."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    return _object(value)


def _object(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # numpy's scalar
        return _plain(value.item())
    if hasattr(value, "dtype"):  # a weight's spec
        return {"dtype": value.dtype.name, "shape": list(value.shape), "nbytes": value.nbytes}
    raise TypeError(f"JSON has no {type(value).__name__}: {value!r}")

"""A line of JSON for each event."""

from __future__ import annotations

import json
import logging
import time
from typing import Any, Final

_OURS: Final = ("model", "version", "nbytes", "seconds", "error", "port", "grpc_port", "requests")


class JsonLines(logging.Formatter):
    """Formats a record as a JSON object on one line: ASCII, so nothing steers a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        found: dict[str, Any] = {
            "time": self.formatTime(record), "level": record.levelname.lower(),
            "logger": record.name, "event": record.getMessage(),
        }  # fmt: skip
        found |= {key: vars(record)[key] for key in _OURS if key in vars(record)}
        if record.exc_info:
            found["exception"] = self.formatException(record.exc_info)
        return json.dumps(found, default=str)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802, ARG002
        """Return the time in UTC, with milliseconds."""
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + (
            f".{int(record.msecs):03d}Z"
        )

"""The last version that was posted to each model, in a file that outlasts the server."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Final

from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_, read_regular
from acl_bundle.follow._versions.order import order_of

FORMAT: Final = "acl_bundle.posted.1"
MOST: Final = 1 << 20


class LastPosted:
    """The last versions of a server's models.

    Args:
        path: The file, which the first post makes; its folder must be there. None: they are
            forgotten with this object.

    Raises:
        FileNotFoundError: There is no such folder.
        ValueError: The file is none of a server's.
        OSError: It cannot be read.
    """

    def __init__(self, path: Path_ | None) -> None:
        self._path = None if path is None else Path(os.path.abspath(os.fspath(path)))
        self._lock = threading.Lock()
        self._found: dict[str, str] = {}
        if self._path is not None:
            if not self._path.parent.is_dir():
                raise FileNotFoundError(f"{self._path}: the folder of posted versions is not there")
            if self._path.exists():
                self._found = _read(self._path)

    def of(self, model: str) -> str | None:
        """Return the version that was posted last, before this start; None: none is known."""
        return self._found.get(model)

    def note(self, model: str, version: str) -> None:
        """Keep a version. Blocks until it is on the disk.

        Raises:
            OSError: It cannot be written.
        """
        with self._lock:
            self._found = {**self._found, model: version}
            if self._path is not None:
                text = json.dumps({"format": FORMAT, "models": self._found}, indent=1)
                with replacing(self._path) as file:
                    file.write(text.encode() + b"\n")


def _read(path: Path) -> dict[str, str]:
    wrong = ValueError(
        f"{path} is no file of posted versions: JSON with format {FORMAT!r} is right"
    )
    try:
        found = json.loads(read_regular(path, MOST))
    except (ValueError, RecursionError):
        raise wrong from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise wrong
    models = found.get("models")
    if not isinstance(models, dict):
        raise wrong
    for version in models.values():
        if not isinstance(version, str):
            raise wrong
        try:
            order_of(version)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    return models

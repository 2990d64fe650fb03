"""A path that leads to nothing, where a checkpoint may have been meant by its prefix."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

INDEX: Final = ".index"
_SHOWN: Final = 12


def absent(path: str | os.PathLike[str]) -> FileNotFoundError:
    """Make the exception for it, which lists the checkpoints that the folder has."""
    folder = Path(path).parent
    found = sorted(one.name.removesuffix(INDEX) for one in folder.glob(f"*{INDEX}"))
    text = os.strerror(errno.ENOENT)
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        shown = ", ".join(map(repr, found[:_SHOWN]))
        text += f"; the checkpoints in {os.fspath(folder)!r} are {shown}{more}"
    return FileNotFoundError(errno.ENOENT, text, os.fspath(path))

"""Who has joined a fleet, in a file: a coordinator that is started again must know it.

T1 is a replica, T2 the coordinator:

1. T1 has joined, and answers with version 7; T2 ends, and Ray starts it again
2. T2 is asked for version 8. If it decided that now, T1 would answer with 7 beside it
3. T2 reads that T1 had joined, and waits: T1 joins again, or is gone
"""

from __future__ import annotations

import json
from pathlib import Path

from acl_bundle._base.atomic import replacing


class MembersFile:
    """The replicas of a fleet.

    Args:
        path: The file; it is made by the first change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._all: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    @property
    def actors(self) -> dict[str, str]:
        """By name of the replica, that of its actor in Ray."""
        return dict(self._all)

    def add(self, name: str, actor: str) -> None:
        """One more."""
        self._write({**self._all, name: actor})

    def remove(self, name: str) -> None:
        """One less."""
        if name in self._all:
            self._write({one: actor for one, actor in self._all.items() if one != name})

    def _write(self, new: dict[str, str]) -> None:
        with replacing(self._path) as file:
            file.write(json.dumps(new).encode())
        self._all = new

"""Who has joined a fleet, in a file: a coordinator that is started again must know it.

T1 is a replica, T2 the coordinator:

1. T1 has joined, and answers with version 7; T2 ends, and Ray starts it again
2. T2 is asked for version 8. If it decided that now, T1 would answer with 7 beside it
3. T2 reads that T1 had joined, and waits: T1 joins again, or is gone, or its lease is over
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from acl_bundle._base.atomic import replacing


@dataclass(frozen=True)
class JoinedMember:
    """What a replica says of itself when it joins.

    Attributes:
        actor: The name of its actor in Ray.
        node: The id of its node in Ray.
        lease: Seconds for which it infers without its coordinator.
    """

    actor: str
    node: str
    lease: float


class MembersFile:
    """The replicas of a fleet.

    Args:
        path: The file; it is made by the first change.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        found = json.loads(path.read_text()) if path.exists() else {}
        self._all = {name: JoinedMember(**one) for name, one in found.items()}

    @property
    def members(self) -> dict[str, JoinedMember]:
        """By name of the replica, what it said of itself."""
        return dict(self._all)

    def add(self, name: str, member: JoinedMember) -> None:
        """One more."""
        self._write({**self._all, name: member})

    def remove(self, name: str) -> None:
        """One less."""
        if name in self._all:
            self._write({one: member for one, member in self._all.items() if one != name})

    def _write(self, new: dict[str, JoinedMember]) -> None:
        with replacing(self._path) as file:
            file.write(json.dumps({name: asdict(one) for name, one in new.items()}).encode())
        self._all = new

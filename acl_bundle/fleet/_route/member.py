"""The replicas of a fleet, as its routes and its coordinator see them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from acl_bundle.fleet._messages.errors import ReplicaClosedError
from acl_bundle.fleet._messages.messages import ReplicaDescription
from acl_bundle.fleet._messages.replica import Replica


class FleetMember:
    """One replica of a fleet.

    Attributes:
        replica: The handle on it.
        reason: Why nothing is routed to it; None where it is open.
        lost: Whether it was seen to be gone.
        load: Inferences that are under way there through the fleet.
        turns: How many it was given, by which equal ones take turns.
        opened: How often it was opened.
        description: What it was when it was last asked.
    """

    def __init__(self, replica: Replica) -> None:
        self.replica: Replica = replica
        self.reason: str | None = "it was not asked yet"
        self.lost: bool = False
        self.load: int = 0
        self.turns: int = 0
        self.opened: int = 0
        self._lock = threading.Lock()
        self.description: ReplicaDescription | None = None

    @property
    def name(self) -> str:
        """The replica's."""
        return self.replica.name

    @property
    def is_open(self) -> bool:
        """Whether it infers."""
        return self.reason is None

    def close(self, reason: str, *, lost: bool = False) -> None:
        """Route nothing to it."""
        with self._lock:
            self.reason, self.lost = reason, lost

    def close_since(self, opened: int, reason: str, *, lost: bool = False) -> None:
        """Route nothing to it, unless it was opened since: what was seen of it is old then."""
        with self._lock:
            if self.opened == opened:
                self.reason, self.lost = reason, lost

    def open(self) -> None:
        """It has the committed version."""
        with self._lock:
            self.opened += 1
            self.lost, self.reason = False, None


class FleetMembers:
    """All replicas of a fleet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, FleetMember] = {}

    def __iter__(self) -> Iterator[FleetMember]:
        return iter(tuple(self._all.values()))

    def __len__(self) -> int:
        return len(self._all)

    def add(self, member: FleetMember) -> None:
        """One more.

        Raises:
            ValueError: There is one of that name.
        """
        with self._lock:
            if member.name in self._all:
                raise ValueError(f"the fleet has a replica {member.name!r} already")
            self._all = {**self._all, member.name: member}

    def remove(self, name: str) -> FleetMember:
        """One less.

        Raises:
            ValueError: There is none of that name.
        """
        with self._lock:
            if name not in self._all:
                there = ", ".join(map(repr, self._all))
                raise ValueError(f"the fleet has no replica {name!r}; it has {there}")
            member = self._all[name]
            self._all = {key: one for key, one in self._all.items() if key != name}
            return member

    def take(self) -> FleetMember:
        """The open one with the least load, counted as one more there; `leave` must follow.

        Raises:
            ReplicaClosedError: None is open.
        """
        with self._lock:
            found = None
            for one in self._all.values():
                if one.reason is None and (
                    found is None or (one.load, one.turns) < (found.load, found.turns)
                ):
                    found = one
            if found is None:
                raise ReplicaClosedError("", str(self.why_not))
            found.load += 1
            found.turns += 1
            return found

    def leave(self, member: FleetMember) -> None:
        """An inference is over."""
        with self._lock:
            member.load -= 1

    @property
    def why_not(self) -> str | None:
        """Why none is open; None where one is."""
        if any(one.is_open for one in self):
            return None
        reasons = "; ".join(f"{one.name!r}: {one.reason}" for one in self)
        return f"no replica of the fleet is open ({reasons})"

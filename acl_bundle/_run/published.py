"""What the variables hold since one commit, and what an update changes of it.

A record never changes, so a snapshot keeps one and a rollback goes back to one. The next
one shares with it all that stays, and costs what an update changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from acl_bundle._base.persistent import PersistentMap

Version = int | str | None


@dataclass(frozen=True)
class Assigned:
    """What one update changes.

    Attributes:
        version: What the caller calls it.
        names: The weights of the graph that it writes.
        kept: The values, by name, that are kept of them to write them again.
        lost: Those of which no value is kept, though it would be needed for that.
        given: Where a weight program makes the weights: the sources that were given.
        sources: There, the values to keep of those; None of one that is not kept.
    """

    version: Version
    names: tuple[str, ...]
    kept: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    sources: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """What the variables hold since one commit.

    Attributes:
        version: The caller's name for it.
        written: The weights that have a value, and the version that wrote each.
        initialised: Whether the init graph has run.
        kept: Where the library owns the variables: the value of each weight
            that was updated since, as it was given.
        lost: Weights that were updated and whose value nobody kept.
        digests: Of each weight's bytes on the device, when they were read back;
            under "" that of all variables, where weights have no place of their own.
        given: Where a weight program makes the weights: the version that gave each
            source its value.
        sources: There, the last value of each source that is joined with others, since
            the init; None of one whose value nobody kept.
    """

    version: Version
    written: PersistentMap[Version]
    initialised: bool
    kept: PersistentMap[Any]
    lost: PersistentMap[bool]
    given: PersistentMap[Version]
    sources: PersistentMap[Any]
    digests: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, names: Iterable[str], sources: Iterable[str]) -> Published:
        """What variables hold that nobody has written.

        Args:
            names: The weights of the graph.
            sources: What a weight program makes them of; nothing where there is none.
        """
        none: PersistentMap[Any] = PersistentMap(names)
        given: PersistentMap[Any] = PersistentMap(sources)
        return cls(None, none, False, none, none, given, given)

    def initial(self) -> Published:
        """What the variables hold once the init graph has run."""
        written, kept, lost = self.written.filled(0), self.kept.cleared(), self.lost.cleared()
        return Published(0, written, True, kept, lost, self.given.cleared(), self.sources.cleared())

    def after(self, update: Assigned) -> Published:
        """What the variables hold once an update is committed."""
        return replace(
            self,
            version=update.version,
            written=self.written.changed(dict.fromkeys(update.names, update.version)),
            kept=self.kept.without(update.lost).changed(update.kept),
            lost=self.lost.without(update.kept).changed(dict.fromkeys(update.lost, True)),
            given=self.given.changed(dict.fromkeys(update.given, update.version)),
            sources=self.sources.changed(update.sources),
            digests={},
        )

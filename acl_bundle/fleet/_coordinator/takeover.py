"""How a coordinator begins: over new replicas, or over those that another one has left.

It finishes what the other one has decided, and ends what that one has not: nobody can decide an
epoch any more that was resolved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from acl_bundle._base.owner import Signals
from acl_bundle.fleet._coordinator.coordinator import Coordinator
from acl_bundle.fleet._messages.errors import ReplicaLostError
from acl_bundle.fleet._messages.messages import ReplicaDescription, Status
from acl_bundle.fleet._route.member import FleetMember


def take_over(of: Coordinator, signals: Signals) -> None:
    """Learn what is committed, and bring every replica there.

    Raises:
        ValueError: The replicas are not of one model or one version, or the record is another
            fleet's.
        ReplicaLostError: None answers.
        OSError: The record cannot be reached.
    """
    members = [*of.members]
    found = of.described(members, signals)
    there = [one for one in members if one.name in found]
    if not there:
        raise _nobody(members)
    _end_what_is_prepared(of, there, signals)
    described = of.described(there, signals)
    _learn(of, described)
    of.judge(there, signals)
    of.fill_store(signals)
    of.settle(signals)


def check_joins(of: Coordinator, member: FleetMember, signals: Signals) -> None:
    """Look at a replica that would join.

    Raises:
        ValueError: It is of another model, or has a version that is none of this fleet's.
        ReplicaLostError: It does not answer.
    """
    described = of.described([member], signals)
    if not described:
        raise _nobody([member])
    found = described[member.name]
    if found.epoch > of.epoch or (of.epoch == 0 and found.version != of.version):
        raise ValueError(
            f"replica {member.name!r} has epoch {found.epoch}, version {found.version!r}; this"
            f" fleet has epoch {of.epoch}, version {of.version!r}"
        )


def _end_what_is_prepared(
    of: Coordinator, members: Sequence[FleetMember], signals: Signals
) -> None:
    """Finish or end it, and open the gates."""
    statuses: Mapping[str, Status] = of.gather(
        members, "status", until=of.limit, signals=signals
    ).good
    prepared = {n: one.prepared for n, one in statuses.items() if one.prepared is not None}
    for epoch in sorted({*prepared.values()}):
        decided = of.record.resolve(epoch).epoch == epoch
        those = [one for one in members if prepared.get(one.name) == epoch]
        of.gather(those, "commit" if decided else "abort", epoch, until=of.limit, signals=signals)
    committed = of.record.read().epoch
    of.gather(members, "open_gate", committed, until=of.limit, signals=signals)


def _learn(of: Coordinator, described: Mapping[str, ReplicaDescription]) -> None:
    decision = of.record.read()  # after them: nobody commits what is not written there yet
    versions = {one.version: one for one in described.values() if one.epoch == 0}
    ahead = [one for one in described.values() if one.epoch > decision.epoch]
    if ahead:
        raise ValueError(
            f"replica {ahead[0].name!r} has epoch {ahead[0].epoch}, and {of.record.where} knows"
            f" {decision.epoch}: it is another fleet's record"
        )
    if decision.epoch == 0 and len(versions) > 1:
        first, second, *_ = versions.values()
        raise ValueError(
            f"replica {second.name!r} has version {second.version!r}, and {first.name!r} has"
            f" {first.version!r}: a fleet begins with one version, and nothing is decided in"
            f" {of.record.where}"
        )
    of.epoch, of.version = decision.epoch, decision.version
    if decision.epoch == 0:
        of.version = next(iter(versions), None)


def _nobody(members: Sequence[FleetMember]) -> ReplicaLostError:
    reasons = "; ".join(f"{one.name!r}: {one.reason}" for one in members)
    return ReplicaLostError(members[0].name, f"no replica of the fleet answers ({reasons})")

"""What each replica of a fleet does now, asked at once."""

from __future__ import annotations

from acl_bundle.fleet._coordinator.gather import Gathering
from acl_bundle.fleet._coordinator.known import KnownReplicas
from acl_bundle.fleet._messages.messages import Status
from acl_bundle.fleet._report.reports import FleetStatus, ReplicaStatus
from acl_bundle.fleet._route.member import FleetMember


def table(of: KnownReplicas, catching_up: str) -> FleetStatus:
    """A row for each replica; "lost" is one that does not answer."""
    members = [*of.members]
    answers = Gathering()(members, "status", until=of.limit)  # an update may be under way
    rows = tuple(
        _row(one, answers.good.get(one.name), str(answers.bad.get(one.name))) for one in members
    )
    store = f"{of.store.where}, {of.store.nbytes} bytes"
    return FleetStatus(of.epoch, of.version, of.record.where, store, rows, catching_up)


def _row(member: FleetMember, now: Status | None, error: str) -> ReplicaStatus:
    where = "" if member.description is None else member.description.where
    if now is None:
        reason = member.reason or error
        return ReplicaStatus(member.name, "lost", 0, None, member.load, where, reason)
    reason = now.reason or member.reason or ""
    state = now.state if now.reason or not reason else "pending"
    return ReplicaStatus(member.name, state, now.epoch, now.version, member.load, where, reason)

"""A decision as text: JSON of four members, and nothing else is taken."""

from __future__ import annotations

import json
from typing import Any

from acl_bundle.fleet._decision.decision import Decision

MOST = 65536
"""Bytes that a record has at most."""


def written(decision: Decision) -> bytes:
    """As bytes.

    Raises:
        ValueError: They would be more than `found` takes.
    """
    text = json.dumps({"acl_bundle_fleet": 1, **vars(decision)}).encode()
    if len(text) > MOST:
        raise ValueError(
            f"version {str(decision.version)[:40]!r}... is too long: a decision record has"
            f" {len(text)} bytes with it, and at most {MOST} are right; nothing was changed"
        )
    return text


def found(text: bytes | None, where: str) -> Decision:
    """Of bytes; None where nothing was written yet.

    Raises:
        ValueError: They are something else.
    """
    if text is None:
        return Decision()
    try:
        members: dict[str, Any] = json.loads(text) if len(text) <= MOST else {}
        if members.pop("acl_bundle_fleet") != 1 or members.keys() != vars(Decision()).keys():
            raise ValueError
        decision = Decision(**members)
        numbers = (decision.epoch, decision.claimed, decision.fenced)
        good = all(type(one) is int and one >= 0 for one in numbers)
        if not good or type(decision.version) not in (int, str, type(None)):
            raise ValueError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError(
            f"{where} holds {text[:80]!r}, which is no fleet's decision record; name another place,"
            " or delete it if no replica of its fleet is left"
        ) from None
    return decision

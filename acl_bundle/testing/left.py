"""What was not given back, as lines: one for each outermost thing, and where it was made.

What acl_bundle handed out is closed here, the largest first: what is gone after that was part of
it. So a bundle is one line, whatever it consists of. What is alive then was made without
acl_bundle: one line for what the same line of the program made.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from acl_bundle import fake
from acl_bundle._base.owner import Owner
from acl_bundle.device import Device
from acl_bundle.errors import AclBundleError
from acl_bundle.fake._table import shorter

__all__ = ["close_all", "lines", "others"]

Row = dict[str, Any]

SHOWN = 40  # lines; a program that leaks in a loop says the same thing again


def lines() -> list[str]:
    """Close what is open, and return what was alive, at most 41 lines of it."""
    found = []
    for owner in _opened():
        before = fake.live()
        what = _describe(owner)
        parts = _gone(owner, before)
        if parts:
            found.append(_line(what, min(parts, key=lambda row: int(row["seq"])), len(parts)))
    found += others(fake.live())
    return [*found[:SHOWN], *([f"... and {len(found) - SHOWN} more"] if found[SHOWN:] else [])]


def close_all() -> None:
    """Close what acl_bundle handed out in this process and nobody closed, devices last."""
    for owner in _opened():
        with suppress(AclBundleError):
            owner.close()


def _opened() -> list[Owner]:
    """Return what is open, what may hold others first: devices are held by all."""
    found = [one for one in gc.get_objects() if issubclass(type(one), Owner)]
    order = ("Follower", "Bundle")
    names = {name: place for place, name in enumerate(order)}
    return sorted(
        (one for one in found if not one.closed),
        key=lambda one: (isinstance(one, Device), names.get(type(one).__name__, len(order))),
    )


def _gone(owner: Owner, before: Iterable[Row]) -> list[Row]:
    """Close it, and return what is not alive any more."""
    if not owner.closed:  # it may have gone with another one
        with suppress(AclBundleError):
            owner.close()
    left = {(row["kind"], row["handle"], row["seq"]) for row in fake.live()}
    return [row for row in before if (row["kind"], row["handle"], row["seq"]) not in left]


def others(rows: list[Row]) -> list[str]:
    """Return a line for each kind, and place of the program that made some."""
    alike = Counter((row["kind"], row["created_by"], row["at"]) for row in rows)
    found = []
    for key, times in alike.items():
        first = next(row for row in rows if (row["kind"], row["created_by"], row["at"]) == key)
        size = f" of {first['size']} bytes" if first["size"] else ""
        more = f" and {times - 1} more" if times > 1 else ""
        found.append(_line(f"{first['kind']} {first['handle']}{size}{more}", first))
    return found


def _line(what: str, made: Row, parts: int = 0) -> str:
    of = f" ({parts} objects)" if parts > 1 else ""
    call = f"made by {made['created_by']} (call {made['seq']})"
    place = f" at {shorter(made['at'])}" if made["at"] else ""
    return f"{what}{of}, {call}{place}"


def _describe(owner: Owner) -> str:
    try:
        return repr(owner)
    except AclBundleError:
        return type(owner).__name__

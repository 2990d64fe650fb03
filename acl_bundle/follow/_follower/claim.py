"""Which sources are followed, as none can be by two at once: it holds one watch, one connection.

A claim is of an object in a process; a forked child begins without any.
"""

from __future__ import annotations

import os

from acl_bundle.errors import BusyError

_claims: dict[tuple[int, int], object] = {}


def claim(source: object) -> None:
    """Note that a source is followed, by somebody who keeps it alive until `release`.

    Raises:
        BusyError: It is already.
    """
    mine = object()
    if _claims.setdefault(_key(source), mine) is not mine:
        raise BusyError(
            f"{source!r} is followed already: make another source of the same place for another"
            " follower, or close the first one"
        )


def release(source: object) -> None:
    """Note that a source is free; harmless twice."""
    _claims.pop(_key(source), None)


def _key(source: object) -> tuple[int, int]:
    return os.getpid(), id(source)

"""Holding a pair: inferences wait before a side is chosen for them.

1. T1 sets the hold, waits until the runs that are noted have ended, and holds the pair.
2. T2 would infer: it finds the hold, and waits; no run of T2 is noted anywhere.
3. T1 updates, and the sides change places; no inference runs at either.
4. T1 releases: T2 chooses the side that is active now.

T2 may have chosen just before step 1. Then its run is noted before it looks for a hold, and T1,
which sets the hold before it looks at the notes, waits for the run; or T2 sees the hold, takes its
note back, and waits (`active`).
"""

from __future__ import annotations

from acl_bundle._base.owner import uninterrupted
from acl_bundle._base.wait import Wait
from acl_bundle._pair.active import Turns
from acl_bundle._run.hold import RELEASED, Hold, Holding
from acl_bundle.errors import BusyError


def check_free(turns: Turns) -> None:
    """Refuse a second hold of one thread.

    Raises:
        BusyError: This thread has one.
    """
    hold = turns.hold
    if hold is not None and hold.is_own:
        raise BusyError(f"hold is refused: {hold}, which is this thread")


def keep_out(turns: Turns, pair: object, limit_ms: int, wait: Wait) -> Hold:
    """Keep inferences out from now on; the caller is the only one to change anything.

    Raises:
        BusyError: Those that run take longer than `wait` allows.
    """
    holding = Holding(tuple, turns, limit_ms, "the pair")
    try:
        turns.hold = holding
        turns.clear(wait, "the hold", *turns.sides[:2])
        with uninterrupted():
            holding.begin()
        turns.clear(wait, "the hold", *turns.sides[:2])  # a callback may have looked before
        with uninterrupted():
            return Hold(pair, holding)
    except BaseException:
        holding.end(RELEASED)
        raise

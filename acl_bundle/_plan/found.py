"""What was found of a plan's values while they were staged: refused, or told.

Called when everything has been staged or surveyed and nothing is committed.
"""

from __future__ import annotations

import warnings

import numpy as np

from acl_bundle._plan.plan import Plan
from acl_bundle.errors import WeightError

TOLD = 3


def check_finite(plan: Plan) -> None:
    """Refuse what is not finite, as given or once converted, if the options ask for that.

    Raises:
        WeightError: There is a value that is not; it names the first of each weight.
    """
    if not plan.options.finite:
        return
    bad = [place for place, spec in enumerate(plan.specs) if spec.name in plan.nonfinite]
    if bad:
        text = "; ".join(_told(plan, place) for place in bad[:TOLD])
        more = f"; and {len(bad) - TOLD} more weights" if len(bad) > TOLD else ""
        raise WeightError(
            f"{plan.label}: finite=True refuses NaN and infinity: {text}{more}; nothing was changed"
        )


def _told(plan: Plan, place: int) -> str:
    """Say how many values of a weight are not finite, and which is the first."""
    spec = plan.specs[place]
    array = plan.fetch(place)
    with np.errstate(all="ignore"):
        moved = array if spec.name in plan.saturated else array.astype(spec.dtype, copy=False)
        first = int(np.argmin(np.isfinite(moved).reshape(-1)))
    index = tuple(int(one) for one in np.unravel_index(first, array.shape))
    where = f", the first at {list(index)}: {array[index]}" if array.ndim else f": {array}"
    count, sources = plan.nonfinite[spec.name], plan.made_of.get(spec.name)
    made = f", made of {', '.join(map(repr, sources))}," if sources else ""
    return f"weight {spec.name!r}{made} has {count}{_by(plan, spec.name)}{where}"


def _by(plan: Plan, name: str) -> str:
    """Say how many of a weight's values are not finite by a conversion alone."""
    cast = plan.casts.get(name)
    if cast is None or not cast.overflow or name in plan.saturated:
        return ""
    some = "" if cast.overflow == plan.nonfinite[name] else f"{cast.overflow} of them "
    return f" ({some}by the cast from {cast.source} to {cast.target})"


def check_overflow(plan: Plan, depth: int) -> None:
    """Say which values a conversion has made infinite, as the options ask.

    Args:
        plan: What was staged.
        depth: How many calls above this one the user's own line is.

    Raises:
        WeightError: ``on_overflow`` is "error" and a finite value has become infinite.
    """
    lost = [
        (name, counts)
        for name, counts in plan.casts.items()
        if counts.overflow and name not in plan.saturated
    ]
    if not lost:
        return
    text = ", ".join(
        f"{counts.overflow} of {name!r} ({counts.source} to {counts.target})"
        for name, counts in lost
    )
    if plan.options.on_overflow == "error" or any(name in plan.strict for name, _ in lost):
        raise WeightError(
            f"{plan.label}: too large for the weight's dtype: {text}; nothing was changed"
        )
    warnings.warn(
        f"{plan.label}: finite values became infinite: {text}", RuntimeWarning, stacklevel=depth
    )

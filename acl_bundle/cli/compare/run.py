"""``acl-bundle compare``: both sides answer to the same inputs, and are compared."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from acl_bundle.answers import Side, shared
from acl_bundle.cli.compare import show
from acl_bundle.cli.compare.options import InputOptions, MatchOptions
from acl_bundle.cli.compare.sides import Agreement, SideWish, choice_of
from acl_bundle.cli.shell import output


@dataclass(frozen=True)
class CompareWish:
    """What a person typed.

    Attributes:
        a: What was found.
        b: What was expected.
        inputs: Where inputs come from.
        match: When both agree.
    """

    a: SideWish
    b: SideWish
    inputs: InputOptions
    match: MatchOptions


def run(wish: CompareWish, as_json: bool) -> bool:
    """Print how far two answers are apart.

    Returns:
        Whether they agree within the tolerance.

    Raises:
        AclBundleError, ValueError, OSError: As for `answers` and `compare.outputs`.
    """
    agreement = Agreement.asked(wish.match)
    choice = choice_of(wish.inputs, [wish.a.path, wish.b.path])
    with ExitStack() as stack:
        sides = [one.open(stack) for one in (wish.a, wish.b)]
        given = shared(choice, sides)
        a, b = (side.run(one) for side, one in zip(sides, given, strict=True))
    found = agreement.compared(a, b)
    asked = [side for side in sides if side.inputs is not None]
    if as_json:
        told = dict(zip("ab", map(_data, sides), strict=True))
        output.document({**told, "inputs": str(choice) if asked else None, **show.data(found)})
    else:
        for name, side in zip("ab", sides, strict=True):
            output.line(f"{name}: {side.label}: {side.where}")
        if asked:
            output.line(f"inputs: {choice}")
        show.show(found)
    return found.within


def _data(side: Side) -> dict[str, Any]:
    return {
        "label": side.label,
        "where": side.where,
        "fake": side.is_fake,
        "times_ms": side.times,
        "version": side.version,
    }

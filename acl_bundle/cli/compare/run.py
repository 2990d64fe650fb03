"""``acl-bundle compare``: both sides answer to the same inputs, and are compared."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from acl_bundle import compare
from acl_bundle.answers import InputChoice, Side, shared
from acl_bundle.cli.compare import show
from acl_bundle.cli.compare.sides import SideWish, matched
from acl_bundle.cli.shell import output
from acl_bundle.compare import Tolerance


@dataclass(frozen=True)
class CompareWish:
    """What a person typed.

    Attributes:
        a: What was found.
        b: What was expected.
        inputs: Texts of ``--inputs``; none for random ones.
        shapes: Texts of ``--shape``.
        batch: The open first dim of random inputs.
        tolerance: How far outputs may be apart.
        match: Texts of ``--match``.
    """

    a: SideWish
    b: SideWish
    inputs: Sequence[str]
    shapes: Sequence[str]
    batch: int | None
    tolerance: Tolerance
    match: Sequence[str]


def run(wish: CompareWish, as_json: bool) -> bool:
    """Print how far two answers are apart.

    Returns:
        Whether they agree within the tolerance.

    Raises:
        AclBundleError, ValueError, OSError: As for `answers` and `compare.outputs`.
    """
    match = matched(wish.match)
    choice = InputChoice.parsed(wish.inputs, wish.shapes, wish.batch)
    with ExitStack() as stack:
        sides = [one.open(stack) for one in (wish.a, wish.b)]
        _check_inputs(sides, wish)
        given = shared(choice, sides)
        a, b = (side.run(one) for side, one in zip(sides, given, strict=True))
    rtol, atol = wish.tolerance.rtol, wish.tolerance.atol
    found = compare.outputs(a, b, rtol=rtol, atol=atol, match=match)
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


def _check_inputs(sides: Sequence[Side], wish: CompareWish) -> None:
    """Refuse to answer saved outputs with inputs that are not known to be theirs."""
    saved = [side.label for side in sides if side.inputs is None]
    if len(saved) == 1 and not wish.inputs:
        raise ValueError(
            f"{saved[0]} holds outputs, and nothing says of which inputs; give --inputs, with which"
            " they were made"
        )
    if len(saved) == 2 and (wish.inputs or wish.shapes or wish.batch):
        raise ValueError("both sides are saved outputs, so nothing takes --inputs")


def _data(side: Side) -> dict[str, Any]:
    return {
        "label": side.label,
        "where": side.where,
        "fake": side.is_fake,
        "times_ms": side.times,
        "version": side.version,
    }

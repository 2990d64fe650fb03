"""Named outputs side by side.

Outputs meet by name. Where the two sides have no name in common, as when one
compiler writes ``Gemm_2:0`` for another's ``y``, and as many outputs of the same
shapes, they meet in order, and the rows tell both names. Everything else is for
the caller to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from acl_bundle._base.arguments import ArgumentError
from acl_bundle.compare.arrays import ATOL, RTOL, WORST, ComparedOutput, Tolerance
from acl_bundle.compare.arrays import compared as _compared
from acl_bundle.compare.arrays import numbers as _numbers
from acl_bundle.weights import Report, Spec

Pairs = Sequence[tuple[str | None, str | None]]


@dataclass(frozen=True)
class Comparison(Report[ComparedOutput]):
    """The rows of a comparison: the first side's outputs in order, then the second's own.

    Attributes:
        tolerance: What was allowed.
    """

    tolerance: Tolerance = field(default_factory=Tolerance)

    @property
    def within(self) -> bool:
        """Whether every output is there on both sides, and within the tolerance."""
        return all(row.within for row in self.rows)

    def __str__(self) -> str:
        return "\n".join([self.title, *(line for row in self.rows for line in _lines(row))])


def outputs(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    *,
    rtol: float = RTOL,
    atol: float = ATOL,
    match: Mapping[str, str] | None = None,
    worst: int = WORST,
) -> Comparison:
    """Compare two sets of outputs.

    Args:
        a: What was found, by name.
        b: What was expected, by name.
        rtol: As for `Tolerance`.
        atol: As for `Tolerance`.
        match: Outputs of ``a`` that have another name in ``b``: the one, and the other.
        worst: How many of the worst elements of each output to tell.

    Returns:
        A row per output. ``within`` is False also where only one side has an output.

    Raises:
        ValueError: There are no outputs; the sides have no name in common, and it cannot be
            told which belong together; `match` names what is not there, or one twice; a
            tolerance is wrong.
        TypeError: An output is no array of numbers or booleans.
    """
    tolerance = Tolerance(rtol, atol)
    if not a and not b:
        raise ValueError("neither side has outputs, so there is nothing to compare")
    rows = tuple(_rows(a, b, _pairs(a, b, match or {}), tolerance, worst))
    return Comparison(_title(rows, tolerance), rows, tolerance)


def _title(rows: Sequence[ComparedOutput], tolerance: Tolerance) -> str:
    wrong, every = sum(not row.within for row in rows), len(rows)
    if wrong:
        return f"{wrong} of {every} outputs differ beyond {tolerance}"
    if all(row.result == "equal" for row in rows):
        return f"{every} of {every} outputs are equal"
    return f"{every} of {every} outputs agree within {tolerance}"


def _rows(
    a: Mapping[str, Any], b: Mapping[str, Any], pairs: Pairs, tolerance: Tolerance, worst: int
) -> Iterator[ComparedOutput]:
    for own, other in pairs:
        if own is not None and other is not None:
            yield _compared(a[own], b[other], tolerance, worst, (own, other))
        elif own is not None:
            yield ComparedOutput(own, own, "only in a", _spec(a, own), None)
        elif other is not None:
            yield ComparedOutput(other, other, "only in b", None, _spec(b, other))


def _spec(side: Mapping[str, Any], name: str) -> Spec:
    array = _numbers(side[name], f"output {name!r}")
    return Spec(array.shape, array.dtype)


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any], match: Mapping[str, str]) -> Pairs:
    """Say which outputs belong together; None stands for the side that lacks one."""
    _check_match(a, b, match)
    taken = {*match.values()}
    found = {one: match.get(one, one if one in b and one not in taken else None) for one in a}
    if a and b and not any(found.values()):
        found = dict(zip(a, _in_order(a, b), strict=True))
    met = {*found.values()}
    return [*found.items(), *((None, one) for one in b if one not in met)]


def _check_match(a: Mapping[str, Any], b: Mapping[str, Any], match: Mapping[str, str]) -> None:
    for own, other in match.items():
        for side, name, names in (("a", own, a), ("b", other, b)):
            if name not in names:
                raise ArgumentError(
                    f"match names {name!r}, but {side} has {_listed(names)}", "match"
                )
    twice = [one for one in match.values() if [*match.values()].count(one) > 1]
    if twice:
        raise ArgumentError(f"match names {twice[0]!r} of b twice; once is right", "match")


def _in_order(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[str]:
    """The names of ``b`` in the order of ``a``'s, if they can be told by their place."""
    shapes = [[_spec(side, name).shape for name in side] for side in (a, b)]
    if shapes[0] != shapes[1]:
        raise ArgumentError(
            f"the outputs have no name in common: a has {_listed(a)}, b has {_listed(b)}; say"
            " which belong together: match={name in a: name in b}",
            "match",
        )
    return list(b)


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, names)) or "no outputs"


def _lines(row: ComparedOutput) -> Iterator[str]:
    """What a message says of one output: a line, and one for each of its worst elements."""
    called = row.name if row.name == row.name_b else f"{row.name} = {row.name_b}"
    if row.result == "shape":
        yield f"  {called}: {row.a} beside {row.b}"
    elif row.max_abs_at is None:
        yield f"  {called}: {row.result}"
    else:
        yield (
            f"  {called}: {row.result}; of {row.differing} elements that differ {row.beyond} are"
            f" beyond, by at most {row.max_abs:.4g}, at {list(row.max_abs_at)}"
        )
    for one in row.worst if row.result == "beyond" else ():
        yield f"    {list(one.at)}: {one.a!r} beside {one.b!r}, {one.absolute:.4g} apart"

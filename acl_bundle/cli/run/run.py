"""``acl-bundle run``: one inference; its inputs, its outputs, times, and a comparison."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from acl_bundle.answers import InputChoice, Side, shared, summed_up
from acl_bundle.answers.kinds import ONNX, kind_of
from acl_bundle.answers.side import Arrays
from acl_bundle.cli.compare import show
from acl_bundle.cli.compare.options import InputOptions, MatchOptions
from acl_bundle.cli.compare.sides import Agreement, SideWish, choice_of
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.groups import given as options_given
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.cli.weights import outputs
from acl_bundle.compare import Comparison


@dataclass(frozen=True)
class RunWish:
    """What a person typed.

    Attributes:
        side: What is run.
        inputs: Where inputs come from.
        out: A file for the outputs.
        expected: What else answers, to compare with; saved outputs are of the same inputs.
        match: When both agree.
    """

    side: SideWish
    inputs: InputOptions
    out: Path | None
    expected: SideWish | None
    match: MatchOptions


def run(wish: RunWish, as_json: bool) -> bool:
    """Run once, and print what came of it.

    Returns:
        Whether the outputs agree with what was expected, if anything was.

    Raises:
        AclBundleError, ValueError, OSError: As for `answers` and `compare.outputs`.
    """
    agreement = Agreement.asked(wish.match)
    choice = _checked(wish)
    with ExitStack() as stack:
        sides = [one.open(stack) for one in (wish.side, wish.expected) if one is not None]
        given = shared(choice, sides)
        found = sides[0].run(given[0])
        expected = [side.run(one) for side, one in zip(sides[1:], given[1:], strict=True)]
    if wish.out is not None:
        outputs.write(found, wish.out)
    _show(wish, choice, sides[0], (given[0], found), as_json)
    if not expected:
        return True
    compared = agreement.compared(found, expected[0])
    _compared(compared, sides[1], as_json)
    return compared.within


def _checked(wish: RunWish) -> InputChoice:
    """Refuse, before any work, what cannot be run or written; return where inputs come from."""
    path = wish.side.path
    if kind_of(path) != "om":
        raise ValueError(
            f"{path} is no .om file; acl-bundle build makes one of a model, and acl-bundle compare"
            " runs ONNX models as well"
        )
    said = options_given(wish.match)
    if said and wish.expected is None:
        raise ValueError(f"{said[0]} is about two sets of outputs; give --compare")
    choice = choice_of(wish.inputs, [one.path for one in (wish.side, wish.expected) if one])
    if wish.out is not None:
        outputs.check_format(wish.out)
        read = [path, wish.side.weights, *choice.files, *choice.named.values()]
        if wish.expected is not None:
            read.append(wish.expected.path.removeprefix(ONNX))
        check_writable([wish.out], read)
    return choice


def _show(
    wish: RunWish, choice: InputChoice, side: Side, arrays: tuple[Arrays, Arrays], as_json: bool
) -> None:
    """Show what went in and what came out, and where."""
    rows = [[summed_up(name, array) for name, array in one.items()] for one in arrays]
    if as_json:
        output.document({
            "file": side.label,
            "where": side.where,
            "fake": side.is_fake,
            "inputs_from": str(choice),
            "inputs": [row._asdict() for row in rows[0]],
            "outputs": [row._asdict() for row in rows[1]],
            "times_ms": side.times,
            "version": side.version,
            "out": wish.out,
        })  # fmt: skip
        return
    output.line(f"{side.label}: {side.where}")
    output.table(f"inputs: {choice}", rows[0])
    output.table("outputs", rows[1])
    output.line(", ".join(f"{step} {ms:.3f} ms" for step, ms in side.times.items()))
    if wish.out is not None:
        output.line(f"wrote {wish.out}, {wish.out.stat().st_size:,} bytes")


def _compared(found: Comparison, side: Side, as_json: bool) -> None:
    if as_json:
        expected = {"label": side.label, "where": side.where, "fake": side.is_fake}
        output.document({"expected": expected, "comparison": show.data(found)})
        return
    output.line(f"beside {side.label}: {side.where}")
    show.show(found)

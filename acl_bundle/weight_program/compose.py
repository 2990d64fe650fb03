"""Weight programs put in front of what a file takes: its weights, or a program of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program.program import Array, Step, WeightProgram, plain


def check(program: WeightProgram, there: Sequence[WeightSpec], what: str) -> None:
    """Refuse a program that makes a constant that is not there, or not so.

    Args:
        program: It.
        there: The constants that are there.
        what: Where, for the message: "the model".

    Raises:
        WeightError: A constant's name, dtype or shape differs.
    """
    known = {spec.name: spec for spec in there}
    for made in program.constants:
        spec = known.get(made.name)
        if spec is None:
            raise WeightError(
                f"the program makes {made.name!r}, which {what} does not have; it has"
                f" {', '.join(map(repr, known)) or 'none'}"
            )
        if spec.dtype != made.dtype or spec.shape not in (None, made.shape):
            raise WeightError(f"the program makes {made.spec}; {what} has {spec}")


def fit(program: WeightProgram, there: Sequence[WeightSpec]) -> WeightProgram:
    """Return a program for all weights of a graph, in the graph's order.

    Those that the program does not make are sources, taken as they are.

    Raises:
        WeightError: It makes a weight that is not there, or not so, or has
            another value under the name of one.
    """
    check(program, there, "the update graph")
    return _before(program, plain(there))


def before(program: WeightProgram, own: WeightProgram) -> WeightProgram:
    """Return a program that makes what a file's own program takes, and then does what that does.

    Sources of the file's own that the program does not make stay sources.

    Raises:
        WeightError: It makes a weight that the file's own program does not take, or not
            so, or has another value under the name of one.
    """
    check(program, own.sources, "the file, by its own weight program,")
    return _before(program, own)


def _before(program: WeightProgram, own: WeightProgram) -> WeightProgram:
    made = {one.name: one.value for one in program.constants}
    left = [spec for spec in own.sources if spec.name not in made]
    names = _names(program, own, made)
    steps = [
        Step(one.op, tuple(names[name] for name in one.inputs), names[one.output], one.options)
        for one in own.steps
    ]
    aliases = _aliases(program, own, names)
    try:
        whole = WeightProgram(
            (*program.sources, *left),
            tuple(replace(one, value=names[one.value]) for one in own.constants),
            (*program.steps, *steps),
            {**program.values, **{names[name]: value for name, value in own.values.items()}},
            aliases=aliases,
            unused=tuple(dict.fromkeys((*program.unused, *own.unused))),
        )
    except ValueError as error:
        raise WeightError(
            f"the program leaves out weights whose names it has for something else: {error}"
        ) from error
    return replace(whole, first=_first(whole, program, own, names))


def _names(
    program: WeightProgram, own: WeightProgram, made: Mapping[str, str]
) -> Mapping[str, str]:
    """What each value of the file's own program is called in the whole."""
    sources = {spec.name: made.get(spec.name, spec.name) for spec in own.sources}
    inner = [*own.values, *(step.output for step in own.steps)]
    taken = {spec.name for spec in program.sources} | {*program.values, *sources, *inner}
    taken |= {step.output for step in program.steps} | {*program.aliases, *own.aliases}
    names = {}
    for number, name in enumerate(inner):
        count = number
        while (fresh := f"own~{count}") in taken:
            count += 1
        taken.add(fresh)
        names[name] = fresh
    return {**sources, **names}


def _aliases(
    program: WeightProgram, own: WeightProgram, names: Mapping[str, str]
) -> Mapping[str, str]:
    """Other names of what still is a source."""
    sources = {spec.name for spec in (*program.sources, *own.sources)}
    sources -= {one.name for one in program.constants} - {spec.name for spec in program.sources}
    for alias, name in program.aliases.items():
        if alias in sources:
            raise WeightError(
                f"the program has {alias!r} for another name of {name!r}, and the file has a weight"
                f" of that name, which the program does not make"
            )
    kept = {alias: names[name] for alias, name in own.aliases.items() if names[name] in sources}
    left = {alias: name for alias, name in kept.items() if alias not in sources}
    return {**left, **program.aliases}


def _first(
    whole: WeightProgram, program: WeightProgram, own: WeightProgram, names: Mapping[str, str]
) -> Mapping[str, Array]:
    """The first values that are known of sources that must have one."""
    known = {names[name]: value for name, value in own.first.items()} | {**program.first}
    return {name: known[name] for name in sorted(whole.kept & known.keys())}

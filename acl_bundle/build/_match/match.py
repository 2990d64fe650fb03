"""From a model that others exported and the weights it was exported with to a weight program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from acl_bundle import dtypes
from acl_bundle.build._match.atoms import Sources
from acl_bundle.build._match.digest import is_uniform
from acl_bundle.build._match.expr import Expr, Steps
from acl_bundle.build._match.formula import EPSILONS
from acl_bundle.build._match.names import ModelPlaces
from acl_bundle.build._match.result import Match
from acl_bundle.build._match.search import Search, Ways
from acl_bundle.build._onnx import element_types, gather, operands, walk
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.load import Source, load
from acl_bundle.errors import WeightError
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Constant, WeightProgram


def match(
    model: Source,
    weights: Mapping[str, Any],
    *,
    choose: Mapping[str, str] | None = None,
    epsilons: Sequence[float] = EPSILONS,
) -> Match:
    """Find by value which constants of a model come from which weights.

    For models whose export renamed, transposed, joined or folded the weights. The weights
    are those that the model was exported with, by the trainer's names. Each floating-point
    constant is compared with all of them: as they are, with axes in another order, in
    another shape, cast to its dtype, as a slice, as parts joined in any order, as a sum of
    two, and with a batch normalization folded in. Nothing is guessed: where several
    weights hold what a constant holds and names do not decide plainly, or where all its
    elements are one number, it is listed as ambiguous.

    The time goes with the bytes of model and weights. Both are read in place where they
    are mapped files; the weights must not change meanwhile.

    Args:
        model: Path, bytes or ``ModelProto`` of an ONNX model; never changed.
        weights: Any mapping of names to arrays, or what `weights.open` gives. Tied weights
            are told by their memory, or by the ``aliases`` of the source.
        choose: For constants that were ambiguous before: by the constant's name, the name
            of the one source, or the text that stands in `Match.ambiguous`.
        epsilons: What may have been added to the variance of a batch normalization.

    Returns:
        What was found, and what was not: for ``build.from_onnx(model, program=found)``,
        or ``found.save_beside(path)`` of a bundle that is there already. An update passes over
        weights that no constant needs if every constant was found; over those that are
        one number throughout it never does, for exporters leave zeros and ones out.

    Raises:
        TypeError: The weights are no mapping of names to arrays.
        WeightError: ``choose`` names a constant that is not ambiguous, or none of its
            candidates.
        ValueError: The model does not fit.
        OSError: The model cannot be read.
    """
    loaded = load(model)
    constants = gather.gather(loaded).own
    sources = Sources(weights)
    search = Search(sources, ModelPlaces(loaded.model.graph), epsilons)
    uses = walk.uses(loaded.model.graph)
    left = dict(choose or {})
    found: dict[str, Expr] = {}
    ambiguous: dict[str, tuple[str, ...]] = {}
    unmatched: list[WeightSpec] = []
    is_open = False
    asked = [*_weights(constants, uses)]
    known = {one.name: search.find(one) for one in asked}
    known |= search.find_boxes([one for one in asked if known[one.name] == Ways()])
    for one in asked:
        ways = known[one.name]
        made = ways.found
        if made is None and one.name in left:
            made = _chosen(one.name, left.pop(one.name), ways.listed)
        if made is not None:
            found[one.name] = made
        elif ways.listed:
            ambiguous[one.name] = tuple(map(str, ways.listed))
        else:
            unmatched.append(WeightSpec(one.name, one.dims, dtypes.to_numpy(one.dtype)))
            is_open = is_open or not is_uniform(one.array)
    if left:
        raise WeightError(
            f"choose names {', '.join(map(repr, left))}, not ambiguous; ambiguous are"
            f" {', '.join(map(repr, ambiguous)) or 'none'}"
        )
    return _result(constants, sources, found, ambiguous, unmatched, is_open)


def _weights(
    constants: Mapping[str, ModelConstant], uses: Mapping[str, list[walk.TensorUse]]
) -> Iterator[ModelConstant]:
    """The floating-point constants that are read as data."""
    for one in constants.values():
        if (
            one.elem in element_types.FLOATING
            and one.data.nbytes
            and uses.get(one.name)
            and operands.shaping_use(one.name, uses) is None
        ):
            yield one


def _chosen(constant: str, choice: str, listed: Sequence[Expr]) -> Expr:
    fitting = [one for one in listed if str(one) == choice or one.sources == (choice,)]
    if len(fitting) != 1:
        raise WeightError(
            f"choose says {choice!r} for {constant!r}; one of"
            f" {', '.join(repr(str(one)) for one in listed) or 'none'} is right"
        )
    return fitting[0]


def _result(
    constants: Mapping[str, ModelConstant],
    sources: Sources,
    found: Mapping[str, Expr],
    ambiguous: Mapping[str, tuple[str, ...]],
    unmatched: Sequence[WeightSpec],
    is_open: bool,
) -> Match:
    needed = {name for one in found.values() for name in one.sources}
    own = [name for name in sources.arrays if name in needed]
    aliases = {name: one for name, one in sources.aliases.items() if one in needed}
    unused = [
        *(name for name in sources.arrays if name not in needed),
        *(name for name, one in sources.aliases.items() if one not in needed),
        *sources.others,
    ]
    steps = Steps([*own, *constants])
    made = tuple(
        Constant(name, steps.emit(one, name), dtypes.to_numpy(constants[name].dtype),
             constants[name].dims)
        for name, one in found.items()
    )  # fmt: skip
    plain = WeightProgram(tuple(map(sources.spec, own)), made, tuple(steps.steps), steps.values)
    passed = {*sources.others}
    if not ambiguous and not is_open:  # else a constant that was not found may need them
        passed |= {
            name for name in unused if sources.aliases.get(name, name) not in sources.uniform
        }  # for exporters leave out zeros and ones
    program = WeightProgram(
        plain.sources, plain.constants, plain.steps, plain.values,
        first={name: sources.arrays[name] for name in own if name in plain.kept},
        aliases=aliases,
        unused=tuple(name for name in unused if name in passed),
    )  # fmt: skip
    return Match(program, tuple(unmatched), ambiguous, tuple(unused))

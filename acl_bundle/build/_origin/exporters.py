"""What an exporter did to a model's weights, as far as the model shows it.

Exporters that fold transpose, join and multiply parameters, and give what comes of
it a name of their own. An update by the trainer's names cannot reach such a
constant, and would be half an update without a word. Exporters also merge
parameters that held equal values when they looked.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from acl_bundle._names.exported import by_exporter
from acl_bundle.build._onnx import element_types, operands
from acl_bundle.build._onnx.constants import ModelConstant
from acl_bundle.build._onnx.walk import TensorUse
from acl_bundle.build._origin.selection import Choice

SAID: Final = "the exporter made up"
_TOLD: Final = 3
_MADE_UP: Final = (
    f"{SAID} the name of what it folded, so an update by a state dict leaves it as it is"
)
_FUSED: Final = (
    "the exporter put a BatchNorm into its value and left the name, so an update by a state dict"
    " would be wrong"
)


class Noted(NamedTuple):
    """What is to be said of a model's weights.

    Attributes:
        made_up: Constants that look like trained weights under names that an
            exporter made up: floating-point, read as data, of unequal numbers; and those
            that have a parameter's name, but into whose value it put a BatchNorm.
        shared: Weights that several nodes read, and the nodes' names: one
            parameter used twice, or several that an exporter merged.
    """

    made_up: tuple[str, ...] = ()
    shared: Mapping[str, tuple[str, ...]] = {}


def noted(
    asked: Choice,
    chosen: Sequence[ModelConstant],
    constants: Mapping[str, ModelConstant],
    uses: Mapping[str, Sequence[TensorUse]],
    fused: Collection[str],
) -> Noted:
    """Look at a graph as its author gave it, and warn of what an update would miss.

    Args:
        asked: What the caller chose, whose own words need no warning.
        chosen: The weights.
        constants: All constants of the main graph.
        uses: Who reads each tensor of the main graph.
        fused: Constants that torch's exporter says it has put a BatchNorm into.
    """
    found = [one.name for one in constants.values() if by_exporter(one.name)]
    made_up = tuple(name for name in found if _looks_trained(constants[name], uses))
    _warn([name for name in made_up if isinstance(asked, str) or name not in asked], _MADE_UP)
    _warn([one.name for one in chosen if one.name in fused], _FUSED)
    made_up += tuple(name for name in constants if name in fused and name not in made_up)
    return Noted(made_up, shared([one.name for one in chosen], uses))


def shared(
    names: Iterable[str], uses: Mapping[str, Sequence[TensorUse]]
) -> dict[str, tuple[str, ...]]:
    """Return those of some constants that feed several places, and the names of their nodes."""
    nodes = {name: tuple(use.node.name for use in uses.get(name, ())) for name in names}
    return {name: readers for name, readers in nodes.items() if len(readers) > 1}


def _looks_trained(one: ModelConstant, uses: Mapping[str, Sequence[TensorUse]]) -> bool:
    if one.elem not in element_types.FLOATING or not one.dims or not one.data.nbytes:
        return False
    is_data = bool(uses.get(one.name)) and operands.shaping_use(one.name, uses) is None
    return is_data and bool((one.array != one.array.reshape(-1)[0]).any())


def _warn(missed: Sequence[str], why: str) -> None:
    if missed:
        more = f" and {len(missed) - _TOLD} more" if len(missed) > _TOLD else ""
        warnings.warn(
            f"{', '.join(map(repr, missed[:_TOLD]))}{more}: {why}. torch.onnx.export(...,"
            " dynamo=True, optimize=False) keeps each parameter under its own name; so do"
            " build.from_torch and build.from_tensorflow",
            stacklevel=4,
        )

"""All AIPP of a model: the inputs that it has instead of its graph's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from acl_bundle import dtypes
from acl_bundle.aipp import AippConfig, AippSource, read
from acl_bundle.build._aipp.fit import front
from acl_bundle.build._aipp.front import PARAMETERS, UINT8, Dims, Front
from acl_bundle.build._shapes.flexible import Flexible
from acl_bundle.build._shapes.gears import GearPlan
from acl_bundle.om import TensorInfo

_HEAD, _EACH = 64, 96  # bytes of parameters (facts 13.5)


@dataclass(frozen=True)
class Fronts:
    """AIPP in front of a model's inputs; none where there are no fronts.

    Attributes:
        fronts: By the place of their inputs.
        inputs: What the model takes, as ACL counts it.
        parameters: The place of the parameters of each front that is dynamic.
    """

    fronts: Sequence[Front]
    inputs: tuple[TensorInfo, ...]
    parameters: Mapping[int, int]

    @property
    def memory_dims(self) -> dict[str, Dims]:
        """The dims of bytes, of the images that have others by their pixels."""
        return {
            one.tensor.name: one.memory_dims for one in self.fronts if not one.config.is_dynamic
        }

    @property
    def mode(self) -> str | None:
        """How each data node is related to AIPP: "static_aipp", "dynamic_aipp", or None."""
        if not self.fronts:
            return None
        return "dynamic_aipp" if self.parameters else "static_aipp"

    @property
    def records(self) -> list[bytes]:
        """A program's records."""
        return [one.record(self.parameters.get(one.at)) for one in self.fronts]


def put(
    source: AippSource | None, inputs: tuple[TensorInfo, ...], flexible: Flexible | None
) -> Fronts:
    """Put AIPP in front of inputs.

    Args:
        source: What it does, None for no AIPP.
        inputs: The graph's, and with gears one more.
        flexible: Which shapes the model takes.

    Raises:
        ValueError: The configuration is wrong, or does not fit the inputs.
    """
    if source is None:
        return Fronts((), inputs, {})
    configs = read(source)
    _check_flexible(flexible, configs)
    graph = inputs if flexible is None else inputs[:-1]
    made = [_front(one, graph, flexible) for one in configs]
    listed, parameters = list(inputs), dict[int, int]()
    for one in made:
        listed[one.at] = one.image
        if one.config.is_dynamic:
            name = PARAMETERS if not parameters else f"{PARAMETERS}_{one.tensor.name}_0_aipp"
            size = _HEAD + _EACH * one.batch
            parameters[one.at] = len(listed)
            listed.append(TensorInfo(name, UINT8, dtypes.FORMAT_ND, (size,), size))
    return Fronts(made, tuple(listed), parameters)


def _check_flexible(flexible: Flexible | None, configs: Sequence[AippConfig]) -> None:
    if flexible is None:
        return
    kind = flexible.kind if isinstance(flexible, GearPlan) else "shape"
    if kind == "dims":
        raise ValueError("aipp is given with dynamic_dims; ATC takes one of them, not both")
    if configs[0].is_dynamic and kind == "shape":
        raise ValueError(
            "aipp_mode is dynamic, and dynamic_shape is given; dynamic AIPP goes with"
            " dynamic_batch or dynamic_hw here"
        )
    if not configs[0].is_dynamic and kind != "batch":
        raise ValueError("aipp is given with shapes that are open; only dynamic_batch goes with it")


def _front(config: AippConfig, inputs: Sequence[TensorInfo], flexible: Flexible | None) -> Front:
    names = [one.name for one in inputs]
    at, name = config.number("related_input_rank"), config["related_input_name"]
    if name:
        if name not in names:
            raise ValueError(f"related_input_name is {name!r}; the inputs are {', '.join(names)}")
        at = names.index(str(name))
    if at >= len(inputs):
        raise ValueError(
            f"related_input_rank is {at}; the model has {len(inputs)} inputs, from 0 on"
        )
    shapes = [inputs[at].dims]
    if isinstance(flexible, GearPlan):
        shapes = [shape[names[at]] for shape in flexible.shapes]
    return front(config, at, inputs[at], shapes)

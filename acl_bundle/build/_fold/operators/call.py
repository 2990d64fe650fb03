"""A node of a model whose inputs are known, and what a translation may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from onnx import NodeProto, helper

from acl_bundle.build._fold.values import NotFoldableError, Values, integers
from acl_bundle.weight_program import Step

Attributes: TypeAlias = Mapping[str, Any]


class Call:
    """One node, its inputs known.

    Attributes:
        attributes: The node's, by name.
    """

    def __init__(self, node: NodeProto, values: Values, opset: int) -> None:
        self._node, self._values = node, values
        self.opset: int = opset
        self.attributes: Attributes = {
            one.name: helper.get_attribute_value(one) for one in node.attribute
        }

    @property
    def count(self) -> int:
        """How many inputs it has."""
        return len(self._node.input)

    @property
    def outputs(self) -> list[str]:
        """The names of its outputs."""
        return list(self._node.output)

    def has(self, at: int) -> bool:
        """Whether an input is given."""
        return at < len(self._node.input) and bool(self._node.input[at])

    def value(self, at: int) -> str:
        """The value that an input is."""
        return self._values.value_of(self._node.input[at])

    def array(self, at: int) -> Any:
        """What an input is now."""
        return self._values.array(self.value(at))

    def fixed(self, at: int) -> list[int]:
        """The numbers of an input that no source may change.

        Raises:
            NotFoldableError: One may.
        """
        if self._values.depends(self._node.input[at]):
            raise NotFoldableError(f"input {at} of {self._node.op_type} depends on a weight")
        return integers(self.array(at))

    def numbers(self, name: str, at: int) -> list[int] | None:
        """An attribute that is an input in later versions; None where it is not given."""
        if name in self.attributes:
            return list(self.attributes[name])
        return self.fixed(at) if self.has(at) else None

    def emit(self, op: str, inputs: Sequence[str], **options: Any) -> str:
        """Note one step towards the first output."""
        return self._values.emit(self._node.output[0], op, inputs, **options)

    def emit_as(self, wish: str, op: str, inputs: Sequence[str], **options: Any) -> str:
        """The same towards another output."""
        return self._values.emit(wish, op, inputs, **options)

    def step(self, value: str) -> Step | None:
        """The step that makes a value, if one does."""
        return self._values.steps.get(value)

    def shape(self, value: str) -> tuple[int, ...]:
        """The shape of a value."""
        return self._values.array(value).shape

    def note(self, array: Any) -> str:
        """Note a fixed value."""
        return self._values.fixed(self._node.output[0], np.asarray(array))


Translation: TypeAlias = Callable[[Call], list[str]]
"""From a call to the values of its outputs."""


def axis_of(axis: int, rank: int) -> int:
    """Return an axis counted from the first; NotFoldableError where there is no such axis."""
    if not -rank <= axis < max(rank, 1):
        raise NotFoldableError(f"axis {axis} of rank {rank}")
    return axis % rank if rank else 0

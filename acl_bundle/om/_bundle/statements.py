"""Where the graphs of a bundle speak of its weights: shapes, offsets, and that all say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final, NamedTuple, TypeAlias, TypeVar

from acl_bundle._acl import lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bundle.roles import INIT_NAME
from acl_bundle.om._modeldef.nodes import Nodes, Told
from acl_bundle.om._modeldef.tables import Tables
from acl_bundle.om.model import Model

VARIABLE_SUFFIX: Final = "_var"
THEN_DATA_SUFFIX: Final = "_var_then_data"
Shape: TypeAlias = tuple[int, ...]


class Said(NamedTuple):
    """What the nodes of one kind in one model say of weights.

    Attributes:
        model: The model's name.
        suffix: What follows a weight's name in a node's.
        nodes: Those that say it.
    """

    model: str
    suffix: str
    nodes: Nodes


class Statements:
    """Everything the graphs say about variables.

    Most places say the same of the same weights in the same order as the first.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self._said: list[Said] = []
        self._told: list[Told] = []  # by the first place, and by those that do not agree with it
        for model in models:
            initialises = not (model.inputs or model.outputs) or model.name == INIT_NAME
            for definition in model.definitions:
                self._note(definition.tables, model.name, initialises)

    def _note(self, tables: Tables, model: str, initialises: bool) -> None:
        wanted = [(lib.AB_THEN_DATA, THEN_DATA_SUFFIX), (lib.AB_WEIGHT, VARIABLE_SUFFIX)]
        if initialises:
            wanted.append((lib.AB_CONST, ""))
        for kind, suffix in wanted:
            if tables.kinds[kind]:
                nodes = Nodes(tables, kind, len(suffix))
                if not self._said or not nodes.agree(self._said[0].nodes):
                    self._told.append(nodes.told)
                self._said.append(Said(model, suffix, nodes))

    def of(self, names: list[str]) -> tuple[list[Shape | None], list[int | None]]:
        """Return what is said first of the shape and the offset of each weight, None: nothing."""
        if self._are_told_once(names):
            return self._told[0].shapes, self._told[0].offsets or [None] * len(names)
        return [*map(self._shapes.get, names)], [*map(self._offsets.get, names)]

    def _are_told_once(self, names: list[str]) -> bool:
        """Whether one place tells of these, in this order, and of no others."""
        return len(self._told) == 1 and self._told[0].names == names

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        """The first shape that is said of each weight."""
        return _first(self._said_shapes)

    @cached_property
    def _offsets(self) -> dict[str, int]:
        """The first offset that is said of each weight."""
        return _first(self._said_offsets)

    @property
    def _said_shapes(self) -> Iterator[tuple[str, Shape]]:
        for told in self._told:
            for name, shape in zip(told.names, told.shapes, strict=True):
                if shape is not None:
                    yield name, shape

    @property
    def _said_offsets(self) -> Iterator[tuple[str, int]]:
        for told in self._told:
            for name, offset in zip(told.names, told.offsets, strict=bool(told.offsets)):
                if offset is not None:
                    yield name, offset

    @property
    def dtypes(self) -> dict[str, int]:
        """The dtype of each variable that a graph describes."""
        found: dict[str, int] = {}
        for said in self._said:
            if said.suffix == VARIABLE_SUFFIX:
                for name, dtype in zip(said.nodes.told.names, said.nodes.dtypes, strict=True):
                    if dtype is not None:
                        found.setdefault(name, dtype)
        return found

    def check(self, names: list[str], file: str) -> None:
        """Refuse weights of which two places say two things.

        Raises:
            BundleFormatError: There is one.
        """
        if self._are_told_once(names):
            return
        shapes = {name for name, shape in self._said_shapes if shape != self._shapes[name]}
        offsets = {name for name, at in self._said_offsets if at != self._offsets[name]}
        for name in names if shapes or offsets else ():
            if name in shapes:
                said = "; ".join(self._each_shape(name))
                raise BundleFormatError(
                    f"{file}: the graphs disagree about weight {name!r}: {said}"
                )
            if name in offsets:
                each = sorted({at for one, at in self._said_offsets if one == name})
                raise BundleFormatError(
                    f"{file}: the graphs disagree about where weight {name!r} starts:"
                    f" {', '.join(map(str, each))}"
                )

    def _each_shape(self, name: str) -> Iterator[str]:
        for said in self._said:
            told = said.nodes.told
            for one, shape in zip(told.names, told.shapes, strict=True):
                if one == name and shape is not None:
                    yield f"{said.model}/{name}{said.suffix} says {list(shape)}"


_Value = TypeVar("_Value", Shape, int)


def _first(said: Iterable[tuple[str, _Value]]) -> dict[str, _Value]:
    found: dict[str, _Value] = {}
    for name, one in said:
        found.setdefault(name, one)
    return found

"""Where the graphs of a bundle speak of its weights: shapes, offsets, and that all say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

from acl_bundle._acl import lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bundle.roles import INIT_NAME
from acl_bundle.om._modeldef.tables import Nodes, Tables, Told
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
        self.shapes: dict[str, Shape] = {}  # the first that is said
        self.offsets: dict[str, int] = {}
        self._odd: set[str] = set()  # of which another place says another
        self._odd_offsets: dict[str, set[int]] = {}
        self._said: list[Said] = []
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
                nodes = tables.of_kind(kind, len(suffix))
                if not self._said or not nodes.agree(self._said[0].nodes):
                    self._note_told(nodes.told)
                self._said.append(Said(model, suffix, nodes))

    def _note_told(self, told: Told) -> None:
        first, first_offset = self.shapes.setdefault, self.offsets.setdefault
        for name, shape in zip(told.names, told.shapes, strict=True):
            if shape is not None and first(name, shape) != shape:
                self._odd.add(name)
        for name, offset in zip(told.names, told.offsets, strict=True) if told.offsets else ():
            if offset is not None and first_offset(name, offset) != offset:
                self._odd_offsets.setdefault(name, {self.offsets[name]}).add(offset)

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

    def check(self, names: Iterable[str], file: str) -> None:
        """Refuse weights of which two places say two things.

        Raises:
            BundleFormatError: There is one.
        """
        for name in names if self._odd or self._odd_offsets else ():
            if name in self._odd:
                said = "; ".join(self._each_shape(name))
                raise BundleFormatError(
                    f"{file}: the graphs disagree about weight {name!r}: {said}"
                )
            if name in self._odd_offsets:
                offsets = ", ".join(map(str, sorted(self._odd_offsets[name])))
                raise BundleFormatError(
                    f"{file}: the graphs disagree about where weight {name!r} starts: {offsets}"
                )

    def _each_shape(self, name: str) -> Iterator[str]:
        for said in self._said:
            told = said.nodes.told
            for one, shape in zip(told.names, told.shapes, strict=True):
                if one == name and shape is not None:
                    yield f"{said.model}/{name}{said.suffix} says {list(shape)}"

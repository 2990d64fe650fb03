"""Where the graphs of a bundle speak of its weights: shapes, offsets, and that all say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle._acl import lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bundle.roles import INIT_NAME, role_of
from acl_bundle.om._modeldef.tables import Rows, Tables, gathered
from acl_bundle.om.model import Model

VARIABLE_SUFFIX: Final = "_var"
THEN_DATA_SUFFIX: Final = "_var_then_data"

Shape: TypeAlias = tuple[int, ...]


class Said(NamedTuple):
    """What the nodes of one kind in one model say of weights.

    Attributes:
        place: What to call a node, with {} for the weight.
        tables: Of the definition.
        names: Where the weights' names lie, and their bytes.
        rows: The tensors, counted from 1; 0: none is told.
    """

    place: str
    tables: Tables
    names: tuple[NDArray[np.uint32], NDArray[np.uint32]]
    rows: NDArray[np.uint32]

    def pairs(self) -> Iterator[tuple[str, Shape | None]]:
        return zip(self.tables.texts(*self.names), _written(self.tables, self.rows), strict=True)

    def key(self) -> bytes | None:
        """The bytes of names and shapes; None where some are not told by their author."""
        told = self.tables.tensors[self.rows - 1] if self.rows.all() else None
        if told is None or (told["told"] != lib.AB_WHOLE).any():
            return None
        counts, eight = told["origin_rank"], np.uint32(8)
        numbers = gathered(self.tables.numbers, told["origin"] * eight, counts * eight)
        names = gathered(self.tables.span.view, *self.names)
        return b"".join((self.names[1].tobytes(), counts.tobytes(), names, numbers))


class Places:
    """Everything the graphs say about variables.

    Most places say the same of the same weights in the same order, which is seen by the bytes.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.shapes: dict[str, Shape] = {}  # the first that is said
        self.offsets: dict[str, int] = {}
        self._odd: set[str] = set()  # of which another place says another
        self._odd_offsets: dict[str, set[int]] = {}
        self._said: list[Said] = []
        self._variables: list[Said] = []
        self._known: set[bytes] = set()
        for model in models:
            initialises = role_of(model) == "init" or model.name == INIT_NAME
            for definition in model.definitions:
                self._note(definition.tables, model.name, initialises)

    def _note(self, tables: Tables, model: str, initialises: bool) -> None:
        self._note_kind(tables, lib.AB_THEN_DATA, f"{model}/{{}}", THEN_DATA_SUFFIX)
        found = self._note_kind(tables, lib.AB_WEIGHT, f"{model}/{{}}", VARIABLE_SUFFIX)
        if found is not None:
            self._variables.append(found[0])
            self._note_offsets(*found)
        if initialises:
            self._note_kind(tables, lib.AB_CONST, f"{model}/{{}}", "")

    def _note_kind(
        self, tables: Tables, kind: int, place: str, suffix: str
    ) -> tuple[Said, Rows] | None:
        nodes = tables.nodes[tables.nodes["kind"] == kind]
        if not len(nodes):
            return None
        names = nodes["name"], nodes["name_size"] - np.uint32(len(suffix))
        said = Said(place + suffix, tables, names, nodes["tensor"])
        self._said.append(said)
        key = said.key()
        if key is None or key not in self._known:
            for name, shape in said.pairs():
                if shape is not None and self.shapes.setdefault(name, shape) != shape:
                    self._odd.add(name)
        if key is not None:
            self._known.add(key)
        return said, nodes

    def _note_offsets(self, said: Said, nodes: Rows) -> None:
        placed = nodes["offset_kind"] != 0
        if not placed.any():
            return
        at, size = (one[placed] for one in said.names)
        offsets = nodes["offset"][placed]
        names = gathered(said.tables.span.view, at, size)
        key = b"".join((b"offsets", size.tobytes(), names, offsets.tobytes()))
        if key in self._known:
            return
        self._known.add(key)
        for name, offset in zip(said.tables.texts(at, size), offsets.tolist(), strict=True):
            known = self.offsets.setdefault(name, offset)
            if known != offset:
                self._odd_offsets.setdefault(name, {known}).add(offset)

    @property
    def dtypes(self) -> dict[str, int]:
        """The dtype of each variable that a graph describes."""
        found: dict[str, int] = {}
        for said in self._variables:
            told, tables = said.rows != 0, said.tables
            types = tables.dtypes(tables.tensors[said.rows[told] - 1])
            names = tables.texts(*(one[told] for one in said.names))
            for name, dtype in zip(names, types, strict=True):
                found.setdefault(name, dtype)
        return found

    def check(self, names: Iterable[str], file: str) -> None:
        """Refuse weights of which two places say two things.

        Raises:
            BundleFormatError: There is one.
        """
        for name in names if self._odd or self._odd_offsets else ():
            if name in self._odd:
                said = "; ".join(
                    f"{one.place.format(name)} says {list(shape)}"
                    for one in self._said
                    for other, shape in one.pairs()
                    if other == name and shape is not None
                )
                raise BundleFormatError(
                    f"{file}: the graphs disagree about weight {name!r}: {said}"
                )
            if name in self._odd_offsets:
                offsets = ", ".join(map(str, sorted(self._odd_offsets[name])))
                raise BundleFormatError(
                    f"{file}: the graphs disagree about where weight {name!r} starts: {offsets}"
                )


def _written(tables: Tables, rows: NDArray[np.uint32]) -> list[Shape | None]:
    """Return the dims the author wrote, None where only stored ones are known, or none.

    Args:
        tables: Of the definition.
        rows: Of its tensors, counted from 1; 0 is none.
    """
    if not len(tables.tensors):
        return [None] * len(rows)
    told = tables.tensors[np.maximum(rows, 1) - 1]
    shapes: list[Shape | None] = [*tables.lists(told["origin"], told["origin_rank"])]
    odd = (told["told"] != lib.AB_WHOLE) | (rows == 0)
    if odd.any():
        which = np.flatnonzero(odd)
        is_stored = (told["told"][which] == lib.AB_NOTHING) & (rows[which] != 0)
        for at, use, shape in zip(
            which.tolist(), is_stored.tolist(), _stored(tables, told[which]), strict=True
        ):
            shapes[at] = shape if use else None
    return shapes


def _stored(tables: Tables, told: Rows) -> Iterator[Shape | None]:
    """Yield the stored dims of each, None where they are in another order, or open."""
    for layout, shape in zip(tables.formats(told), tables.shapes(told), strict=True):
        is_plain = layout in dtypes.PLAIN_FORMATS and min(shape, default=0) >= 0
        yield shape if is_plain else None

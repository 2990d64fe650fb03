"""Where the graphs of a bundle speak of its weights: shapes, offsets, and that all say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np

from acl_bundle import dtypes
from acl_bundle._acl import lib
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bundle.roles import INIT_NAME, role_of
from acl_bundle.om._bytes import pieces
from acl_bundle.om._bytes.pieces import Piece
from acl_bundle.om._modeldef.tables import Rows, Tables
from acl_bundle.om.model import Model

VARIABLE_SUFFIX: Final = "_var"
THEN_DATA_SUFFIX: Final = "_var_then_data"
Shape: TypeAlias = tuple[int, ...]


class Said(NamedTuple):
    """What the nodes of one kind in one model say of weights.

    Attributes:
        model: The model's name.
        suffix: What follows a weight's name in a node's.
        tables: Of the definition.
        names: The weights.
        rows: The tensors, counted from 1; 0: none is told.
    """

    model: str
    suffix: str
    tables: Tables
    names: list[str]
    rows: Piece

    def key(self) -> bytes | None:
        """The shapes, as bytes; None where some are not told by their author."""
        if not self.rows.all():
            return None
        tensors, which = self.tables.tensors, self.rows - 1
        if (tensors["told"][which] != lib.AB_WHOLE).any():
            return None
        counts = tensors["origin_rank"][which]
        at, size = tensors["origin"][which] * pieces.EIGHT, counts * pieces.EIGHT
        return counts.tobytes() + pieces.gathered(self.tables.numbers, at, size)


class Statements:
    """Everything the graphs say about variables.

    Most places say the same of the same weights in the same order, which is seen by the bytes.
    """

    def __init__(self, models: Sequence[Model]) -> None:
        self.shapes: dict[str, Shape] = {}  # the first that is said
        self.offsets: dict[str, int] = {}
        self._odd: set[str] = set()  # of which another place says another
        self._odd_offsets: dict[str, set[int]] = {}
        self._said: list[Said] = []
        self._names: dict[bytes, list[str]] = {}
        self._known: set[tuple[int, str, bytes]] = set()
        for model in models:
            initialises = role_of(model) == "init" or model.name == INIT_NAME
            for definition in model.definitions:
                self._note(definition.tables, model.name, initialises)

    def _note(self, tables: Tables, model: str, initialises: bool) -> None:
        wanted = [(lib.AB_THEN_DATA, THEN_DATA_SUFFIX), (lib.AB_WEIGHT, VARIABLE_SUFFIX)]
        if initialises:
            wanted.append((lib.AB_CONST, ""))
        kinds = tables.nodes["kind"]
        for kind, suffix in wanted:
            which = np.flatnonzero(kinds == kind)
            if len(which):
                names = self._decoded(tables, which, len(suffix))
                said = Said(model, suffix, tables, names, tables.nodes["tensor"][which])
                self._said.append(said)
                self._note_shapes(said)
                if kind == lib.AB_WEIGHT:
                    self._note_offsets(tables, which, names)

    def _decoded(self, tables: Tables, which: Rows, cut: int) -> list[str]:
        """Return the names of some nodes without their ends; equal names are one list."""
        at, size = tables.nodes["name"][which], tables.nodes["name_size"][which] - np.uint32(cut)
        key = size.tobytes() + pieces.gathered(tables.span.view, at, size)
        if key not in self._names:
            self._names[key] = tables.texts(at, size)
        return self._names[key]

    def _is_new(self, what: str, names: list[str], key: bytes | None) -> bool:
        """Whether nothing was noted yet that is the same of the same weights."""
        if key is None:
            return True
        known = id(names), what, key
        is_new = known not in self._known
        self._known.add(known)
        return is_new

    def _note_shapes(self, said: Said) -> None:
        if self._is_new("shapes", said.names, said.key()):
            first, shapes = self.shapes.setdefault, _written(said.tables, said.rows)
            for name, shape in zip(said.names, shapes, strict=True):
                if shape is not None and first(name, shape) != shape:
                    self._odd.add(name)

    def _note_offsets(self, tables: Tables, which: Rows, names: list[str]) -> None:
        offsets, kinds = tables.nodes["offset"][which], tables.nodes["offset_kind"][which]
        if not self._is_new("offsets", names, offsets.tobytes() + kinds.tobytes()):
            return
        for name, offset, kind in zip(names, offsets.tolist(), kinds.tolist(), strict=True):
            if kind and self.offsets.setdefault(name, offset) != offset:
                self._odd_offsets.setdefault(name, {self.offsets[name]}).add(offset)

    @property
    def dtypes(self) -> dict[str, int]:
        """The dtype of each variable that a graph describes."""
        found: dict[str, int] = {}
        for said in self._said:
            if said.suffix == VARIABLE_SUFFIX:
                tensors = said.tables.tensors[said.rows[said.rows != 0] - 1]
                told = (name for name, row in zip(said.names, said.rows, strict=True) if row)
                for name, dtype in zip(told, said.tables.dtypes(tensors), strict=True):
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
            for one, shape in zip(said.names, _written(said.tables, said.rows), strict=True):
                if one == name and shape is not None:
                    yield f"{said.model}/{name}{said.suffix} says {list(shape)}"


def _written(tables: Tables, rows: Piece) -> list[Shape | None]:
    """Return the dims the author wrote, None where only stored ones are known, or none.

    Args:
        tables: Of the definition.
        rows: Of its tensors, counted from 1; 0 is none.
    """
    if not len(tables.tensors):
        return [None] * len(rows)
    which = np.maximum(rows, 1) - 1
    at, count, told = (tables.tensors[name][which] for name in ("origin", "origin_rank", "told"))
    shapes: list[Shape | None] = [*tables.lists(at, count)]
    odd = (told != lib.AB_WHOLE) | (rows == 0)
    if odd.any():
        some = np.flatnonzero(odd)
        is_stored = (told[some] == lib.AB_NOTHING) & (rows[some] != 0)
        stored = _stored(tables, tables.tensors[which[some]])
        for index, use, shape in zip(some.tolist(), is_stored.tolist(), stored, strict=True):
            shapes[index] = shape if use else None
    return shapes


def _stored(tables: Tables, told: Rows) -> Iterator[Shape | None]:
    """Yield the stored dims of each, None where they are in another order, or open."""
    for layout, shape in zip(tables.formats(told), tables.shapes(told), strict=True):
        is_plain = layout in dtypes.PLAIN_FORMATS and min(shape, default=0) >= 0
        yield shape if is_plain else None

"""The refreshable weights of a bundle: names, dtypes, shapes, and their memory.

The update graph's inputs give names and dtypes, in the order an update takes
them, but not shapes: their rank is unknown (facts 1.9). Shapes are looked up
in all graphs of the file (facts 4.4), and every place that has one must say
the same. A bundle without an update graph has the variables its graphs name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from acl_bundle import dtypes
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bundle import names
from acl_bundle.om._bundle.manifest import Manifest
from acl_bundle.om._bundle.roles import INIT_NAME, UPDATE_SUFFIX, role_of
from acl_bundle.om._modeldef import desc_rows, ge
from acl_bundle.om._modeldef.graph import Graph
from acl_bundle.om._modeldef.tensor import KINDS
from acl_bundle.om._proto.rows import Rows
from acl_bundle.om.model import Model

VARIABLE_SUFFIX: Final = "_var"
THEN_DATA_SUFFIX: Final = "_var_then_data"


@dataclass(frozen=True, slots=True)
class Variable:
    """One refreshable weight.

    Attributes:
        name: The weight's own name, as an update takes it.
        dtype: The ``aclDataType`` an update takes.
        shape: The shape an update takes, None where the file does not say.
        offset: Where it starts in the variables' memory, None where the file
            does not say; only files of `acl_bundle.build` do.
        in_graph: What the graphs call it, without the suffix of its variable;
            another name where a compiler added to it (:mod:`acl_bundle.om._bundle.names`).
    """

    name: str
    dtype: int
    shape: tuple[int, ...] | None
    offset: int | None = None
    in_graph: str = ""

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy dtype of an element; ValueError where numpy has none."""
        return dtypes.to_numpy(self.dtype)

    @property
    def nbytes(self) -> int | None:
        """Bytes an update takes, None where the shape is unknown."""
        if self.shape is None:
            return None
        return math.prod(self.shape) * dtypes.nbytes(self.dtype)


def layout(sizes: Iterable[int]) -> tuple[tuple[int, ...], int]:
    """Return where each variable of so many bytes starts, and what all of them take.

    Each takes ``roundup(nbytes, 512) + 1024`` (facts 4.4).
    """
    offsets, total = [], 0
    for size in sizes:
        offsets.append(total)
        total += (size + 511) // 512 * 512 + 1024
    return tuple(offsets), total


def find(
    models: Sequence[Model], size: int, file: str, manifest: Manifest | None = None
) -> dict[str, Variable]:
    """Return the variables of a bundle by name.

    Args:
        models: Of the bundle.
        size: Bytes of the variables' memory.
        file: Its name, for the message.
        manifest: What lies beside it and names the weights, if there is one.

    Raises:
        BundleFormatError: Two places disagree about a shape or an offset, or
            two variables lie over each other or beyond the end, or the
            manifest is of another bundle.
    """
    found = _Places(models)
    named = dict(_updated(models)) or found.dtypes
    own = names.own(named) if manifest is None else manifest.own(named, file)
    said = {} if manifest is None else {one.ge_name: one.shape for one in manifest.weights}
    made = {}
    for name, dtype in named.items():
        shape = found.shape(name, file)
        shape = said.get(name) if shape is None else shape
        made[own[name]] = Variable(own[name], dtype, shape, found.offset(name, file), name)
    _check_places(made.values(), size, file)
    return made


def _check_places(variables: Iterable[Variable], size: int, file: str) -> None:
    """Refuse variables that share memory, or have none."""
    placed = sorted((v.offset, v.nbytes or 0, v.name) for v in variables if v.offset is not None)
    end, before = 0, ""
    for offset, nbytes, name in placed:
        if offset < end:
            raise BundleFormatError(
                f"{file}: variable {name!r} starts at byte {offset} of the variables' memory,"
                f" where {before or 'nothing'} ends at {end}"
            )
        end, before = offset + nbytes, name
        if end > size:
            raise BundleFormatError(
                f"{file}: variable {name!r} takes bytes {offset} to {end} of the variables'"
                f" memory, which has {size}"
            )


def _updated(models: Sequence[Model]) -> Iterator[tuple[str, int]]:
    for model in models:
        if role_of(model) == "update":
            for one in model.inputs:
                yield one.name.removesuffix(UPDATE_SUFFIX), one.dtype


class _Places:
    """Everything the graphs say about shapes, gathered in one pass."""

    def __init__(self, models: Sequence[Model]) -> None:
        self._shapes: dict[str, list[tuple[str, tuple[int, ...]]]] = {}
        self._offsets: dict[str, set[int]] = {}
        self.dtypes: dict[str, int] = {}
        for model in models:
            initialises = role_of(model) == "init" or model.name == INIT_NAME
            for graph in model.graphs:
                self._note_inputs(graph, model.name)
                self._note_variables(graph, model.name)
                if initialises:
                    self._note_values(graph, model.name)

    def _note_inputs(self, graph: Graph, model: str) -> None:
        nodes, names = _ending(graph.select(*ge.INPUT_TYPES), THEN_DATA_SUFFIX)
        descs = nodes.first(ge.OP_OUTPUT_DESC).otherwise(nodes.first(ge.OP_INPUT_DESC))
        self._add(names, THEN_DATA_SUFFIX, descs, model)

    def _note_variables(self, graph: Graph, model: str) -> None:
        nodes, names = _ending(graph.select(ge.VARIABLE_TYPE), VARIABLE_SUFFIX)
        descs = nodes.first(ge.OP_OUTPUT_DESC)
        self._add(names, VARIABLE_SUFFIX, descs, model)
        offsets = desc_rows.integers(nodes, ge.OP_ATTR, ge.VARIABLE_OFFSET)
        types, told = desc_rows.dtypes_of(descs), descs.numbers.tolist()
        for name, offset, dtype, is_told in zip(names, offsets, types, told, strict=True):
            if offset is not None:
                self._offsets.setdefault(name, set()).add(offset)
            if is_told:
                self.dtypes.setdefault(name, dtype)

    def _note_values(self, graph: Graph, model: str) -> None:
        nodes = graph.select(*ge.CONST_TYPES)
        values = nodes.entry(ge.OP_ATTR, ge.VALUE)
        tensors = values.first(*KINDS).numbers == ge.ATTR_T
        named, others = nodes.take(tensors), nodes.take(~tensors)
        told = values.take(tensors).last(ge.ATTR_T).last(ge.TENSOR_DESC)
        self._add(named.last(ge.OP_NAME).texts(), "", told, model)
        self._add(others.last(ge.OP_NAME).texts(), "", others.first(ge.OP_OUTPUT_DESC), model)

    def _add(self, names: Sequence[str], suffix: str, descs: Rows, model: str) -> None:
        for name, shape in zip(names, _written(descs), strict=True):
            if shape is not None:
                place = f"{model}/{name}{suffix}"
                self._shapes.setdefault(name, []).append((place, shape))

    def shape(self, name: str, file: str) -> tuple[int, ...] | None:
        places = self._shapes.get(name, [])
        shapes = {shape for _, shape in places}
        if len(shapes) > 1:
            said = "; ".join(f"{place} says {list(shape)}" for place, shape in places)
            raise BundleFormatError(f"{file}: the graphs disagree about weight {name!r}: {said}")
        return places[0][1] if places else None

    def offset(self, name: str, file: str) -> int | None:
        offsets = sorted(self._offsets.get(name, ()))
        if len(offsets) > 1:
            raise BundleFormatError(
                f"{file}: the graphs disagree about where weight {name!r} starts:"
                f" {', '.join(map(str, offsets))}"
            )
        return offsets[0] if offsets else None


def _ending(nodes: Rows, suffix: str) -> tuple[Rows, list[str]]:
    """Return the nodes whose names end so, and their names without that."""
    named = nodes.last(ge.OP_NAME).texts()
    which = [at for at, name in enumerate(named) if name.endswith(suffix)]
    return nodes.take(which), [named[at].removesuffix(suffix) for at in which]


def _written(descs: Rows) -> Iterator[tuple[int, ...] | None]:
    """Yield the dims the author wrote, None where only stored ones are known, or none."""
    told, layouts = descs.numbers.tolist(), desc_rows.formats_of(descs)
    rows = zip(told, layouts, desc_rows.origins_of(descs), desc_rows.shapes_of(descs), strict=True)
    for is_told, layout, origin, stored in rows:
        shape = stored if origin is None and layout in dtypes.PLAIN_FORMATS else origin
        known = is_told and shape is not None and min(shape, default=0) >= 0
        yield shape if known else None

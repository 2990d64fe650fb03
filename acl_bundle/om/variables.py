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
from acl_bundle.om import _ge, names
from acl_bundle.om.graph import Node
from acl_bundle.om.manifest import Manifest
from acl_bundle.om.model import Model
from acl_bundle.om.roles import INIT_NAME, UPDATE_SUFFIX, role_of
from acl_bundle.om.tensor import Tensor, TensorDesc

VARIABLE_SUFFIX: Final = "_var"
THEN_DATA_SUFFIX: Final = "_var_then_data"
_TELLING: Final = {*_ge.INPUT_TYPES, _ge.VARIABLE_TYPE, *_ge.CONST_TYPES}  # say shapes


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
            another name where a compiler added to it (:mod:`acl_bundle.om.names`).
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
    made = {
        own[name]: Variable(
            own[name], dtype, found.shape(name, file), found.offset(name, file), name
        )
        for name, dtype in named.items()
    }
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
                for node in graph.nodes:
                    self._note(node, model.name, initialises)

    def _note(self, node: Node, model: str, initialises: bool) -> None:
        kind = node.type
        if kind not in _TELLING:
            return
        name = node.name
        place = f"{model}/{name}"
        if kind in _ge.INPUT_TYPES and name.endswith(THEN_DATA_SUFFIX):
            desc = node.first_output or node.first_input
            self._add(name.removesuffix(THEN_DATA_SUFFIX), desc, place)
        elif kind == _ge.VARIABLE_TYPE and name.endswith(VARIABLE_SUFFIX):
            name, desc = name.removesuffix(VARIABLE_SUFFIX), node.first_output
            self._add(name, desc, place)
            offset = node.attrs.get(_ge.VARIABLE_OFFSET)
            if isinstance(offset, int):
                self._offsets.setdefault(name, set()).add(offset)
            if desc is not None:
                self.dtypes.setdefault(name, desc.dtype)
        elif initialises and kind in _ge.CONST_TYPES:
            value = node.attrs.get(_ge.VALUE)
            desc = value.desc if isinstance(value, Tensor) else node.first_output
            self._add(name, desc, place)

    def _add(self, name: str, desc: TensorDesc | None, place: str) -> None:
        shape = None if desc is None else _written(desc)
        if shape is not None:
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


def _written(desc: TensorDesc) -> tuple[int, ...] | None:
    """Return the dims the author wrote, None where only stored ones are known."""
    shape = desc.origin_shape
    if shape is None and desc.format in dtypes.PLAIN_FORMATS:
        shape = desc.shape
    return None if shape is None or any(dim < 0 for dim in shape) else shape

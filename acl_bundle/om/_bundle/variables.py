"""The refreshable weights of a bundle: names, dtypes, shapes, and their memory.

The update graph's inputs give names and dtypes, in the order an update takes
them, but not shapes: their rank is unknown (facts 1.9). Shapes are looked up
in all graphs of the file (facts 4.4), and every place that has one must say
the same. A bundle without an update graph has the variables its graphs name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from acl_bundle import dtypes
from acl_bundle.errors import BundleFormatError
from acl_bundle.om._bundle import names
from acl_bundle.om._bundle.manifest import Manifest
from acl_bundle.om._bundle.roles import UPDATE_SUFFIX, Role
from acl_bundle.om._bundle.statements import Statements
from acl_bundle.om._bytes import objects
from acl_bundle.om.model import Model


class Variable(NamedTuple):
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
    models: Sequence[Model],
    does: Sequence[Role],
    size: int,
    file: str,
    manifest: Manifest | None = None,
) -> dict[str, Variable]:
    """Return the variables of a bundle by name.

    Args:
        models: Of the bundle.
        does: What each looks to do (`role_of`).
        size: Bytes of the variables' memory.
        file: Its name, for the message.
        manifest: What lies beside it and names the weights, if there is one.

    Raises:
        BundleFormatError: Two places disagree about a shape or an offset, or
            two variables lie over each other or beyond the end, or the
            manifest is of another bundle.
    """
    found = Statements(models)
    named = _updated(models, does) or found.dtypes
    in_graph = [*named]
    own = names.own(in_graph) if manifest is None else manifest.own(in_graph, file)
    found.check(in_graph, file)
    shapes, offsets = found.of(in_graph)
    if manifest is not None:
        said = {one.ge_name: one.shape for one in manifest.weights}
        shapes = [said.get(name) if shape is None else shape
                  for name, shape in zip(in_graph, shapes, strict=True)]  # fmt: skip
    types = [*named.values()]
    sizes = {dtype: dtypes.nbytes(dtype) for dtype in set(types)}
    made, is_in_order = objects.placed(
        Variable, (own, types, shapes, offsets, in_graph), sizes, size
    )
    if not is_in_order:
        _check_places(made, sizes, size, file)
    return dict(zip(own, made, strict=True))


def _check_places(
    variables: Iterable[Variable], sizes: Mapping[int, int], size: int, file: str
) -> None:
    """Refuse variables that share memory, or have none."""
    placed = sorted([
        (offset, 0 if shape is None else math.prod(shape) * sizes[dtype], name)
        for name, dtype, shape, offset, _ in variables
        if offset is not None
    ])  # fmt: skip
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


def _updated(models: Sequence[Model], does: Sequence[Role]) -> dict[str, int]:
    """Return the dtype of each weight that an update graph takes, by its name there."""
    found: dict[str, int] = {}
    for model, role in zip(models, does, strict=True):
        if role == "update":
            end = -len(UPDATE_SUFFIX)
            found.update({one[0][:end]: one[1] for one in model.inputs})  # name, dtype
    return found

"""The values inside a compiled file: the init graph's of a bundle, or a plain model's constants."""

from __future__ import annotations

import os

from acl_bundle import om
from acl_bundle._files import Path_
from acl_bundle.errors import BundleFormatError, WeightsFormatError
from acl_bundle.weights._file import bad
from acl_bundle.weights._source import Source
from acl_bundle.weights._spec import Array, Spec


class Compiled(Source):
    """What a bundle's init graph assigns, or the constants of a plain model, mapped."""

    kind = "om"

    def __init__(self, path: Path_) -> None:
        """Read the file.

        Raises:
            WeightsFormatError: It is damaged, or a bundle without an init graph.
            OSError: The file cannot be opened.
        """
        file = os.fspath(path)
        try:
            values = constants(om.open(path), file)
        except BundleFormatError as error:
            raise WeightsFormatError(str(error)) from None
        self._arrays: dict[str, Array] = values
        super().__init__(file, {name: Spec(one.shape, one.dtype) for name, one in values.items()})

    def _read(self, name: str) -> Array:
        return self._arrays[name]

    def _release(self) -> None:
        self._arrays = {}


def constants(file: om.Bundle | om.Model, name: str) -> dict[str, Array]:
    """Return the values of a model, or what a bundle's init graph assigns to its variables.

    Raises:
        WeightsFormatError: The bundle has no init graph.
        BundleFormatError: The file is damaged.
    """
    if isinstance(file, om.Model):
        return dict(file.weights)
    if "init" not in file.roles:
        raise bad(name, "the bundle has no weight-init graph, so no first values")
    values = file.models[file.roles["init"]].weights
    # A constant may not be called as a variable, so a builder adds a suffix there.
    named = {one.name: one.in_graph for one in file.variables.values()}
    found = {name: values.get(one, values.get(f"{one}_const")) for name, one in named.items()}
    return {name: value for name, value in found.items() if value is not None}

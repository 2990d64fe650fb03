"""The values inside a compiled file: the init graph's of a bundle, or a plain model's constants.

Of a bundle with a weight program they are the sources, as an update takes them.
"""

from __future__ import annotations

import os

from acl_bundle import om
from acl_bundle._base.files import Path_
from acl_bundle.errors import BundleFormatError, WeightsFormatError
from acl_bundle.weight_program import WeightProgram, from_bytes, lost, recover
from acl_bundle.weights._base.file import bad
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec


class OmWeights(Source):
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
            opened = om.open(path)
            self._constants: dict[str, Array] = constants(opened, file)
            self.program: WeightProgram | None = program_of(opened, file)
        except BundleFormatError as error:
            raise WeightsFormatError(str(error)) from None
        if self.program is None:
            found = self._constants.items()
            super().__init__(file, {name: Spec(one.shape, one.dtype) for name, one in found})
            return
        skipped, takes = lost(self.program), sources(self.program)
        specs = {name: one for name, one in takes.items() if name not in skipped}
        aliases = {n: one for n, one in self.program.aliases.items() if one in specs}
        super().__init__(file, specs, skipped, aliases)

    def _read(self, name: str) -> Array:
        if self.program is None:
            return self._constants[name]
        return recover(self.program, name, self._constants)

    def _release(self) -> None:
        self._constants = {}


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
    return file.first_values


def sources(program: WeightProgram) -> dict[str, Spec]:
    """Return what a program takes."""
    return {one.name: Spec(one.shape or (), one.dtype) for one in program.sources}


def program_of(file: om.Bundle | om.Model, name: str) -> WeightProgram | None:
    """Return a bundle's weight program, its own or that of its manifest.

    Raises:
        WeightsFormatError: It is damaged, or not of the bundle's weights.
    """
    found = None if isinstance(file, om.Model) else file.weight_program
    if found is None or isinstance(file, om.Model):
        return None
    try:
        program = from_bytes(found)
    except ValueError as error:
        raise bad(name, f"its weight program: {error}") from None
    odd = {one.name for one in program.constants} ^ file.first_values.keys()
    if odd:
        raise bad(name, f"its weight program is not of its weights {', '.join(sorted(odd))}")
    return program

"""A bundle file: several models and the size of the variables they share (facts 5.1).

The reader accepts what the runtime's loader accepts (facts 5.6): only
``modeltype`` of the bundle's header is looked at, unknown partitions are
stepped over, bytes behind the last one are ignored. Each model inside must be
whole, because the runtime would refuse it later.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from acl_bundle._acl import lib
from acl_bundle.om._bundle.manifest import Manifest, digest
from acl_bundle.om._bundle.roles import Role, assigned, role_of
from acl_bundle.om._bundle.variables import Variable, find
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import header as headers
from acl_bundle.om._container import partition
from acl_bundle.om._container.header import Header
from acl_bundle.om._container.partition import Partition, PartitionType
from acl_bundle.om.model import Model

_SIZE: Final = struct.Struct("<Q")


class Bundle:
    """The models of a bundle file, in file order.

    Attributes:
        header: All header fields.
        partitions: What the bundle's table lists.
        models: The models, in file order.
        variable_size: Bytes of the variables' memory, 0 when none is recorded.
        manifest: What lies beside the file and says how it was compiled, None
            where there is none.
    """

    def __init__(self, span: Span, header: Header, manifest: Manifest | None) -> None:
        """Read the tables of the bundle that ``span`` starts with, and its models' headers.

        Raises:
            BundleFormatError: A model in it is cut short, or the manifest is of another bundle.
        """
        self._span = span
        self.manifest: Manifest | None = manifest
        if manifest is not None:
            manifest.check_size(len(span), span.file)
        self.header: Header = header
        self.partitions: tuple[Partition, ...]
        self.partitions, _ = partition.read(span, headers.SIZE, most=partition.BUNDLE_TABLE_MAX)
        self.variable_size: int = _variable_size(self.partitions)
        self.models: tuple[Model, ...] = tuple(
            Model(part.span)
            for part in self.partitions
            if part.type == PartitionType.BUNDLE_MODEL_INFO
        )
        if manifest is not None and manifest.digest:
            manifest.check_digest(self.digest, span.file)

    def __repr__(self) -> str:
        names = ", ".join(model.name for model in self.models)
        return f"<om.Bundle of {self._span.file}: {names}>"

    @property
    def data(self) -> memoryview:
        """The whole file."""
        return self._span.view

    @cached_property
    def digest(self) -> str:
        """What ties a manifest to the file: see :func:`acl_bundle.om._bundle.manifest.digest`."""
        parts = (part for model in self.models for part in model.partitions)
        defined = [part.data for part in parts if part.type == PartitionType.MODEL_DEF]
        return digest(self.data, defined)

    @cached_property
    def _does(self) -> list[Role]:
        """What each model looks to do."""
        return [*map(role_of, self.models)]

    @cached_property
    def roles(self) -> dict[Role, int]:
        """Which model infers, initialises and updates, as index into ``models``.

        Empty for a bundle of unrelated models.

        Raises:
            BundleFormatError: The models leave a doubt.
        """
        return assigned(self.models, self._does, self._span.file)

    @cached_property
    def variables(self) -> dict[str, Variable]:
        """The refreshable weights by name, in the update graph's order.

        Raises:
            BundleFormatError: Two places of the file disagree about a weight, or
                two weights share memory, or the manifest names others.
        """
        return find(self.models, self._does, self.variable_size, self._span.file, self.manifest)

    @property
    def weight_program(self) -> memoryview | None:
        """The bytes of what makes its weights of a trainer's: its manifest's, or its own."""
        if "update" not in self.roles:
            return None
        return self.program_of(self.models[self.roles["update"]])

    def program_of(self, update: Model) -> memoryview | None:
        """The same, of a graph that is known to be the update graph."""
        beside = None if self.manifest is None else self.manifest.program
        return update.weight_program if beside is None else beside

    @property
    def first_values(self) -> dict[str, NDArray[np.generic]]:
        """What the init graph assigns, by weight, as views on the file; none without one.

        Raises:
            BundleFormatError: As for `roles` and `variables`.
        """
        if "init" not in self.roles:
            return {}
        values = self.models[self.roles["init"]].weights
        # A constant may not be called as a variable, so a builder adds a suffix there.
        named = {one.name: one.in_graph for one in self.variables.values()}
        found = {name: values.get(one, values.get(f"{one}_const")) for name, one in named.items()}
        return {name: value for name, value in found.items() if value is not None}

    @cached_property
    def has_external_weights(self) -> bool:
        """Whether constants lie in files beside the bundle (FileConstant nodes)."""
        tables = (one.tables for model in self.models for one in model.definitions)
        return any(one.kinds[lib.AB_FILE_CONSTANT] for one in tables)


def _variable_size(parts: tuple[Partition, ...]) -> int:
    for part in parts:
        if part.type == PartitionType.BUNDLE_MODEL_VAR_INFO:
            (size,) = part.span.unpack(_SIZE, 0, "the size of the variables")
            return int(size)
    return 0

"""One compiled model: a header, partitions, and what they say (facts 5.3).

A static model has one group of partitions; a dynamic one has ``model_num`` of
them, each with a table of its own, and the first describes the whole. Opening
reads headers and tables only and checks every size; the rest is read when it
is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import header as headers
from acl_bundle.om._container import inout, partition
from acl_bundle.om._container import program as programs
from acl_bundle.om._container.gears import Gears
from acl_bundle.om._container.header import Header
from acl_bundle.om._container.inout import TensorInfo
from acl_bundle.om._container.partition import Partition, PartitionType
from acl_bundle.om._modeldef import consts, ge, io
from acl_bundle.om._modeldef.graph import Graph, ModelDef
from acl_bundle.om._modeldef.tensor import Attributes
from acl_bundle.om._proto.wire import Message


class InputAipp(NamedTuple):
    """What is done to the images of one input before the graph sees them.

    Attributes:
        input: The input's name.
        fields: ATC's fields, with numbers for ``aipp_mode`` (1 static, 2 dynamic) and
            ``input_format``.
        parameters: The input that tells what is done run for run, "" where the file tells it.
    """

    input: str
    fields: Attributes
    parameters: str


class Model:
    """A model of a bundle, or a file that holds a single one.

    Attributes:
        header: All header fields.
        groups: Partitions per table, in file order.
    """

    def __init__(self, span: Span) -> None:
        """Read the header and the tables of the model that fills ``span``.

        Raises:
            BundleFormatError: The bytes are not a whole, readable model.
        """
        self._span = span
        self.header: Header = headers.read(span)
        _check(span, self.header)
        self.groups: tuple[tuple[Partition, ...], ...] = tuple(_groups(span, self.header))

    def __repr__(self) -> str:
        return f"<om.Model {self.name!r}: {len(self._span)} bytes of {self._span.file}>"

    @property
    def name(self) -> str:
        """The graph's name, at most 31 bytes of it."""
        return self.header.name

    @property
    def data(self) -> memoryview:
        """The whole model as it stands in the file, header included."""
        return self._span.view

    @property
    def partitions(self) -> tuple[Partition, ...]:
        """All partitions in file order."""
        return tuple(part for group in self.groups for part in group)

    def partition(self, kind: PartitionType) -> Partition | None:
        """Return the first partition of a type, None when there is none."""
        for group in self.groups:
            for part in group:
                if part.type == kind:
                    return part
        return None

    @property
    def is_compiled_for_chip(self) -> bool:
        """Whether TASK_INFO holds a chip's tasks, not a program of the fake's."""
        tasks = self.partition(PartitionType.TASK_INFO)
        return tasks is None or bytes(tasks.data[:8]) != programs.MAGIC

    @property
    def inputs(self) -> tuple[TensorInfo, ...]:
        """The inputs, in the order ACL counts them."""
        return self._io[0]

    @property
    def outputs(self) -> tuple[TensorInfo, ...]:
        """The outputs, in the order ACL counts them."""
        return self._io[1]

    @cached_property
    def gears(self) -> Gears | None:
        """The shapes it was compiled for, None for a model that has only one.

        Raises:
            BundleFormatError: MODEL_INOUT_INFO is damaged.
        """
        return inout.read_gears(self._listed)

    @property
    def weight_program(self) -> memoryview | None:
        """The bytes of what makes an update graph's weights of a trainer's; None without."""
        return self.definitions[0].weight_program if self.definitions else None

    @cached_property
    def definitions(self) -> tuple[ModelDef, ...]:
        """One definition per group that has a MODEL_DEF."""
        return tuple(self._definitions())

    @cached_property
    def graphs(self) -> tuple[Graph, ...]:
        """All graphs of all definitions; the first is the root."""
        return tuple(graph for one in self.definitions for graph in one.graphs)

    @cached_property
    def weights(self) -> dict[str, NDArray[np.generic]]:
        """The values of all constants by node name, as read-only views on the file.

        One whose dtype numpy lacks, or whose bytes do not make up its shape
        (a packed or compressed layout), comes as ``uint8[nbytes]``.
        """
        return consts.read(self.definitions)

    @property
    def aipp(self) -> tuple[InputAipp, ...]:
        """The AIPP of each input that takes images."""
        return tuple(
            InputAipp(node.name, found, str(node.attrs.get(ge.AIPP_DATA) or ""))
            for graph in self.graphs[:1]
            for node in graph.of_type(ge.INPUT_TYPES[0])
            if isinstance(found := node.attrs.get(ge.AIPP), Attributes)
        )

    @cached_property
    def _listed(self) -> dict[int, Span]:
        """The blocks of MODEL_INOUT_INFO, none where there is no such partition."""
        listed = self.partition(PartitionType.MODEL_INOUT_INFO)
        return {} if listed is None else inout.blocks(listed.span)

    @cached_property
    def _io(self) -> tuple[tuple[TensorInfo, ...], tuple[TensorInfo, ...]]:
        if self.partition(PartitionType.MODEL_INOUT_INFO) is not None:
            return inout.read(self._listed)
        return io.read(self.definitions[0]) if self.definitions else ((), ())

    def _definitions(self) -> Iterator[ModelDef]:
        with_ends = self.partition(PartitionType.MODEL_INOUT_INFO) is None
        for group in self.groups:
            definition = _first(group, PartitionType.MODEL_DEF)
            if definition is not None:
                weights = _first(group, PartitionType.WEIGHTS_DATA)
                values = weights.span if weights else definition.span.cut(0, 0, "nothing")
                yield ModelDef(Message(definition.span), values, with_ends)


def _first(parts: tuple[Partition, ...], kind: PartitionType) -> Partition | None:
    for part in parts:
        if part.type == kind:
            return part
    return None


def _check(span: Span, header: Header) -> None:
    if header.magic != headers.MAGIC:
        raise span.error(
            0,
            f"the magic number is {header.magic:#010x}, where a model has {headers.MAGIC:#010x}"
            " ('IMOD'): this is not a compiled model",
        )
    if header.is_encrypt:
        raise span.error(
            80,
            f"the model is encrypted (is_encrypt {header.is_encrypt}); only"
            " plain models can be read",
        )
    length, at = (header.model_length, 184) if header.model_length else (header.length, 76)
    there = len(span) - headers.SIZE
    if length != there:
        raise span.error(at, f"the header promises {length} bytes behind it, but {there} are there")


def _groups(span: Span, header: Header) -> Iterator[tuple[Partition, ...]]:
    legacy, at = header.model_length == 0, headers.SIZE
    count = header.model_num if header.is_dynamic and header.model_num else 1
    if count > partition.BUNDLE_TABLE_MAX:
        raise span.error(156, f"model_num is {count}; {partition.BUNDLE_TABLE_MAX} is the most")
    for _ in range(count):
        parts, at = partition.read(span, at, most=partition.MODEL_TABLE_MAX, legacy=legacy)
        yield parts
    if header.is_dynamic and at != len(span):
        raise span.error(at, f"{len(span) - at} bytes follow the last partition; none may")

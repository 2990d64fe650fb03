"""Putting one sub-model together: its partitions, in the order a compiler writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from acl_bundle import om
from acl_bundle.build._program.program import Program
from acl_bundle.om import Gears, PartitionType, TensorInfo
from acl_bundle.om._container import inout
from acl_bundle.om._modeldef.define import Desc

_ALIGN = 64


def assemble(
    name: str,
    *,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    definition: bytes,
    program: Program,
    weights: Iterable[memoryview] = (),
    dynamic: bool = False,
    gears: Gears | None = None,
    memory_dims: Mapping[str, Sequence[int]] | None = None,
) -> om.Chunks:
    """Return a whole sub-model.

    Args:
        name: The graph's name.
        inputs: What MODEL_INOUT_INFO lists.
        outputs: What MODEL_INOUT_INFO lists.
        definition: The bytes of MODEL_DEF.
        program: What TASK_INFO holds.
        weights: The values of WEIGHTS_DATA, from :func:`pack`.
        dynamic: Whether the dynamic executor is to run it.
        gears: The shapes it is compiled for, None for one.
        memory_dims: As for `inout.write`.
    """
    return om.write_model(
        [
            (PartitionType.MODEL_INOUT_INFO, [inout.write(inputs, outputs, gears, memory_dims)]),
            (PartitionType.MODEL_DEF, [definition]),
            (PartitionType.WEIGHTS_DATA, weights),
            (PartitionType.TASK_INFO, [program.to_bytes()]),
        ],
        name=name,
        dynamic=dynamic,
    )


def pack(values: Iterable[memoryview]) -> tuple[list[memoryview], list[int]]:
    """Lay values out for WEIGHTS_DATA, each at a multiple of 64.

    Returns:
        The pieces, padding between them included, and where each value starts.
    """
    pieces: list[memoryview] = []
    offsets, end = [], 0
    for value in values:
        padding = -end % _ALIGN
        if padding:
            pieces.append(memoryview(bytes(padding)))
        pieces.append(value)
        offsets.append(end + padding)
        end += padding + value.nbytes
    return pieces, offsets


def info(name: str, desc: Desc) -> TensorInfo:
    """Return an input or output that is so described."""
    return TensorInfo(name, desc.dtype, desc.format, desc.shape, desc.nbytes)

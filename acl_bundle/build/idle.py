"""Bundles that compute nothing: to measure the way to a model, and to test it.

The inference graph has inputs and outputs and leaves the outputs alone. The
init and update graphs are real.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from acl_bundle import dtypes
from acl_bundle.build._graphs import refresh, submodel
from acl_bundle.build._graphs.infer import Inference
from acl_bundle.build._graphs.refresh import Weight, declare, variable_op
from acl_bundle.build._program.program import Kind, Program
from acl_bundle.build.convert import bundle
from acl_bundle.build.result import Bundle
from acl_bundle.errors import WeightError
from acl_bundle.om import TensorInfo
from acl_bundle.om._bundle.roles import INFER_NAME
from acl_bundle.om._modeldef.define import Desc, GraphValue, Op, model_def
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import plain

Ends: TypeAlias = Mapping[str, tuple[DTypeLike, Sequence[int]]]


def null(
    inputs: Ends,
    outputs: Ends,
    *,
    weights: Mapping[str, ArrayLike] | None = None,
    init: bool = True,
) -> Bundle:
    """Build a bundle whose inference graph computes nothing.

    Args:
        inputs: ``(dtype, shape)`` by name.
        outputs: ``(dtype, shape)`` by name; at least one.
        weights: First values by name; copied. Without any the bundle has the
            inference graph alone.
        init: Whether the bundle has an init graph.

    Raises:
        WeightError: A weight has no name, no elements, or a dtype ACL lacks.
        ValueError: A name, dtype or shape does not fit, or there is no output.
    """
    return opaque(Kind.NULL, 0, inputs, outputs, weights or {}, init=init)


def opaque(
    kind: Kind,
    number: int,
    inputs: Ends,
    outputs: Ends,
    weights: Mapping[str, ArrayLike],
    *,
    init: bool,
) -> Bundle:
    """Build a bundle whose inference graph is one operator that the file says nothing about.

    Args:
        kind: The program of the inference graph.
        number: Whose callback it is, 0 where it is none.
        inputs: As for :func:`null`.
        outputs: As for :func:`null`.
        weights: As for :func:`null`.
        init: As for :func:`null`.

    Raises:
        WeightError: As :func:`null`.
        ValueError: As :func:`null`.
    """
    if not outputs:
        raise ValueError("outputs is empty; an inference graph needs at least one")
    placed, variable_size = refresh.place([_weight(name, value) for name, value in weights.items()])
    program = Program(kind, variable_area=variable_size)
    if number:
        program.callback(number)
    declare(program, placed)
    made = _inference(program, kind, _ends("input", inputs), _ends("output", outputs), placed)
    specs = [
        WeightSpec(one.name, one.desc.shape, dtypes.to_numpy(one.desc.dtype)) for one in placed
    ]
    return bundle(made, placed, variable_size, plain(specs), init=init)


def _ends(kind: str, ends: Ends) -> tuple[TensorInfo, ...]:
    return tuple(_end(kind, name, np.dtype(dtype), shape) for name, (dtype, shape) in ends.items())


def _end(kind: str, name: str, dtype: np.dtype[Any], shape: Sequence[int]) -> TensorInfo:
    if not name or "\0" in name:
        raise ValueError(f"an {kind} is called {name!r}; it needs a name without NUL")
    if any(dim <= 0 for dim in shape):
        raise ValueError(f"{kind} {name!r} has shape {list(shape)}; every dim must be positive")
    return submodel.info(name, Desc(dtypes.from_numpy(dtype), tuple(map(int, shape))))


def _weight(name: str, value: ArrayLike) -> tuple[str, Desc, memoryview]:
    array: NDArray[Any] = np.asarray(value)
    if not name or "\0" in name:
        raise WeightError(f"a weight is called {name!r}; it needs a name without NUL")
    if not array.size:
        raise WeightError(f"weight {name!r} has shape {list(array.shape)} and no elements")
    try:
        dtype = dtypes.from_numpy(array.dtype)
    except ValueError as error:
        raise WeightError(f"weight {name!r}: {error}") from None
    return name, Desc(dtype, array.shape), memoryview(array.tobytes())


def _inference(
    program: Program,
    kind: Kind,
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    weights: tuple[Weight, ...],
) -> Inference:
    definition = _definition(kind.name.capitalize(), inputs, outputs, weights)
    image = submodel.assemble(
        INFER_NAME, inputs=inputs, outputs=outputs, definition=definition, program=program
    )
    return Inference(inputs, outputs, image)


def _definition(
    kind: str,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[TensorInfo],
    weights: Sequence[Weight],
) -> bytes:
    ops = []
    for index, one in enumerate(inputs):
        desc = _desc(one)
        ops.append(Op(one.name, "Data", (), {"index": index}, [desc], [desc]))
    ops += [variable_op(weight) for weight in weights]
    reads = [op.name + ":0" for op in ops]
    descs = [_desc(one) for one in outputs]
    ops.append(Op(kind.lower(), kind, reads, output_descs=descs))
    sources = [(kind.lower(), index) for index in range(len(outputs))]
    made = [f"{name}:{index}" for name, index in sources]
    ops.append(Op("NetOutput", "NetOutput", made, input_descs=descs, sources=sources))
    attrs = {"attr_model_out_nodes_name": [one.name for one in outputs]}
    return model_def(INFER_NAME, [GraphValue(INFER_NAME, ops)], attrs)


def _desc(one: TensorInfo) -> Desc:
    return Desc(one.dtype, one.dims, one.format)

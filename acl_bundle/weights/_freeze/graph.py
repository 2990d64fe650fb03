"""Baking weights into a graph of TensorFlow's, as its freeze_graph did.

The result is one file without variables: a ``GraphDef`` (``.pb``), or an ONNX
model whose initializers have the variables' names. Both need TensorFlow, the
second tf2onnx as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_
from acl_bundle.errors import WeightsFormatError
from acl_bundle.weights._base.spec import Spec, Weights
from acl_bundle.weights._sources.detect import detect
from acl_bundle.weights._sources.om import OmWeights
from acl_bundle.weights._sources.onnx.model import Onnx

GRAPH: Final = ".pb"
_ONNX: Final = ".onnx"


def is_graph(model: Path_, out: Path_) -> bool:
    """Whether a model is to be read as TensorFlow's: the copy is a graph, or ONNX of another kind.

    Raises:
        OSError: The model cannot be opened.
    """
    kind = Path(out).suffix
    if kind != _ONNX:
        return kind == GRAPH
    try:
        return detect(model)[0] not in (OmWeights, Onnx)
    except WeightsFormatError:
        return True


def freeze_graph(
    weights: Weights,
    model: Path_,
    out: Path_,
    inputs: Sequence[str] | None,
    outputs: Sequence[str] | None,
) -> Iterator[tuple[str, Spec, bool]]:
    """Write a frozen copy of a graph, and give each variable and whether it was replaced.

    Raises:
        WeightError: A weight is no variable of the graph, or has another shape or dtype; or
            a variable has no value.
        ValueError: The model is none of TensorFlow's, or has no such input or output.
        UnsupportedError: A library is not installed, the graph still trains or cannot be
            converted.
        OSError: A file cannot be read or written; what was there still is.
    """
    from acl_bundle.build.tensorflow import convert, frozen  # noqa: PLC0415  large

    graph = frozen.freeze(
        os.fspath(model), inputs=inputs, outputs=outputs, checkpoint=weights if weights else None
    )
    made = convert.to_onnx(graph, graph.variables) if Path(out).suffix == _ONNX else None
    with replacing(out, model) as file:
        file.write((graph.definition if made is None else made).SerializeToString())
    for variable, value in graph.constants():
        given = any(name in weights for name in variable.names)
        yield variable.name, Spec(tuple(value.shape), np.dtype(value.dtype)), given

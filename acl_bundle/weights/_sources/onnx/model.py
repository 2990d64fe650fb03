"""The constants of an ONNX model: initializers and the values of Constant nodes.

The model is walked on the mapped file, so neither onnx nor a copy of the
weights is needed: values that stand as bytes are views, of the model or of a
file beside it, which must lie in the model's folder. Constants of inner graphs
(the branches of an If) and of functions are not offered, because their names
need not be unique; they are listed in ``skipped``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from acl_bundle._base.files import Path_
from acl_bundle.errors import BundleFormatError, WeightsFormatError
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._proto.wire import Message
from acl_bundle.weights._base.file import bad, map_file
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array, Spec
from acl_bundle.weights._sources.onnx.tensor import NAME, Beside, OnnxTensor, unread
from acl_bundle.weights._sources.proto import fixed, integers

_MODEL_GRAPH, _MODEL_FUNCTION = 7, 25
_GRAPH_NODE, _GRAPH_NAME, _GRAPH_CONSTANT, _GRAPH_SPARSE = 1, 2, 5, 15
_FUNCTION_NAME, _FUNCTION_NODE = 1, 7
_NODE_OUTPUT, _NODE_OP, _NODE_ATTRIBUTE, _NODE_DOMAIN = 2, 4, 5, 7
_NAME, _TENSOR, _GRAPH, _GRAPHS = 1, 5, 6, 11  # of an attribute
_SPARSE_VALUES: Final = 1

# A Constant's attribute -> its field, whether it is a list, and of floats.
_NUMBERS: Final = {
    "value_float": (2, False, True),
    "value_floats": (7, True, True),
    "value_int": (3, False, False),
    "value_ints": (8, True, False),
}
_Found: TypeAlias = "OnnxTensor | Array | str"


class Onnx(Source):
    """The constants of an ONNX model's main graph."""

    kind = "onnx"

    def __init__(self, path: Path_) -> None:
        """Find the constants.

        Raises:
            WeightsFormatError: It is no ONNX model, a tensor's bytes are not
                where they should be, or two constants have one name.
            OSError: A file cannot be opened.
        """
        file = os.fspath(path)
        self._values: dict[str, OnnxTensor | Array] = {}
        self._beside = Beside(Path(path))
        specs: dict[str, Spec] = {}
        skipped: dict[str, str] = {}
        try:
            model = Message(Span(map_file(path), file))
            graph = model.message(_MODEL_GRAPH)
            if graph is None:
                raise bad(file, "it has no graph, so it is no ONNX model")
            for name, found in _constants(graph, self._beside, file):
                if not name or name in specs or name in skipped:
                    raise bad(file, f"a constant is called {name!r}; names must be unique")
                if isinstance(found, str):
                    skipped[name] = found
                else:
                    specs[name] = _spec(found)
                    self._values[name] = found
            skipped.update(_hidden(model, graph, self._beside))
        except BundleFormatError as error:
            raise WeightsFormatError(str(error)) from None
        super().__init__(file, specs, skipped)

    @property
    def files(self) -> tuple[str, ...]:
        """The model and the files of its external data."""
        return (self.file, *map(os.fspath, self._beside.paths))

    def _read(self, name: str) -> Array:
        found = self._values[name]
        try:
            return found.read() if isinstance(found, OnnxTensor) else found
        except BundleFormatError as error:
            raise WeightsFormatError(str(error)) from None

    def _release(self) -> None:
        self._values = {}


def _spec(found: OnnxTensor | Array) -> Spec:
    return found.spec if isinstance(found, OnnxTensor) else Spec(found.shape, found.dtype)


def _constants(graph: Message, beside: Beside, file: str) -> Iterator[tuple[str, _Found]]:
    """What the graph names as constants: values, or why there are none."""
    for tensor in graph.messages(_GRAPH_CONSTANT):
        name = tensor.text(NAME)
        yield name, _tensor(tensor, beside, f"{file}: constant {name!r}")
    for sparse in graph.messages(_GRAPH_SPARSE):
        values = sparse.message(_SPARSE_VALUES)
        yield values.text(NAME) if values else "", "it is sparse; store it dense"
    for node in graph.messages(_GRAPH_NODE):
        if _is_constant(node):
            name = node.text(_NODE_OUTPUT)
            yield name, _node(node, beside, f"{file}: constant {name!r}")


def _is_constant(node: Message) -> bool:
    return node.text(_NODE_OP) == "Constant" and node.text(_NODE_DOMAIN) in ("", "ai.onnx")


def _tensor(tensor: Message, beside: Beside, place: str) -> _Found:
    return unread(tensor, place) or OnnxTensor(tensor, beside, place)


def _node(node: Message, beside: Beside, place: str) -> _Found:
    for attribute in node.messages(_NODE_ATTRIBUTE):
        name = attribute.text(_NAME)
        tensor = attribute.message(_TENSOR) if name == "value" else None
        if tensor is not None:
            return _tensor(tensor, beside, place)
        if name in _NUMBERS:
            return _numbers(attribute, *_NUMBERS[name])
        return f"{name} of a Constant holds no array of numbers"
    raise bad(place, "the Constant node has no value")


def _numbers(attribute: Message, field: int, is_list: bool, is_float: bool) -> Array:
    if is_float:
        found = fixed(attribute, field, np.dtype("f4"), 4)
    else:
        found = integers(attribute, field, np.dtype("i8"))
    if is_list:
        return found
    return found[-1:].reshape(()) if len(found) else np.zeros((), found.dtype)


def _hidden(model: Message, graph: Message, beside: Beside) -> Iterator[tuple[str, str]]:
    """The constants of inner graphs and functions, and why they are not offered."""
    nodes = [*graph.messages(_GRAPH_NODE)]
    for function in model.messages(_MODEL_FUNCTION):
        owner = function.text(_FUNCTION_NAME)
        inner = [*function.messages(_FUNCTION_NODE)]
        for node in filter(_is_constant, inner):
            yield f"{owner}/{node.text(_NODE_OUTPUT)}", f"it belongs to the function {owner!r}"
        nodes += inner
    while nodes:
        for attribute in nodes.pop().messages(_NODE_ATTRIBUTE):
            for tensor in attribute.messages(_TENSOR):
                beside.note(tensor)
            for inner_graph in (*attribute.messages(_GRAPH), *attribute.messages(_GRAPHS)):
                owner = inner_graph.text(_GRAPH_NAME)
                inner = [*inner_graph.messages(_GRAPH_NODE)]
                tensors = [*inner_graph.messages(_GRAPH_CONSTANT)]
                for tensor in tensors:
                    beside.note(tensor)
                names = [one.text(NAME) for one in tensors]
                names += [one.text(_NODE_OUTPUT) for one in filter(_is_constant, inner)]
                for name in names:
                    yield f"{owner}/{name}", f"it belongs to the inner graph {owner!r}"
                nodes += inner

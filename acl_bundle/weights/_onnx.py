"""The constants of an ONNX model: initializers and the values of Constant nodes.

Large and external values are views, of the message or of the mapped file
beside the model; external data must lie in the model's folder. Constants of
inner graphs (the branches of an If) are not offered, because their names need
not be unique; they are listed in ``skipped``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from acl_bundle.weights._extra import need
from acl_bundle.weights._file import Path_, bad, map_file
from acl_bundle.weights._source import Source
from acl_bundle.weights._spec import Array, Spec, is_number

_LISTS = {
    "value_float": ("f", "f4"),
    "value_floats": ("floats", "f4"),
    "value_int": ("i", "i8"),
    "value_ints": ("ints", "i8"),
}


class Onnx(Source):
    """The constants of an ONNX model's main graph."""

    kind = "onnx"

    def __init__(self, path: Path_) -> None:
        """Read the model.

        Raises:
            WeightsFormatError: It is no ONNX model, a tensor's bytes are not
                where they should be, or two constants have one name.
            UnsupportedError: onnx is not installed.
            OSError: A file cannot be opened.
        """
        need("onnx", "build", "an ONNX model")
        file = os.fspath(path)
        map_file(path)
        self._arrays: dict[str, Array] = {}
        skipped: dict[str, str] = {}
        try:
            loaded = _loaded(path)
            for name, value in _constants(loaded, skipped):
                if not name or name in self._arrays:
                    raise ValueError(f"a constant is called {name!r}; names must be unique")
                self._arrays[name] = value
        except OSError:
            raise
        except ValueError as error:
            raise bad(file, str(error)) from None
        super().__init__(
            file, {n: Spec(one.shape, one.dtype) for n, one in self._arrays.items()}, skipped
        )

        self._beside: tuple[str, ...] = tuple(map(os.fspath, loaded.beside.paths))

    @property
    def files(self) -> tuple[str, ...]:
        """The model and the files of its external data."""
        return (self.file, *self._beside)

    def _read(self, name: str) -> Array:
        return self._arrays[name]

    def _release(self) -> None:
        self._arrays = {}


def _loaded(path: Path_) -> Any:
    from acl_bundle.build.load import load  # noqa: PLC0415  needs onnx

    return load(path)


def _constants(loaded: Any, skipped: dict[str, str]) -> Iterator[tuple[str, Array]]:
    from acl_bundle.build.walk import graphs  # noqa: PLC0415

    graph = loaded.model.graph
    for tensor in graph.initializer:
        yield from _value(loaded, tensor, tensor.name, skipped)
    for node in graph.node:
        if node.op_type == "Constant" and node.domain in ("", "ai.onnx"):
            yield from _node(loaded, node, skipped)
    for inner in list(graphs(graph))[1:]:
        for tensor in inner.initializer:
            skipped[f"{inner.name}/{tensor.name}"] = f"it belongs to the inner graph {inner.name!r}"


def _node(loaded: Any, node: Any, skipped: dict[str, str]) -> Iterator[tuple[str, Array]]:
    name = node.output[0]
    for attribute in node.attribute:
        if attribute.name == "value":
            yield from _value(loaded, attribute.t, name, skipped)
        elif attribute.name in _LISTS:
            field, dtype = _LISTS[attribute.name]
            yield name, np.array(getattr(attribute, field), dtype)
        else:
            skipped[name] = f"{attribute.name} of a Constant holds no array of numbers"


def _value(
    loaded: Any, tensor: Any, name: str, skipped: dict[str, str]
) -> Iterator[tuple[str, Array]]:
    from onnx import numpy_helper  # noqa: PLC0415

    from acl_bundle.build import _elem  # noqa: PLC0415

    if _elem.is_plain(tensor.data_type):
        yield name, loaded.constant(tensor, name).array
        return
    try:
        array = np.asarray(numpy_helper.to_array(tensor))
    except Exception as error:  # whatever onnx makes of an odd tensor
        raise ValueError(f"constant {name!r} cannot be read: {error}") from None
    if is_number(array.dtype):
        yield name, array
    else:
        skipped[name] = f"{_elem.name(tensor.data_type)} holds no numbers"

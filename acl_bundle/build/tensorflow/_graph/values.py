"""The values of a graph's variables: those of a checkpoint, or given one by one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Final, TypeAlias

import numpy as np

from acl_bundle.build.tensorflow._graph.graph import GraphVariable, TensorFlowGraph
from acl_bundle.build.tensorflow._graph.need import reason, tensorflow
from acl_bundle.errors import WeightError

Checkpoint: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any]"

_SHOWN: Final = 12


class CheckpointValues:
    """Values by name.

    Attributes:
        names: Every name there is.
    """

    def __init__(self, source: Checkpoint) -> None:
        """Open a checkpoint, by its prefix, or take a mapping.

        Raises:
            WeightError: TensorFlow cannot read the checkpoint.
        """
        self.names: list[str]
        self._where = "the values given"
        self._given = isinstance(source, Mapping)
        if isinstance(source, Mapping):
            self._read, self.names = source.__getitem__, list(source)
            return
        self._where = os.fspath(source).removesuffix(".index")
        try:
            reader = tensorflow().train.load_checkpoint(self._where)
        except Exception as error:
            raise WeightError(
                f"TensorFlow cannot read the checkpoint {self._where}: {reason(error)}"
            ) from error
        self._read, self.names = reader.get_tensor, sorted(reader.get_variable_to_shape_map())

    def of(self, variable: GraphVariable, dtype: Any, shape: Any) -> Any:
        """Return the value of a variable, under whichever of its names it stands; None for none.

        Args:
            variable: Its names.
            dtype: TensorFlow's, which the value must have.
            shape: TensorFlow's, which the value's must fit.

        Raises:
            WeightError: It has another dtype or shape.
        """
        there = set(self.names)
        name = next((one for one in variable.names if one in there), None)
        if name is None:
            return None
        array = np.asarray(self._read(name))
        part = variable.part
        if part is not None and name in variable.names[-2:]:
            if array.shape != part.shape:
                raise WeightError(
                    f"variable {part.whole!r} is {dtype.name} {part.shape}, but {self._where} has"
                    f" {array.dtype.name} {array.shape}"
                )
            array = array[part.place]
        if array.dtype != dtype.as_numpy_dtype or not shape.is_compatible_with(array.shape):
            raise WeightError(
                f"variable {variable.name!r} is {dtype.name} {shape}, but {self._where} has"
                f" {array.dtype.name} {array.shape}"
            )
        return array

    def missing(self, variable: GraphVariable) -> WeightError:
        """Make the exception for a variable without a value."""
        return WeightError(
            f"{self._where} lacks variable {variable.name!r}; it has {self._listed(self.names)}"
        )

    def settle(self, graph: TensorFlowGraph) -> None:
        """Note what a checkpoint has besides as unused; refuse it among values that were given.

        Raises:
            WeightError: A name was given that is no variable's.
        """
        needed = {name for one in graph.variables.values() for name in one.names}
        others = [name for name in self.names if name not in needed]
        if self._given:
            unknown = [one for one in others if not any(fnmatchcase(one, p) for p in graph.unused)]
            if unknown:
                raise WeightError(
                    f"{graph.origin} has no variable {self._listed(unknown)}; it has"
                    f" {self._listed([one.name for one in graph.variables.values()])}"
                )
        elif len(others) == len(self.names):
            raise WeightError(
                f"{self._where} has no variable of {graph.origin}; it has {self._listed(others)}"
            )
        graph.unused = (*graph.unused, *(name for one in others for name in (one, f"{one}:0")))

    @staticmethod
    def _listed(names: list[str]) -> str:
        more = len(names) - _SHOWN
        shown = ", ".join(map(repr, names[:_SHOWN])) or "none"
        return f"{shown} and {more} more" if more > 0 else shown

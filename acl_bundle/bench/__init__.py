"""How long an inference takes: by shape, and half precision beside float32.

    >>> axes = [bench.parse("batch=1,8")]                              # doctest: +SKIP
    >>> for cell in bench.measure(bench.open("model.onnx"), axes, ["float32", "float16"]):
    ...     print(cell.sizes, [timing.mean_ms for timing in cell.timings])

1. A model is opened (`models`): an .om file as it is, an ONNX model to be built
   for every shape and precision.
2. Axes become shapes of its inputs (`axes`): the cells of the table.
3. A cell is measured (`rounds`): all precisions are loaded and take turns, so
   that whatever else the machine does meets all of them alike. So often or so long, by
   how many threads: `effort`, `threads`. The parts of an inference are timed
   apart (`loaded.parts`), and updates beside inferences (`beside`).
4. What was measured is plain data (`timing`), rows of a table or a file (`told`), and a
   picture (`plot`).

`use` says what is measured on: numbers from the fake are no device numbers.
"""

from __future__ import annotations

from acl_bundle.answers import Where
from acl_bundle.bench.axes import Axis, parse
from acl_bundle.bench.effort import Effort
from acl_bundle.bench.models import DTYPES, MeasuredModel, open, use
from acl_bundle.bench.rounds import Cell, cells, measure
from acl_bundle.bench.timing import Parts, Samples, Timing, UpdateTiming

__all__ = [
    "DTYPES",
    "Axis",
    "Cell",
    "Effort",
    "MeasuredModel",
    "Parts",
    "Samples",
    "Timing",
    "UpdateTiming",
    "Where",
    "cells",
    "measure",
    "open",
    "parse",
    "use",
]

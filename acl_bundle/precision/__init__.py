"""Which weights must stay float32 for a tolerance.

    >>> rounded = precision.RoundedWeights(bundle, [{"x": x}], "float16",
    ...                                    compare.Tolerance(rtol=1e-3))   # doctest: +SKIP
    >>> precision.find(rounded).names                                      # doctest: +SKIP
    ('head.weight',)

1. A model is loaded once (`load`); partial updates put weights in as half precision leaves
   them (`RoundedWeights`). Nothing is rebuilt.
2. A search tries sets of them and finds a smallest one that must stay (`smallest`).
3. The answer is tried again as a whole, and the weights are put back (`find`).

What is tried is what rounding the weights costs. What is computed of them, the activations,
stays as the loaded model has it.
"""

from __future__ import annotations

from acl_bundle.precision._find import KeepFloat32, KeptWeight, find
from acl_bundle.precision._models import load
from acl_bundle.precision._search import KeptName, SmallestSet, smallest
from acl_bundle.precision._weights import HALVES, RoundedWeights, half_type

__all__ = [
    "HALVES",
    "KeepFloat32",
    "KeptName",
    "KeptWeight",
    "RoundedWeights",
    "SmallestSet",
    "find",
    "half_type",
    "load",
    "smallest",
]

"""Which weights must stay float32 for a tolerance, and which layers must compute in it.

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

    >>> model = precision.LayeredModel(Path("policy.onnx"), "float16")   # doctest: +SKIP
    >>> layers = precision.RoundedLayers(model, [{"x": x}],
    ...                                  compare.Tolerance(rtol=1e-3))   # doctest: +SKIP
    >>> precision.find_layers(layers).names                              # doctest: +SKIP
    ('/head/Softmax',)

Layers of an ONNX model round what they take and what they give (`LayeredModel`); the same
search finds which must not (`find_layers`).
"""

from __future__ import annotations

from acl_bundle.precision._find import KeepFloat32, KeptWeight, find
from acl_bundle.precision._keep_dtype import save_keep_dtype
from acl_bundle.precision._layered import LayeredModel
from acl_bundle.precision._layers import (
    KeepFloat32Layers,
    KeptLayer,
    RoundedLayers,
    find_layers,
)
from acl_bundle.precision._models import load
from acl_bundle.precision._search import KeptName, SmallestSet, smallest
from acl_bundle.precision._weights import HALVES, RoundedWeights, half_type

__all__ = [
    "HALVES",
    "KeepFloat32",
    "KeepFloat32Layers",
    "KeptLayer",
    "KeptName",
    "KeptWeight",
    "LayeredModel",
    "RoundedLayers",
    "RoundedWeights",
    "SmallestSet",
    "find",
    "find_layers",
    "half_type",
    "load",
    "save_keep_dtype",
    "smallest",
]

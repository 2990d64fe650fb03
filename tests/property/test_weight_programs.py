"""Random weight programs: after any updates a bundle answers as the model it was built from."""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import acl_bundle as ab
from acl_bundle import build

from .weight_graphs import WeightGraph

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.mark.parametrize("part", range(8))
@settings(max_examples=125, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), fold=st.booleans())
def test_partial_updates_agree_with_onnx_runtime(part: int, seed: int, fold: bool) -> None:
    graph = WeightGraph(seed * 8 + part)
    model = graph.model()
    reference = ort.InferenceSession(model.SerializeToString())
    now = dict(graph.weights)
    built = build.from_onnx(model, list(now), fold=fold)
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        for given_ in ({}, graph.values(), graph.values(), graph.values()):
            if given_:
                bundle.update(given_)
            now |= given_
            wanted = reference.run(None, {**graph.inputs, **now})
            found = bundle.infer.run(graph.inputs)
            for name, one in zip(built.outputs, wanted, strict=True):
                bound = 2e-5 * max(float(np.abs(one).max()), 1.0)
                np.testing.assert_allclose(found[name.name], one, rtol=0, atol=bound)

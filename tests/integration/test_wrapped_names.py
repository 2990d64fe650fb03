"""Names that torch's wrappers made: the error names the call that mends them, and it does."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.errors import WeightError

pytestmark = pytest.mark.usefixtures("fake_acl")


def _bundle() -> ab.Bundle:
    text = (
        '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y)'
        " <float[2] fc_weight = {1,1}> { y = Add(x, fc_weight) }"
    )
    model = onnx.parser.parse_model(text.replace("fc_weight", "w"))
    model.graph.initializer[0].name = "fc.weight"
    model.graph.node[0].input[1] = "fc.weight"
    bundle = ab.Bundle.load(build.from_onnx(model, ["fc.weight"]).to_bytes())
    bundle.init()
    return bundle


@pytest.mark.parametrize(
    "name",
    [
        "module.fc.weight",
        "_orig_mod.fc.weight",
        "module._orig_mod.fc.weight",
        "_orig_mod.module.fc.weight",
        "_fsdp_wrapped_module.fc.weight",
        "fc._fsdp_wrapped_module.weight",
        "_fsdp_wrapped_module._orig_mod.fc._orig_mod.weight",
    ],
)
def test_the_call_in_the_message_mends_the_names(name: str) -> None:
    weights: Any = {name: np.full(2, 5, "f4")}
    with _bundle() as bundle:
        with pytest.raises(WeightError) as caught:
            bundle.update(weights)
        call = re.search(r"acl_bundle\.weights\.rename\(.*\)(?= mends it)", str(caught.value))
        assert call is not None
        mended = eval(call[0], {"acl_bundle": ab, "weights": weights})
        bundle.update(mended)
        assert bundle.infer(np.zeros(2, "f4")).tolist() == [5, 5]


def test_other_names_get_no_such_advice() -> None:
    with _bundle() as bundle, pytest.raises(WeightError) as caught:
        bundle.update({"module.other": np.zeros(2, "f4")})
    assert "rename" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["_flat_param", "_fsdp_wrapped_module._flat_param", "a.flat_param_0"]
)
def test_weights_that_fsdp_joined_are_told(name: str) -> None:
    with _bundle() as bundle, pytest.raises(WeightError, match="full_state_dict=True"):
        bundle.update({name: np.zeros(2, "f4")})

"""Names that torch's wrappers made: an update takes them for the weights' own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.errors import WeightError

from ..lazy import Lazy

pytestmark = pytest.mark.usefixtures("fake_acl")
NAMES = ("fc.weight", "module.weight")
WRAPPED = (
    "module.fc.weight",
    "_orig_mod.fc.weight",
    "module._orig_mod.fc.weight",
    "_orig_mod.module.fc.weight",
    "_fsdp_wrapped_module.fc.weight",
    "fc._fsdp_wrapped_module.weight",
    "_fsdp_wrapped_module._orig_mod.fc._orig_mod.weight",
)


def value(number: float) -> Any:
    return np.full(2, number, np.float32)


@pytest.fixture
def bundle() -> Iterator[ab.Bundle]:
    """``y = x + fc.weight * 10 + module.weight``: a part of the model is called ``module``."""
    text = (
        '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y)'
        " <float[2] a = {1,1}, float[2] b = {0,0}>"
        " { ten = Constant<value_float=10.0>() t = Mul(a, ten) s = Add(x, t) y = Add(s, b) }"
    )
    model = onnx.parser.parse_model(text)
    for tensor, name in zip(model.graph.initializer, NAMES, strict=True):
        for node in model.graph.node:
            node.input[:] = [name if one == tensor.name else one for one in node.input]
        tensor.name = name
    made = build.from_onnx(
        model, NAMES, fold=False, aliases={"head.weight": "fc.weight"}, unused=["norm.count"]
    )
    with ab.Bundle.load(made.to_bytes()) as loaded:
        loaded.init()
        yield loaded


def answer(bundle: ab.Bundle) -> list[float]:
    found: list[float] = bundle.infer(np.zeros(2, "f4")).tolist()
    return found


@pytest.mark.parametrize("kind", [dict, Lazy])
@pytest.mark.parametrize("name", WRAPPED)
def test_what_wrappers_add_is_no_part_of_a_name(name: str, kind: Any, bundle: ab.Bundle) -> None:
    report = bundle.update(kind({name: value(5)}))
    assert report.changed == ("fc.weight",)
    assert answer(bundle) == [50, 50]
    assert bundle.update.plan({name: value(5)}).changed == ("fc.weight",)


def test_a_part_that_is_called_module_keeps_its_name(bundle: ab.Bundle) -> None:
    bundle.update({"module.weight": value(1), "fc.weight": value(0)})
    assert answer(bundle) == [1, 1]
    bundle.update({"module.module.weight": value(2), "module.fc.weight": value(0)})
    assert answer(bundle) == [2, 2]


def test_an_alias_and_an_unused_name_are_found_behind_a_wrapper(bundle: ab.Bundle) -> None:
    given = {"module.head.weight": value(3), "module.norm.count": np.zeros(1)}
    report = bundle.update(given)
    assert (report.changed, report.ignored) == (("fc.weight",), ("module.norm.count",))
    assert answer(bundle) == [30, 30]


def test_two_names_of_one_weight_must_agree(bundle: ab.Bundle) -> None:
    bundle.update({"fc.weight": value(4), "module.fc.weight": value(4), "head.weight": value(4)})
    assert answer(bundle) == [40, 40]
    match = "'fc.weight' and 'module.fc.weight' are two names of one weight, 'fc.weight', and"
    with pytest.raises(WeightError, match=match):
        bundle.update({"fc.weight": value(4), "module.fc.weight": value(5)})
    assert answer(bundle) == [40, 40]


def test_tokens_may_have_the_names_that_weights_have(bundle: ab.Bundle) -> None:
    for count in (1, 0):
        given, tokens = {"module.fc.weight": value(6)}, {"module.fc.weight": "v6"}
        assert len(bundle.update(given, tokens=tokens).changed) == count
    assert answer(bundle) == [60, 60]


def test_other_names_stay_what_they_are(bundle: ab.Bundle) -> None:
    for name in ("module.other", "my_module.fc.weight", "modulefc.weight", "fc.weight.module."):
        with pytest.raises(WeightError, match=f"has no weight '{name}'; it has fc.weight"):
            bundle.update({name: value(0)})


@pytest.mark.parametrize(
    "name", ["_flat_param", "_fsdp_wrapped_module._flat_param", "a.flat_param_0"]
)
def test_weights_that_fsdp_joined_are_told(name: str, bundle: ab.Bundle) -> None:
    with pytest.raises(WeightError, match="full_state_dict=True"):
        bundle.update({name: value(0)})

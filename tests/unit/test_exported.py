"""Names that exporters make, and what an update that passes over parameters says of them."""

from __future__ import annotations

import pytest

from acl_bundle._names.exported import PassedOver, by_exporter

MADE = (
    "12", "onnx::MatMul_12", "val_0", "/Constant_output_0", "/rnn/Constant_3_output_0",
    "const_fold_opt__57", "model/conv/new_shape__12",
)  # fmt: skip


@pytest.mark.parametrize("name", MADE)
def test_names_that_an_exporter_makes(name: str) -> None:
    assert by_exporter(name)


@pytest.mark.parametrize("name", ["fc.weight", "constant", "layer_12", "val.weight", "fc/W", "w"])
def test_names_that_a_trainer_gives(name: str) -> None:
    assert not by_exporter(name)


@pytest.mark.parametrize("name", MADE)
def test_an_update_that_passes_over_parameters_is_suspicious(name: str) -> None:
    """By the same list: what the builder takes for an exporter's name, the update does."""
    text = PassedOver(["head.weight", name]).suspicion(["steps", "fc.weight", "fc.bias"])
    assert text.startswith("'fc.weight' and 1 more was passed over")
    assert repr(name) in text


@pytest.mark.parametrize(
    ("passed", "there"),
    [([], ["val_0"]), (["steps"], ["val_0"]), (["fc.weight"], ["head.weight"])],
)
def test_what_is_not_suspicious(passed: list[str], there: list[str]) -> None:
    assert PassedOver(there).suspicion(passed) == ""

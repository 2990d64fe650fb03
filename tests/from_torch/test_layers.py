"""Layers of a module that torch exported: which must compute in float32 for a tolerance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import build, compare, precision

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")


class SmallTransformer(torch.nn.Module):  # type: ignore[misc]
    """Two layers, behind which a sum of large numbers is made small again."""

    def __init__(self) -> None:
        super().__init__()
        layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=True)
        self.table = torch.nn.Embedding(20, 16)
        self.encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = torch.nn.Linear(16, 3)

    def forward(self, ids: Any) -> Any:
        found = self.encoder(self.table(ids))
        scaled = torch.exp(found.abs() + 10).sum(1)  # e^10 is 22,026: three are beyond the range
        return torch.softmax(self.head(torch.log(scaled) - 10), -1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_what_overflows_in_a_transformer_is_found(tmp_path: Path, fake_acl: object) -> None:
    torch.manual_seed(0)
    module, ids = SmallTransformer().eval(), torch.randint(0, 20, (2, 5))
    path = tmp_path / "m.onnx"
    torch.onnx.export(module, (ids,), path, input_names=["ids"], output_names=["y"], dynamo=True)
    model = precision.LayeredModel(path, "float16")
    given = {"ids": ids.numpy()}
    with torch.no_grad():
        np.testing.assert_allclose(model.run(given)["y"], module(ids).numpy(), atol=1e-5)
    tolerance = compare.Tolerance(0, 0.02)
    layers = precision.RoundedLayers(model, [given], tolerance)
    found = precision.find_layers(layers)
    assert found.met
    assert found.whole == np.inf
    assert {one.type for one in found.kept} == {"Exp", "ReduceSum", "Log"}
    made = build.from_onnx(path, "all", precision="float16", keep_float32_layers=found.names)
    assert set(made.inputs[0].dims) == {2, 5}

"""An installed package, used from outside of the checkout: python -I installed.py."""

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake

assert ab.__file__.startswith(sys.prefix), ab.__file__
w = np.arange(6, dtype=np.float32).reshape(2, 3)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])],
    "small",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
    [numpy_helper.from_array(w, "w")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
place = Path(tempfile.mkdtemp()) / "small.om"
build.from_onnx(model, weights=["w"]).save(place)
fake.activate()
x = np.array([[1, 2]], np.float32)
with ab.Bundle.load(place) as bundle:
    bundle.init()
    assert (bundle.infer(x) == x @ w).all()
    bundle.update({"w": -w}, version=7)
    out = bundle.infer.run({"x": x})
    assert (out["y"] == x @ -w).all()
    assert out.version == 7
assert fake.live() == []
assert fake.violations() == []
shutil.rmtree(place.parent)
print("computed", out["y"].tolist())

"""The wheel: built from the sdist, installed where nothing else is, and run there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ("acl_bundle", "csrc", "fakes", "setup.py", "pyproject.toml", "MANIFEST.in")
TEXTS = ("README.md", "LICENSE")
BUILT = shutil.ignore_patterns("*.so", "__pycache__", "_acl.c")

PROGRAM = """
import sys
import numpy as np
import onnx
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
build.from_onnx(model, weights=["w"]).save("small.om")
fake.activate()
x = np.array([[1, 2]], np.float32)
with ab.Bundle.load("small.om") as bundle:
    bundle.init()
    assert (bundle.infer(x) == x @ w).all()
    bundle.update({"w": -w}, version=7)
    out = bundle.infer.run({"x": x})
    assert (out["y"] == x @ -w).all() and out.version == 7
assert fake.live() == [] and fake.violations() == []
print("computed", out["y"].tolist())
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that must succeed; no setting of this process reaches it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ACL_", "VIRTUAL"))}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist and from it the wheel, in a copy of the sources."""
    copy = tmp_path_factory.mktemp("checkout")
    for name in (*SOURCES, *TEXTS):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=BUILT)
        else:
            shutil.copy(source, copy / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", copy / "out", copy, cwd=copy)
    (built,) = (copy / "out").glob("*.whl")
    return built


def test_one_wheel_serves_every_python_from_3_10_on(wheel: Path) -> None:
    assert wheel.name.startswith("acl_bundle-")
    assert "-cp310-abi3-linux_" in wheel.name


def test_the_wheel_holds_shim_fake_types_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "acl_bundle/_acl.abi3.so" in names
    linked = (
        "ascendcl",
        "acl_rt",
        "acl_mdl",
        "acl_op_compiler",
        "acl_dvpp",
        "acl_cblas",
        "acl_retr",
        "msprofiler",
    )
    assert {f"acl_bundle/fake/lib/lib{name}.so" for name in linked} < {*names}
    ge = ("ge_compiler", "graph", "graph_base", "fmk_onnx_parser")
    assert {f"acl_bundle/fake/lib/lib{name}.so" for name in ge} < {*names}
    chip = ("ge_compile.cc", "include/ge/ge_ir_build.h", "include/parser/onnx_parser.h")
    assert {f"acl_bundle/build/chip/{name}" for name in chip} < {*names}
    headers = ("acl.h", "acl_rt.h", "acl_mdl.h", "ops/acl_dvpp.h", "error_codes/rt_error_codes.h")
    assert {f"acl_bundle/fake/include/acl/{name}" for name in headers} < {*names}
    assert "acl_bundle/fake/lib/pkgconfig/ascendcl.pc" in names
    assert {"acl_bundle/py.typed", "acl_bundle/_acl.pyi", "acl_bundle/build/__init__.py"} < {*names}
    assert "acl_bundle/pyacl/path/acl.py" in names  # and nothing named acl beside acl_bundle
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"acl_bundle"}


def test_an_inference_runs_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[fake]", cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run(python, "-I", "-c", PROGRAM, cwd=elsewhere) == "computed [[-6.0, -9.0, -12.0]]\n"

"""A library that lies is told, with the function and what it answered; nothing crashes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, fake

HERE = Path(__file__).parent
CSRC = HERE.parents[2] / "csrc"

LIES = ("aclrtMalloc", "aclrtMallocHost", "aclrtCreateStream", "aclrtCreateEvent",
        "aclrtGetCurrentContext", "aclrtGetRunMode", "aclmdlGetNumInputs", "aclmdlGetNumOutputs",
        "aclmdlGetInputSizeByIndex", "aclmdlGetOutputSizeByIndex", "aclmdlGetInputDimsV2",
        "aclmdlGetOutputDims", "aclmdlGetInputDataType", "aclmdlGetInputNameByIndex",
        "aclmdlGetOutputNameByIndex", "aclmdlBundleGetVarWeightSize",
        "aclmdlBundleLoadModel")  # fmt: skip
DYNAMIC = ("aclGetTensorDescNumDims", "aclGetTensorDescSize", "aclGetTensorDescDimV2")
PROGRAM = """
import sys
import numpy as np
import acl_bundle as ab
try:
    with ab.Bundle.load(sys.argv[1], variables=sys.argv[2]) as bundle:
        x = np.ones((4, 8), "f4")
        if hasattr(type(bundle), "init") and len(bundle.graphs) > 1:
            bundle.init()
            bundle.update({"b2": np.ones(3, "f4")})
            bundle.infer.submit(x).result()
        bundle.infer(x)
    print("no lie")
except ab.LibraryError as error:
    print("LibraryError", error.function, str(error))
"""


@pytest.fixture(scope="module")
def liar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("liar") / "libliar.so"
    subprocess.run(
        ["cc", "-std=gnu11", "-shared", "-fPIC", "-Wl,--no-as-needed", f"-I{CSRC}",
         str(HERE / "liar.c"), "-o", str(library), str(fake.library_path()), "-ldl"],
        check=True,
    )  # fmt: skip
    return library


def told(liar: Path, lie: str, path: Path, flow: str) -> str:
    """What a program prints when one function lies."""
    environment = {
        **os.environ,
        "ACL_BUNDLE_LIBRARY": str(liar),
        "ACL_FAKE_ONNXRUNTIME": str(fake.onnxruntime_path()),
        "LD_LIBRARY_PATH": str(fake.library_path().parent),
        "FAKE": str(fake.library_path()),
        "LIE": lie,
    }
    command = [sys.executable, "-c", PROGRAM, str(path), flow]
    done = subprocess.run(
        command, check=False, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def dynamic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weight: Any = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    path = tmp_path_factory.mktemp("dynamic") / "dynamic.om"
    build.model(model, dynamic_shape=True).save(path)
    return path


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_without_a_lie_all_is_well(liar: Path, mlp: Any, dynamic: Path, flow: str) -> None:
    assert told(liar, "", mlp.path, flow) == "no lie"
    assert told(liar, "", dynamic, "auto") == "no lie"


@pytest.mark.parametrize("lie", LIES)
def test_a_function_that_lies(liar: Path, mlp: Any, lie: str) -> None:
    assert told(liar, lie, mlp.path, "owned").startswith(f"LibraryError {lie} {lie} answered")


def test_a_count_of_graphs(liar: Path, mlp: Any) -> None:
    lie = "aclmdlBundleGetModelNum"
    assert told(liar, lie, mlp.path, "library").startswith(f"LibraryError {lie}")


@pytest.mark.parametrize("lie", [*DYNAMIC, "aclrtMalloc"])
def test_a_description_of_an_output_that_lies(liar: Path, dynamic: Path, lie: str) -> None:
    assert told(liar, lie, dynamic, "auto").startswith(f"LibraryError {lie} {lie} answered")

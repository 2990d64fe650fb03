"""What the stand-in for GE's compiler refuses, and with which status (ge_refusals.cc)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import om

from ..face import Acl
from .test_compile_client import HEADERS, LINKED

FAILED, INVALID = 4294967295, 50331649
TABLE = [
    ("parse null", FAILED, "buffer is NULL"),
    ("parse no file", FAILED, "/no/such.onnx cannot be read: No such file"),
    ("parse file null", FAILED, "model_file is NULL"),
    ("parse no onnx", FAILED, "the model is no ONNX"),
    ("parse option", FAILED, "unsupported option(no_option)"),
    ("parse nodes", FAILED, "'ge.outputNodeName' ('n:0') is not simulated"),
    ("convert none", INVALID, "const_names is empty"),
    ("convert unknown", INVALID, "cannot find const name w in graph"),
    ("convert twice", INVALID, "cannot insert repeat name w_Initializer_1"),
    ("convert unknown twice", INVALID, "cannot find const name w in graph"),
    ("convert empty", FAILED, "an empty name"),
    ("convert no const", INVALID, "cannot find const name x in graph"),
    ("convert nothing", FAILED, "the graph holds nothing"),
    ("convert again", FAILED, "var_infer_graph was converted before"),
    ("build early", FAILED, "aclgrphBuildInitialize was not called"),
    ("initialize none", INVALID, "ge.socVersion is missing"),
    ("initialize precision", INVALID, "value [float16] for parameter [ge.exec.precision_mode]"),
    ("build unknown", INVALID, "unsupported option(ge.inputShape)"),
    ("build shape", INVALID, "input_shape names 'z'; the inputs are x"),
    ("build dims", INVALID, "the dim 'one'"),
    ("build format", INVALID, "input_format is 'XY'"),
    ("build aipp", INVALID, "ge.insertOpFile is 'a.cfg': No such file or directory"),
    ("build wrong aipp", INVALID, "wrong.cfg: AIPP has no field 'mode'"),
    ("build two", INVALID, "ge.dynamicBatchSize and ge.dynamicDims are given"),
    ("build nothing", FAILED, "the graph holds nothing"),
    ("build update", FAILED, "var_update_graph works on variables"),
    ("bundle none", INVALID, "holds 0 graphs"),
    ("bundle one", INVALID, "holds 1 graphs"),
    ("bundle empty key", FAILED, "an empty key"),
    ("bundle empty value", FAILED, "option input_shape has no value"),
    ("bundle unknown", FAILED, "unsupported option(ge.nothing)"),
    ("bundle precision", FAILED, "ge.exec.precision_mode differs among the graphs"),
    ("bundle mixed", FAILED, "of several conversions"),
    ("save none", INVALID, "the model is empty"),
    ("save null", INVALID, "output_file is NULL"),
    ("save noise", FAILED, "the bytes are no model"),
    ("save bundle", FAILED, "aclgrphBundleSaveModel saves it"),
    ("save nowhere", FAILED, "saved.om cannot be written: No such file"),
    ("bundle save none", FAILED, "the model has 0 bytes"),
    ("bundle save null", INVALID, "output_file is NULL"),
    ("bundle save plain", FAILED, "aclgrphSaveModel saves it"),
    ("graph save nothing", FAILED, "the graph holds nothing"),
    ("graph load none", FAILED, "none cannot be read"),
    ("dump length", INVALID, "len is not the length"),
    ("no node", FAILED, "this is no node of a graph"),
    ("version null", FAILED, "a version's place is NULL"),
    ("build late", FAILED, "aclgrphBuildInitialize was not called"),
]
RIGHT = {
    "parse", "parse file", "convert", "initialize", "initialize again", "build empty value",
    "build", "build right aipp", "save images", "bundle", "bundle plain", "save", "bundle save",
    "graph save", "graph load", "graph build", "graph names", "dump", "version",
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("refusals")


@pytest.fixture(scope="module")
def lines(_library: Acl, folder: Path) -> dict[str, tuple[int, str]]:
    """What the program prints, by the name of each line."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "w"], ["h"], name="n"),
            helper.make_node("Add", ["h", "v"], ["y"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(np.ones(2, np.float32), name) for name in ("w", "v")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "small.onnx")
    (folder / "wrong.cfg").write_text("aipp_op { mode: static }")
    (folder / "aipp.cfg").write_text("aipp_op { aipp_mode: static input_format: YUV400_U8 }")
    command = [
        os.environ.get("CXX", "c++"), "-std=c++17", "-Wall", "-Wextra", "-Werror", "-I", HEADERS,
        Path(__file__).with_name("ge_refusals.cc"), "-o", folder / "program",
        "-L", _library.path.parent, *(f"-l{one}" for one in LINKED),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    where = {"LD_LIBRARY_PATH": str(_library.path.parent), "ACL_BUNDLE_PYTHON": sys.executable}
    done = subprocess.run(
        [folder / "program", folder / "small.onnx", folder], cwd=folder,
        env={**os.environ, **where}, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {name: (int(status), text) for name, status, text in rows}


@pytest.mark.parametrize(("name", "status", "text"), TABLE, ids=[row[0] for row in TABLE])
def test_it_is_refused(
    lines: dict[str, tuple[int, str]], name: str, status: int, text: str
) -> None:
    assert lines[name][0] == status
    assert text in lines[name][1]


def test_all_else_is_done(lines: dict[str, tuple[int, str]], folder: Path) -> None:
    assert lines.pop("count") == (5, "found")
    assert {name for name, (status, _) in lines.items() if status == 0} == RIGHT
    assert set(lines) == RIGHT | {row[0] for row in TABLE}
    (image,) = om.open_model(folder / "images.om").inputs
    assert (image.name, image.dims, image.dtype) == ("x", (1, 2, 2, 1), 4), "uint8, from aipp.cfg"
    assert om.open_model(folder / "saved.om").outputs[0].name == "Add_0:0"
    assert [one.name for one in om.open_bundle(folder / "saved_bundle.om").models] == [
        "var_infer_graph",
        "var_update_graph",
    ]
    assert (folder / "dump.txt").read_text().splitlines()[:2] == ["Mul\tn", "Add\tAdd_0"]

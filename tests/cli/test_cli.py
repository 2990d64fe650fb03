"""``acl-bundle``: what it shows, and how it says no."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, fake, om
from acl_bundle.om._modeldef.define import Desc, GraphValue, Op, model_def
from acl_bundle.testing import FakeAcl

CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}


def cli(*arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", *arguments],
        env={**CLEAN, "COLUMNS": "200", **env},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def without(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where a module cannot be imported."""
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        f"sys.argv = {['acl-bundle', *arguments]!r}\n"
        "from acl_bundle.cli import main; main()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program], env=CLEAN, capture_output=True, text=True, check=False
    )


def small() -> onnx.ModelProto:
    """y = x @ w + b, where b alone is refreshable."""
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["product"]),
            helper.make_node("Add", ["product", "b"], ["y"]),
        ],
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3])],
        [
            numpy_helper.from_array(np.ones((2, 3), np.float32), "w"),
            numpy_helper.from_array(np.zeros(3, np.float32), "b"),
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "small.om"
    build.from_onnx(small(), weights=["b"]).save(path)
    return path


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "plain.om"
    build.model(small()).save(path)
    return path


def described(path: Path) -> dict[str, Any]:
    done = cli("inspect", "--json", path)
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = json.loads(done.stdout)
    return data


def test_inspect_tells_roles_weights_and_signatures(bundle: Path) -> None:
    data = described(bundle)
    assert data["kind"] == "bundle"
    assert data["nbytes"] == bundle.stat().st_size
    assert [graph["role"] for graph in data["graphs"]] == ["infer", "init", "update"]
    assert data["weights"] == [
        {"name": "b", "in_graph": "b", "dtype": "float32", "shape": [3], "nbytes": 12}
    ]
    infer, _, update = data["graphs"]
    assert [(one["name"], one["shape"]) for one in infer["inputs"]] == [("x", [1, 2])]
    assert [(one["name"], one["shape"]) for one in infer["outputs"]] == [("y", [1, 3])]
    assert [one["name"] for one in update["inputs"]] == ["b_var_data"]
    assert (infer["dynamic"], update["dynamic"]) == (False, True)
    assert infer["runs_on"] == "the fake"


def test_inspect_tells_header_and_partitions(bundle: Path) -> None:
    data = described(bundle)
    assert data["header"]["modeltype"] == 5
    kinds = ["BUNDLE_MODEL_VAR_INFO", *["BUNDLE_MODEL_INFO"] * 3]
    assert [part["type"] for part in data["partitions"]] == kinds
    first = data["graphs"][0]
    assert first["header"]["name"] == first["name"] == "var_infer_graph"
    assert "TASK_INFO" in [part["type"] for part in first["partitions"]]


def test_inspect_reads_a_plain_model(plain: Path) -> None:
    data = described(plain)
    assert data["kind"] == "model"
    (graph,) = data["graphs"]
    assert {one["name"]: one["shape"] for one in graph["constants"]} == {"w": [2, 3], "b": [3]}


def test_inspect_shows_what_is_done_to_images(tmp_path: Path) -> None:
    net = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[1,3,4,6] x, float[2] w, float[2,1,2,2] z) => (float[1,3,4,6] y)
        { y = Identity(x) }
    """)
    told = {"input_format": "RGB888_U8", "mean_chn_1": 7, "var_reci_chn_2": 0.5, "crop": True,
            "src_image_size_w": 9, "src_image_size_h": 5}  # fmt: skip
    static, dynamic = tmp_path / "static.om", tmp_path / "dynamic.om"
    build.model(net, aipp={"aipp_mode": "static", **told}).save(static)
    sizes = [{"max_src_image_size": 80}, {"max_src_image_size": 9, "related_input_name": "z"}]
    build.model(net, aipp=[{"aipp_mode": "dynamic", **one} for one in sizes]).save(dynamic)
    (graph,) = described(static)["graphs"]
    assert graph["aipp"] == [
        {
            "input": "x", "mode": "static", "format": "RGB888_U8", "parameters": "",
            "fields": {
                "src_image_size_w": 9, "src_image_size_h": 5, "crop": True, "crop_size_w": 6,
                "crop_size_h": 4, "mean_chn_1": 7, "var_reci_chn_2": 0.5,
            },
        }
    ]  # fmt: skip
    shown = cli("inspect", static).stdout
    for one in ("RGB888_U8", "src_image_size_w 9", "mean_chn_1 7", "var_reci_chn_2 0.5"):
        assert one in shown
    (graph,) = described(dynamic)["graphs"]
    assert [(one["input"], one["parameters"]) for one in graph["aipp"]] == [
        ("x", "ascend_dynamic_aipp_data"), ("z", "ascend_dynamic_aipp_data_z_0_aipp"),
    ]  # fmt: skip
    assert [one["fields"]["max_src_image_size"] for one in graph["aipp"]] == [80, 9]
    assert {one["mode"] for one in graph["aipp"]} == {"dynamic"}


def test_inspect_reads_a_file_for_a_chip(tmp_path: Path) -> None:
    data = Op("x", "Data", output_descs=(Desc(0, (2, 3)),))
    definition = model_def("net", [GraphValue("net", [data])], {})
    image = om.write_model([(om.PartitionType.MODEL_DEF, [definition])], name="net")
    path = image.save(tmp_path / "chip.om")
    (graph,) = described(path)["graphs"]
    assert graph["runs_on"] == "a chip"
    assert graph["name"] == "net"


def test_inspect_shows_doubts_and_goes_on(bundle: Path, tmp_path: Path) -> None:
    read = om.open_bundle(bundle)
    twice = om.write_bundle([read.models[i] for i in (0, 1, 1, 2)], read.variable_size)
    data = described(twice.save(tmp_path / "twice.om"))
    assert len(data["doubts"]) == 1
    assert "each be the init graph" in data["doubts"][0]
    assert [graph["role"] for graph in data["graphs"]] == [None] * 4


def test_inspect_prints_tables(bundle: Path) -> None:
    done = cli("inspect", bundle)
    assert done.returncode == 0, done.stderr
    for text in ("refreshable weights", "graph 2: var_update_graph, role update", "2×3", "0x444f"):
        assert text in done.stdout
    assert "any" in done.stdout, "the rank of an update's input"


def test_a_damaged_file_is_one_message(bundle: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.om"
    path.write_bytes(bundle.read_bytes()[:1000])
    done = cli("inspect", path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"acl-bundle: {path}: ")
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_one_line() -> None:
    done = cli("inspect", "nowhere.om")
    assert done.returncode == 2
    assert done.stderr == "acl-bundle: nowhere.om: No such file or directory\n"


def test_no_command_and_help_show_the_commands() -> None:
    for arguments in ([], ["--help"], ["-h"]):
        text = cli(*arguments).stdout
        assert all(command in text for command in ("demo", "inspect", "doctor"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["unload"], "No such command 'unload'"),
        (["inspect"], "Missing argument 'FILE'"),
        (["demo", "--outputs", "x"], "No such option: --outputs"),
    ],
)
def test_wrong_arguments_are_status_2_and_say_what_is_wrong(
    arguments: list[str], said: str
) -> None:
    done = cli(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [
        ("typer", "inspect", "cli"),
        ("rich", "inspect", "cli"),
        ("sklearn", "demo", "demo"),
        ("onnx", "demo", "build"),
        ("onnxruntime", "demo", "fake"),
    ],
)
def test_a_missing_extra_is_named(module: str, command: str, extra: str, bundle: Path) -> None:
    done = without(module, command, *[str(bundle)] * (command == "inspect"))
    assert done.returncode == 2
    assert done.stderr == (
        f"acl-bundle: this needs {module}, of the extra {extra!r}:"
        f" from a checkout, pip install '.[{extra}]'\n"
    )


def test_a_checkout_that_was_not_built_says_so() -> None:
    done = without("acl_bundle._acl", "doctor")
    assert done.returncode == 2
    assert done.stderr == "acl-bundle: the package is not built here: run make, or pip install it\n"


def test_doctor_on_the_fake_is_content(bundle: Path, fake_acl: FakeAcl) -> None:
    done = cli("doctor", bundle, ACL_BUNDLE_LIBRARY=str(fake.library_path()))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "BAD" not in done.stdout
    for text in (f"opened {fake.library_path()}", "AscendCL version 1.", "devices: 8"):
        assert text in done.stdout
    assert "roles: graph 0 infer, graph 1 init, graph 2 update" in done.stdout
    assert "libonnxruntime.so.1" in done.stdout


def test_doctor_lists_every_attempt_when_there_is_no_library(tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = cli("doctor", ASCEND_HOME_PATH=str(home), LD_LIBRARY_PATH=str(tmp_path))
    assert done.returncode == 1
    for text in ("libascendcl.so", "libacl_rt.so + libacl_mdl.so", f"{home}/lib64/libascendcl.so"):
        assert f"BAD tried {text}: " in done.stdout
    assert "no AscendCL library" in done.stdout


def test_doctor_names_the_library_that_was_asked_for_and_is_none(tmp_path: Path) -> None:
    path = tmp_path / "libascendcl.so"
    path.write_bytes(b"not a library")
    done = cli("doctor", ACL_BUNDLE_LIBRARY=str(path))
    assert done.returncode == 1
    assert f"BAD tried {path}: " in done.stdout


def test_doctor_finds_what_is_wrong_with_a_file(bundle: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.om"
    cut.write_bytes(bundle.read_bytes()[:-1])
    done = cli("doctor", cut, ACL_BUNDLE_LIBRARY=str(fake.library_path()))
    assert done.returncode == 1
    assert f"BAD {cut}" in done.stdout
    assert "are left in the file" in done.stdout


def test_doctor_finds_nothing_wrong_with_a_plain_model(plain: Path) -> None:
    done = cli("doctor", plain, ACL_BUNDLE_LIBRARY=str(fake.library_path()))
    assert done.returncode == 0
    assert "ok  roles: graph 0 infer" in done.stdout
    assert "ok  refreshable weights: 0" in done.stdout


def test_doctor_notices_a_runtime_that_is_not_there() -> None:
    path = "/nowhere/libonnxruntime.so.1.19.2"
    done = cli("doctor", ACL_FAKE_ONNXRUNTIME=path)
    assert f"BAD computes with {path}, which does not exist" in done.stdout


def test_doctor_keeps_a_file_apart_whatever_its_name(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "library").write_bytes(bundle.read_bytes())
    command = [sys.executable, "-m", "acl_bundle.cli", "doctor", "library", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    told = json.loads(done.stdout)
    assert told["file"]["findings"][0]["text"].startswith("roles: ")
    assert not any("roles: " in one["text"] for one in told["library"])


@pytest.mark.parametrize("options", ["", " --json"])
def test_a_full_disk_is_trouble_in_one_message(bundle: Path, options: str) -> None:
    command = f"{sys.executable} -m acl_bundle.cli inspect {bundle}{options} >/dev/full"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "acl-bundle: [Errno 28] No space left on device\n"


def test_closed_streams_take_nothing(bundle: Path) -> None:
    for shell, status in ((f"inspect {bundle} >&-", 0), ("inspect gone.om --json 2>&-", 2)):
        command = f"{sys.executable} -m acl_bundle.cli {shell}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        assert done.returncode == status
        assert done.stderr == ""
        assert not done.stdout or json.loads(done.stdout)["error"]["exit_status"] == 2

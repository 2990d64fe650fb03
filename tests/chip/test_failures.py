"""Every way in which compiling fails: the step, GE's words, what to do; and nothing is written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build

from .conftest import Network

SOC = "Ascend910B3"
Fails = Callable[..., ab.CompileError]


@pytest.fixture
def fails(network: Network, tmp_path: Path) -> Iterator[Fails]:
    """Compile, and return the error; nothing may be left in the folder."""
    folder = tmp_path / "out"
    folder.mkdir()

    def compile_(model: onnx.ModelProto | None = None, **options: Any) -> ab.CompileError:
        with pytest.raises(ab.CompileError) as caught:
            build.compile(
                model or network.model(), ["w", "b"], folder / "chip.om", **{"soc": SOC, **options}
            )
        return caught.value

    yield compile_
    assert list(folder.iterdir()) == []


def test_without_a_toolkit(fails: Fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", f"{tmp_path}:/nowhere")
    monkeypatch.setenv("ASCEND_HOME_PATH", "/no/toolkit")
    error = fails()
    assert error.step == "toolkit"
    assert f"Tried {tmp_path}, /nowhere, /no/toolkit/lib64" in str(error)
    assert "Source the set_env.sh" in str(error)


def test_without_a_compiler(fails: Fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "/no/compiler")
    error = fails()
    assert error.step == "helper"
    assert "no C++ compiler: none of /no/compiler is here" in str(error)


def test_a_compiler_that_fails(
    fails: Fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", "c++ -std=c++17 -include /no/header.h")
    error = fails()
    assert error.step == "helper"
    assert "ge_compile.cc" in str(error)
    assert "/no/header.h" in str(error)


def test_a_ge_that_lacks_a_function(
    fails: Fails, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stand_in: Path
) -> None:
    """An older one has no bundles."""
    old = tmp_path / "old"
    old.mkdir()
    for name in ("graph", "graph_base", "fmk_onnx_parser"):
        (old / f"lib{name}.so").symlink_to(stand_in / f"lib{name}.so")
    (old / "empty.c").write_text("")
    compiler = os.environ.get("CC", "cc")
    made = old / "libge_compiler.so"
    subprocess.run([compiler, "-shared", old / "empty.c", "-o", made], check=True)
    (old / "libgraph.so").unlink()
    subprocess.run([compiler, "-shared", old / "empty.c", "-o", old / "libgraph.so"], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(old))
    error = fails()
    assert error.step == "helper"
    assert "This CANN lacks a function: 8.0.RC3 or newer is needed" in str(error)


def test_a_chip_that_ge_does_not_know(fails: Fails) -> None:
    error = fails(soc="910B3")
    assert (error.step, error.status) == ("initialize", 50331649)
    assert "'910B3'" in str(error)
    assert "Source the toolkit's set_env.sh, check the chip's name" in str(error)


def test_a_model_that_ge_does_not_read(fails: Fails, network: Network) -> None:
    model = network.model()
    model.graph.node[3].domain = "com.example"
    model.opset_import.append(helper.make_opsetid("com.example", 1))
    error = fails(model)
    assert (error.step, error.status) == ("parse", 4294967295)
    assert "E16002: no parser for com.example::1::Tanh of node" in str(error)


def test_a_graph_that_ge_does_not_build(fails: Fails) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "w"], ["h"]),
            helper.make_node("Add", ["h", "b"], ["a"]),
            helper.make_node("NonZero", ["a"], ["y"]),
            helper.make_node("Reshape", ["a", "shape"], ["z"]),
        ],
        "data_dependent",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [2]),
            helper.make_tensor_value_info("shape", TensorProto.INT64, [2]),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.ones(2, np.float32), name) for name in ("w", "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    error = fails(model)
    assert (error.step, error.status) == ("build", 4294967295)
    assert "the shape of an output depends on the values of 'shape'" in str(error)


LIES = {
    "convert": "GE returned 4294967295: E19999: no variables today",
    "build": "GE returned 4294967295: E90003: no tiling for this shape",
    "save": "GE returned 4294967295: E19999: the disk is full",
}


@pytest.mark.parametrize("step", LIES)
def test_each_step_of_ge_tells_its_words(
    fails: Fails, monkeypatch: pytest.MonkeyPatch, liar: Path, step: str
) -> None:
    monkeypatch.setenv("LD_PRELOAD", str(liar))
    monkeypatch.setenv("GE_LIES", step)
    monkeypatch.setenv("ASCEND_PROCESS_LOG_PATH", "/var/log/npu")
    error = fails()
    assert (error.step, error.status) == (step, 4294967295)
    assert LIES[step] in str(error)
    assert "GE's own log lies in /var/log/npu" in str(error)


@pytest.mark.parametrize(
    ("lie", "step", "said"),
    [
        ("crash", "build", "the process that calls GE ended with signal 6"),
        ("nothing", "save", "GE says that it saved bundle.om, but the folder has answer"),
        ("noise", "check", "what GE saved cannot be read"),
        ("weights", "check", "GE's bundle has the weights b, where b, w were asked for"),
        ("names", "constants", "'b' is none of its nodes (alike: "),
    ],
)
def test_a_ge_that_does_something_else(
    fails: Fails, monkeypatch: pytest.MonkeyPatch, liar: Path, lie: str, step: str, said: str
) -> None:
    monkeypatch.setenv("LD_PRELOAD", str(liar))
    monkeypatch.setenv("GE_LIES", lie)
    error = fails()
    assert error.step == step
    assert said in str(error)


def test_a_file_with_the_hosts_name_is_found(
    network: Network, monkeypatch: pytest.MonkeyPatch, liar: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("LD_PRELOAD", str(liar))
    monkeypatch.setenv("GE_LIES", "suffix")
    build.compile(network.model(), ["w"], tmp_path / "chip.om", soc=SOC)
    assert {one.name for one in tmp_path.iterdir()} == {"chip.om", "chip.om.json"}


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"weights": ["v"]}, ab.WeightError, "'v' is no constant of the model"),
    ({"weights": ["q*"]}, ab.WeightError, "the pattern 'q\\*' matches no floating-point"),
    ({"weights": []}, ab.WeightError, "weights is empty"),
    ({"soc": ""}, ValueError, "soc is ''; the chip's name is right"),
    ({"precision": "float16"}, ValueError, "precision is 'float16'; one of origin, fp16"),
    ({"input_shapes": {"x": (1, 4)}}, ValueError, "input_shapes names 'x', which is no input"),
    ({"dynamic_batch": [1, 2]}, ValueError, "no input has an open dim"),
    ({"model": b"no model"}, ValueError, "is no ONNX model"),
    ({"model": "/no/model.onnx"}, FileNotFoundError, "/no/model.onnx"),
    ({"out": "/no/folder/chip.om"}, FileNotFoundError, "there is no such folder"),
]


@pytest.mark.parametrize(("change", "kind", "said"), BAD)
def test_what_never_reaches_ge(
    network: Network, tmp_path: Path, change: Any, kind: type[Exception], said: str
) -> None:
    given = {"model": network.model(), "weights": ["w"], "out": tmp_path / "chip.om", "soc": SOC}
    with pytest.raises(kind, match=said):
        build.compile(**{**given, **change})
    assert list(tmp_path.iterdir()) == []


def test_the_model_is_never_overwritten(network: Network, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(network.model(), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"model.onnx is the input"):
        build.compile(path, ["w"], path, soc=SOC)
    assert path.read_bytes() == before


def test_more_than_two_gigabytes_are_refused(tmp_path: Path) -> None:
    dims = [2**29 + 2**20]
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims)
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="w.bin")
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])],
        "big",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, dims)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, dims)],
        [tensor],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (tmp_path / "big.onnx").write_bytes(model.SerializeToString())
    with (tmp_path / "w.bin").open("wb") as file:
        file.truncate(4 * dims[0])  # no block of it is on the disk
    with pytest.raises(ValueError, match=r"constants of 2151677952 bytes; GE's parser reads"):
        build.compile(tmp_path / "big.onnx", ["w"], tmp_path / "chip.om", soc=SOC)


PROGRAM = """
import sys
from acl_bundle import build
build.compile(sys.argv[1], ["w"], sys.argv[2], soc="Ascend910B3")
"""


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_process_that_calls_ge_ends_with_the_caller(
    network: Network, tmp_path: Path, liar: Path, by: signal.Signals
) -> None:
    """Ctrl-C, and however else the caller ends."""
    onnx.save(network.model(), tmp_path / "model.onnx")
    lies = {"LD_PRELOAD": str(liar), "GE_LIES": "hang", "GE_PID": str(tmp_path / "pid")}
    caller = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, tmp_path / "model.onnx", tmp_path / "chip.om"],
        env={**os.environ, **lies}, stderr=subprocess.PIPE,
    )  # fmt: skip
    pid = int(_soon(lambda: (tmp_path / "pid").read_text() or None))
    caller.send_signal(by)
    _, said = caller.communicate(timeout=30)
    assert caller.returncode != 0
    assert (b"KeyboardInterrupt" in said) == (by == signal.SIGINT)
    assert _soon(lambda: not _runs(pid) or None)
    assert not (tmp_path / "chip.om").exists()


def _soon(ask: Callable[[], Any]) -> Any:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(FileNotFoundError):
            found = ask()
            if found is not None:
                return found
        time.sleep(0.05)
    raise AssertionError("it never came")


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"

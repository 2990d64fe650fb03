"""Write the files that the fuzzers begin with: ``python tests/fuzz/seeds.py FOLDER``.

Small files of each kind, one folder per target. Files of torch and TensorFlow
are written where those are installed.
"""

from __future__ import annotations

import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import gmtime
from unittest.mock import patch

import numpy as np
import onnx
from fuzzing import joined
from onnx import TensorProto, helper, numpy_helper

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "soak")]

import soak_bundles as soak  # noqa: E402
from contract import programs  # noqa: E402
from contract.file.test_mutations import DYNAMIC, LINEAR, SAMPLES  # noqa: E402
from weights.samples import graph_def  # noqa: E402

from acl_bundle import follow, weights  # noqa: E402

CONFIG = """{"err_msg_mode": "1", "defaultDevice": {"default_device": "0"},
 "dump": {"dump_list": [{"model_name": "m", "layer": ["a"]}], "dump_path": "out"},
 "profiler": {"switch": "on", "aicpu": "on"}, "max_opqueue_num": "10000"}"""
VALUES = {"w": np.ones((2, 3), np.float32), "b": np.zeros(3, np.float16)}
KEY = b"a key of the fuzz"


def compiled() -> Iterator[tuple[str, bytes]]:
    """Bundles and models, each of them small."""
    yield from SAMPLES.items()
    yield "dynamic-model", DYNAMIC
    yield from ((f"linear-{role}", data) for role, data in LINEAR.models.items())
    yield from ((f"soak-{kind}", soak.bundle(kind)) for kind in ("onnx", "callback"))
    yield "callback-model", programs.model(soak.tasks("callback"), [soak.X], [soak.Y])


def arrays() -> Iterator[tuple[str, bytes]]:
    """Files of weights."""
    yield "safetensors", bytes(weights.to_bytes(VALUES))
    for name, save in (("npz", np.savez), ("npz-deflated", np.savez_compressed)):
        stream = io.BytesIO()
        save(stream, **VALUES)  # type: ignore[arg-type]
        yield name, stream.getvalue()
    stream = io.BytesIO()
    np.save(stream, VALUES["w"])
    yield "npy", stream.getvalue()
    yield "graph-def", graph_def()
    yield from ((f"onnx-{name}", data) for name, data in models())
    with suppress(ImportError):
        import torch  # noqa: PLC0415

        stream = io.BytesIO()
        torch.save({"w": torch.ones(2, 3), "h": torch.ones(3, dtype=torch.bfloat16)}, stream)
        yield "torch", stream.getvalue()


def models() -> Iterator[tuple[str, bytes]]:
    """ONNX models: a layer, constants of nodes, an If, a function, open dims, a list of numbers."""
    made = {name: numpy_helper.from_array(array, name) for name, array in VALUES.items()}
    bias = numpy_helper.from_array(np.ones(3, np.float32), "bias")
    listed = helper.make_tensor("w", TensorProto.FLOAT, [2, 3], list(range(6)))
    yield "gemm", _model([helper.make_node("Gemm", ["x", "w", "bias"], ["y"])], [made["w"], bias])
    yield "listed", _model([helper.make_node("MatMul", ["x", "w"], ["y"])], [listed], rows="n")
    const = helper.make_node("Constant", [], ["c"], value=made["w"])
    yield "constant", _model([const, helper.make_node("MatMul", ["x", "c"], ["y"])], [])
    yes = numpy_helper.from_array(np.array(True), "yes")
    branch = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["z"])],
        "branch", [], [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, 3])],
    )  # fmt: skip
    chosen = helper.make_node("If", ["yes"], ["y"], then_branch=branch, else_branch=branch)
    yield "if", _model([chosen], [made["w"], yes])
    opset = [helper.make_opsetid("", 17)]
    body = [helper.make_node("MatMul", ["a", "b"], ["c"])]
    function = helper.make_function("own", "times", ["a", "b"], ["c"], body, opset)
    call = helper.make_node("times", ["x", "w"], ["y"], domain="own")
    yield "function", _model([call], [made["w"]], functions=[function])


def _model(nodes: list[onnx.NodeProto], constants: list[onnx.TensorProto], rows: object = 1,
           functions: list[onnx.FunctionProto] | None = None) -> bytes:  # fmt: skip
    info = helper.make_tensor_value_info
    ends = [info("x", TensorProto.FLOAT, [rows, 2])], [info("y", TensorProto.FLOAT, [rows, 3])]
    graph = helper.make_graph(nodes, "g", *ends, constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = helper.make_model(
        graph, opset_imports=opsets[: 2 if functions else 1], ir_version=8, functions=functions
    )
    raw: bytes = made.SerializeToString()
    return raw


def folders() -> Iterator[tuple[str, bytes]]:
    """Weights of several files."""
    one, index = bytes(weights.to_bytes(VALUES)), {"w": "a.safetensors", "b": "a.safetensors"}
    shards = json.dumps({"metadata": {}, "weight_map": index}).encode()
    yield "shards", joined({"model.safetensors.index.json": shards, "a.safetensors": one})
    base = "base_model.model.w.lora_"
    lora = {f"{base}A.weight": np.ones((1, 3), "f4"), f"{base}B.weight": np.ones((3, 1), "f4")}
    told = {"peft_type": "LORA", "r": 1, "lora_alpha": 2, "alpha_pattern": {"w": 4.0}}
    adapter = bytes(weights.to_bytes(lora))
    files = {"adapter_config.json": json.dumps(told).encode(), "adapter_model.safetensors": adapter}
    yield "adapter", joined(files)
    yield "arrays", joined({"w.npy": dict(arrays())["npy"], "b.npy": dict(arrays())["npy"]})
    tensor = TensorProto(name="w", data_type=1, dims=[2, 3], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "w.bin"), ("offset", "0"), ("length", "24")):
        tensor.external_data.add(key=key, value=value)
    model = _model([helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor])
    yield "beside", joined({"model.onnx": model, "w.bin": VALUES["w"].tobytes()})
    with suppress(ImportError), tempfile.TemporaryDirectory() as place:
        import tensorflow as tf  # noqa: PLC0415

        tf.train.Checkpoint(w=tf.Variable(VALUES["w"])).write(f"{place}/model")
        beside = {one.name: one.read_bytes() for one in sorted(Path(place).iterdir())}
        yield "checkpoint", joined(beside)
        yield "index-alone", joined({"model": beside["model.index"]})


def published() -> Iterator[tuple[str, bytes]]:
    """Directories of a trainer's, signed and not."""
    for name, key in (("plain", None), ("signed", KEY)):
        with tempfile.TemporaryDirectory() as place:
            for version in (9, 10):
                follow.publish_directory(place, VALUES, version, signing_key=key)
            there = {one.name: one.read_bytes() for one in sorted(Path(place).iterdir())}
        yield name, joined(there)
        yield f"{name}-named", joined({**there, "LATEST": max(there, key=len).encode() + b"\n"})


def main(folder: Path) -> None:
    sets = {
        "load": compiled(),
        "config": iter([("full", CONFIG.encode()), ("empty", b"{}")]),
        "readers": iter([*compiled(), *arrays()]),
        "folders": folders(),
        "models": models(),
        "follow": published(),
    }
    for target, files in sets.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    THEN = 1_700_000_000.5  # noted in some of the files, which are to be the same each time
    with patch("time.time", lambda: THEN), patch("time.localtime", lambda *_: gmtime(THEN)):
        main(Path(sys.argv[1]))

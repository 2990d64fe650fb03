"""Write the files that the fuzzers begin with: ``python tests/fuzz/seeds.py FOLDER``.

Small files of each kind, one folder per target: ``load``, ``config``, ``readers``.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "soak")]

import bundle as soak  # noqa: E402
from contract import programs  # noqa: E402
from contract.test_mutations import DYNAMIC, LINEAR, SAMPLES  # noqa: E402

from acl_bundle import weights  # noqa: E402

CONFIG = """{"err_msg_mode": "1", "defaultDevice": {"default_device": "0"},
 "dump": {"dump_list": [{"model_name": "m", "layer": ["a"]}], "dump_path": "out"},
 "profiler": {"switch": "on", "aicpu": "on"}, "max_opqueue_num": "10000"}"""


def models() -> Iterator[tuple[str, bytes]]:
    """Bundles and models, each of them small."""
    yield from SAMPLES.items()
    yield "dynamic-model", DYNAMIC
    yield from ((f"linear-{role}", data) for role, data in LINEAR.models.items())
    yield from ((f"soak-{kind}", soak.bundle(kind)) for kind in ("onnx", "callback"))
    yield "callback-model", programs.model(soak.tasks("callback"), [soak.X], [soak.Y])


def arrays() -> Iterator[tuple[str, bytes]]:
    """Files of weights."""
    values = {"w": np.ones((2, 3), np.float32), "b": np.zeros(3, np.float16)}
    yield "safetensors", bytes(weights.to_bytes(values))
    npz, npy = io.BytesIO(), io.BytesIO()
    np.savez(npz, **values)
    np.save(npy, values["w"])
    yield "npz", npz.getvalue()
    yield "npy", npy.getvalue()
    made = [numpy_helper.from_array(array, name) for name, array in values.items()]
    node = helper.make_node("Constant", [], ["c"], value=made[0])
    ends = [helper.make_tensor_value_info("c", TensorProto.FLOAT, [2, 3])]
    graph = helper.make_graph([node], "g", [], ends, made)
    yield "onnx", onnx.ModelProto(ir_version=8, graph=graph).SerializeToString()


def main(folder: Path) -> None:
    sets = {
        "load": models(),
        "config": iter([("full", CONFIG.encode()), ("empty", b"{}")]),
        "readers": iter([*models(), *arrays()]),
    }
    for target, files in sets.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in files:
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

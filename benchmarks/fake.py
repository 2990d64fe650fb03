"""What the fake costs: per call, and on top of ONNX Runtime.

    python -m benchmarks.fake

Both figures come from C loops (compute.c), so Python is in neither. A `null`
program computes nothing: what its traced ``aclmdlExecute`` takes is the fake's
own. For models, the reference is ONNX Runtime's C API on the same program,
the one in the bundle file with its refreshable weights as graph inputs, with
the same options; beside it stands the model as it was before the build, its
weights constants. All variants take turns within each round, in changing
order; a ratio is taken within its round, and is the median over the rounds.
Where memory happens to lie moves a small model's time by several per cent, so
all of this happens in several processes, and what is printed is the median
over them, the ratio with the range of its middle half.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import random
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, fake, om
from acl_bundle._base.extra import how
from acl_bundle.om import PartitionType

PROCESSES = 7
ROUNDS = 25
SAMPLE_NS = 8e6  # a sample is as many calls as take about that long
ROOT = Path(__file__).parent
MODELS = {
    "784-256-128-10": (784, 256, 128, 10),
    "1024-512-512-64": (1024, 512, 512, 64),
    "1024-2048-2048-1024": (1024, 2048, 2048, 1024),
}
ONNX_RECORD = 3  # of docs/program_format.md

Array = NDArray[np.float32]


def compiled(folder: Path) -> ctypes.CDLL:
    """Compile and open compute.c."""
    library = folder / "compute.so"
    include = [f"-I{ROOT.parent / name}" for name in ("csrc", "fakes")]
    subprocess.run(
        ["cc", "-O2", "-shared", "-fPIC", *include, str(ROOT / "compute.c"), "-o", str(library),
         "-ldl"],
        check=True,
    )  # fmt: skip
    c = ctypes.CDLL(str(library))
    c.acl_port.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
    c.acl_read.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    c.acl_run.restype = c.session_run.restype = ctypes.c_double
    c.session_open.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t]
    c.session_open.restype = ctypes.c_void_p
    c.session_port.argtypes = [
        ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_int64), ctypes.c_size_t,
    ]  # fmt: skip
    c.session_run.argtypes = [ctypes.c_void_p, ctypes.c_int]
    return c


def check(status: int, what: str) -> None:
    if status:
        raise RuntimeError(f"{what} answered {status}")


def mlp(widths: tuple[int, ...]) -> onnx.ModelProto:
    """Dense layers with ReLU between them."""
    rng, nodes, constants, value = np.random.default_rng(0), [], [], "x"
    for i, shape in enumerate(itertools.pairwise(widths)):
        w = rng.standard_normal(shape).astype(np.float32) / np.sqrt(shape[0]).astype(np.float32)
        constants += [numpy_helper.from_array(w, f"w{i}"),
                      numpy_helper.from_array(np.zeros(shape[1], np.float32), f"b{i}")]  # fmt: skip
        last = i == len(widths) - 2
        nodes.append(
            helper.make_node("Gemm", [value, f"w{i}", f"b{i}"], ["y" if last else f"g{i}"])
        )
        if not last:
            nodes.append(helper.make_node("Relu", [f"g{i}"], [f"r{i}"]))
        value = f"r{i}"
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width])
            for name, width in (("x", widths[0]), ("y", widths[-1]))]  # fmt: skip
    graph = helper.make_graph(nodes, "mlp", ends[:1], ends[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def program(path: Path) -> bytes:
    """Return the ONNX program that a bundle file carries."""
    tasks = om.open_bundle(path).models[0].partition(PartitionType.TASK_INFO)
    assert tasks is not None
    raw, at = bytes(tasks.data), 32
    while at < len(raw):
        tag, _, size = struct.unpack_from("<IIQ", raw, at)
        if tag == ONNX_RECORD:
            return raw[at + 16 : at + 16 + size]
        at += 16 + (size + 7) // 8 * 8
    raise RuntimeError(f"{path} carries no ONNX program")


def aligned(array: Array) -> Array:
    """Copy to memory that starts at a page, as device memory does."""
    room = np.empty(array.nbytes + 4096, np.uint8)
    start = -room.ctypes.data % 4096
    copy = room[start : start + array.nbytes].view(np.float32).reshape(array.shape)
    copy[...] = array
    return copy


class Session:
    """A model on ONNX Runtime's C API, its inputs and output in place."""

    def __init__(self, c: ctypes.CDLL, model: bytes, inputs: Mapping[str, Array], y: Array) -> None:
        path = fake.onnxruntime_path()
        if path is None:
            raise RuntimeError(f"onnxruntime is not installed: {how('fake')}")
        self._c = c
        self._session = c.session_open(str(path).encode(), model, len(model))
        if not self._session:
            raise RuntimeError("ONNX Runtime did not take the model")
        self.y = aligned(y)
        self._inputs = {name: aligned(value) for name, value in inputs.items()}
        for name, value in self._inputs.items():
            self._port(0, name, value)
        self._port(1, "y", self.y)

    def _port(self, output: int, name: str, array: Array) -> None:
        dims = (ctypes.c_int64 * array.ndim)(*array.shape)
        check(
            self._c.session_port(self._session, output, name.encode(), array.ctypes.data,
                                 array.nbytes, dims, array.ndim),
            f"the tensor {name}",
        )  # fmt: skip

    def run(self, count: int) -> float:
        """Nanoseconds per run."""
        return float(self._c.session_run(self._session, count))


def rounds(variants: Mapping[str, Callable[[int], float]]) -> list[dict[str, float]]:
    """Let all take turns, in changing order; nanoseconds by name for each round."""
    names, found = list(variants), []
    for run in variants.values():
        run(20)  # the first runs are slow
    # As many calls for each: every sample begins with the caches of another.
    count = max(10, round(SAMPLE_NS / min(run(20) for run in variants.values())))
    for _ in range(ROUNDS):
        random.shuffle(names)
        found.append({name: variants[name](count) for name in names})
    assert all(ns > 0 for one in found for ns in one.values()), "a call failed"
    return found


def middle(found: list[dict[str, float]], name: str) -> float:
    return statistics.median(one[name] for one in found)


def extra(found: list[dict[str, float]], name: str, reference: str) -> float:
    """By how much a variant is slower than another, in per cent."""
    return 100 * (statistics.median(one[name] / one[reference] for one in found) - 1)


def load(c: ctypes.CDLL, path: Path, inputs: list[Array], output: Array) -> None:
    check(c.acl_open(str(fake.library_path()).encode(), str(path).encode()), f"loading {path}")
    for one in inputs:
        check(c.acl_port(0, one.ctypes.data, one.nbytes), "an input")
    check(c.acl_port(1, None, output.nbytes), "the output")


def calls(c: ctypes.CDLL, folder: Path) -> dict[str, float]:
    """Return what a call that computes nothing takes, in nanoseconds."""
    x = np.zeros((1, 1024), np.float32)
    path = build.null({"x": (x.dtype, x.shape)}, {"y": (x.dtype, x.shape)}).save(folder / "null.om")
    load(c, path, [x], x)

    def traced(count: int) -> float:
        with fake.settings(trace="on"):
            return float(c.acl_run(count))

    found = rounds({"plain": c.acl_run, "traced": traced})
    return {name: middle(found, name) for name in ("plain", "traced")}


def compare(c: ctypes.CDLL, path: Path, model: onnx.ModelProto) -> dict[str, float]:
    """Run a model on the fake and twice without it, and check that all answer alike.

    Returns:
        Microseconds of each, and what the fake adds to the other two in per cent.
    """
    build.from_onnx(model, weights="all").save(path)
    weights: dict[str, Any] = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    widths = [v.type.tensor_type.shape.dim[1].dim_value
              for v in (*model.graph.input, *model.graph.output)]  # fmt: skip
    x = np.random.default_rng(1).standard_normal((1, widths[0])).astype(np.float32)
    y = np.zeros((1, widths[1]), np.float32)
    load(c, path, [x], y)
    same = Session(c, program(path), {"x": x, **weights}, y)
    before = Session(c, model.SerializeToString(), {"x": x}, y)
    found = rounds({"fake": c.acl_run, "program": same.run, "unmodified": before.run})
    check(c.acl_read(y.ctypes.data, y.nbytes), "reading the output")
    np.testing.assert_array_equal(y, same.y)
    np.testing.assert_allclose(y, before.y, rtol=1e-3, atol=1e-4)
    us = {one: middle(found, one) / 1e3 for one in ("fake", "program", "unmodified")}
    added = {f"+{one}": extra(found, "fake", one) for one in ("program", "unmodified")}
    return {**us, **added}


def measure() -> dict[str, dict[str, float]]:
    """Measure everything once, in this process."""
    fake.activate()
    fake.reset()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        c = compiled(folder)
        found = {"null": calls(c, folder)}
        for model, widths in MODELS.items():
            found[model] = compare(c, folder / f"{model}.om", mlp(widths))
    fake.reset()
    return found


def measured() -> dict[str, dict[str, float]]:
    """Measure everything once, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.fake", "--once"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT.parent)
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def main() -> None:
    if sys.argv[1:] == ["--once"]:
        print(json.dumps(measure()))
        return
    runs = [measured() for _ in range(PROCESSES)]

    def figures(row: str, column: str) -> list[float]:
        return sorted(run[row][column] for run in runs)

    def typical(row: str, column: str) -> float:
        return statistics.median(figures(row, column))

    def added(row: str, column: str) -> str:
        low, _, high = statistics.quantiles(figures(row, column), n=4)
        return f"{typical(row, column):+6.1f} % ({low:+.0f} to {high:+.0f})"

    print("aclmdlExecute of a null program")
    print(f"  not traced {typical('null', 'plain'):6.0f} ns")
    print(f"  traced     {typical('null', 'traced'):6.0f} ns   (goal < 2000)\n")
    print(f"{'aclmdlExecute of a model':26}{'fake':>10}{'program':>11}{'added':>22}"
          f"{'unmodified':>13}{'added':>22}")  # fmt: skip
    for name in MODELS:
        fakes, program, before = (
            f"{typical(name, one):.1f} us" for one in ("fake", "program", "unmodified")
        )
        print(f"{name:26}{fakes:>10}{program:>11}{added(name, '+program'):>22}"
              f"{before:>13}{added(name, '+unmodified'):>22}")  # fmt: skip
    print(
        "program: ONNX Runtime's C API on what the bundle carries, weights as inputs (goal < 5 %)\n"
        "unmodified: the same on the model before the build, weights as constants"
    )


if __name__ == "__main__":
    main()

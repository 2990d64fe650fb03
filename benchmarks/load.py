"""What reading and building a file cost, as ratios to what others take for the same file.

    python -m benchmarks.load [--weights COUNT ...]

Reading is all that `Bundle.load` asks of the file itself; its unit is the library's own load,
which is called through ctypes with the file's bytes in memory. The model is a chain of layers,
each with a kernel and a bias, both small and both refreshable. The last row is the file of 6,000
weights with nodes as fat as a compiler for a chip writes them: 30 MiB of MODEL_DEF.

Building is `build.from_onnx`; its unit is ONNX's checker on the same model, whose kernels have
a MiB each and its biases 2 KiB. Of small weights the checker, which looks at no value, takes two
microseconds each, less than ONNX's shape inference or ONNX Runtime's opening of the model, which
are parts of building, and the three graphs of a bundle have eleven nodes for each weight: there
the goal is that each weight costs the same, however many there are.

All take turns within each round; figures are the least of the rounds. What reading takes of the
host's memory is measured in processes of its own, beside the bytes of MODEL_DEF.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake, om
from benchmarks.chip_like import fattened
from benchmarks.memory import Peak

COUNTS = 100, 1000, 6000, 20000
CHIP = 6000
CHIP_NBYTES = 30 << 20
ROUNDS = 5
WIDTH = 4
LARGE, LARGE_COUNTS = 512, (100, 400)
READ_GOAL, BUILD_GOAL, MEMORY_GOAL, LINEAR_GOAL = 0.3, 1.0, 3.0, 1.5


def model_of(weights: int, width: int = WIDTH) -> onnx.ModelProto:
    """A chain of Gemm nodes, each with a kernel and a bias of its own."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, width]) for name in "xy"]
    nodes, constants, last = [], [], "x"
    kernel, bias = np.eye(width, dtype=np.float32), np.zeros(width, np.float32)
    for at in range(weights // 2):
        names = f"layers.{at}.weight", f"layers.{at}.bias"
        constants += [
            numpy_helper.from_array(v, n) for v, n in zip((kernel, bias), names, strict=True)
        ]
        made = "y" if at == weights // 2 - 1 else f"/layers.{at}/Gemm_output_0"
        nodes.append(helper.make_node("Gemm", [last, *names], [made], f"/layers.{at}/Gemm"))
        last = made
    graph = helper.make_graph(nodes, "chain", value[:1], value[1:], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def read(data: bytes) -> None:
    """Ask of a file what `Bundle.load` asks."""
    file = om.open_loadable(data)
    _ = file.has_external_weights, file.roles, file.variables, file.variable_size
    for model in file.models:
        _ = model.name, model.inputs, model.outputs, model.gears
    _ = file.weight_program


class Library:
    """The calls that load a bundle whose variables are the caller's, and nothing else."""

    def __init__(self) -> None:
        self._c = ctypes.CDLL(str(fake.library_path()))

    def _call(self, name: str, *args: object) -> None:
        status = getattr(self._c, name)(*args)
        if status:
            raise RuntimeError(f"{name} answered {status}")

    @contextmanager
    def _loaded(self, data: bytes, size: int, graphs: int) -> Iterator[None]:
        memory, bundle, model = ctypes.c_void_p(), ctypes.c_uint32(), ctypes.c_uint32()
        self._call("aclrtMalloc", ctypes.byref(memory), ctypes.c_size_t(size), 0)
        self._call(
            "aclmdlBundleInitFromMem", data, ctypes.c_size_t(len(data)), memory,
            ctypes.c_size_t(size), ctypes.byref(bundle),
        )  # fmt: skip
        for index in range(graphs):
            self._call("aclmdlBundleLoadModel", bundle, ctypes.c_size_t(index), ctypes.byref(model))
        yield
        self._call("aclmdlBundleUnload", bundle)
        self._call("aclrtFree", memory)

    def load(self, data: bytes, size: int, graphs: int) -> float:
        """Load a bundle, and give it back; the seconds of the former."""
        start = time.perf_counter()
        with self._loaded(data, size, graphs):
            return time.perf_counter() - start


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def load(data: bytes) -> float:
    """Load a bundle with this package, and give it back; the seconds of the former."""
    start = time.perf_counter()
    with ab.Bundle.load(data):
        return time.perf_counter() - start


def definition_nbytes(file: om.Bundle) -> int:
    parts = (part for model in file.models for part in model.partitions)
    return sum(part.size for part in parts if part.type == om.PartitionType.MODEL_DEF)


def loading(title: str, data: bytes) -> None:
    """Print what reading and loading a file take beside the library's own load."""
    library, file = Library(), om.open_bundle(data)
    size, graphs = file.variable_size, len(file.models)
    with ab.Device(0) as device, device.activated():
        rounds = [
            (seconds(lambda: read(data)), library.load(data, size, graphs), load(data))
            for _ in range(ROUNDS)
        ]
    reading, own, whole = (min(row) * 1e3 for row in zip(*rounds, strict=True))
    print(
        f"{title:24}{definition_nbytes(file) / 1e6:9.1f}{own:10.1f}{reading:10.1f}"
        f"{reading / own:8.2f} (goal <= {READ_GOAL}){whole:10.1f}{whole / own:8.2f}",
        flush=True,
    )


def building(weights: int, width: int) -> tuple[float, float]:
    """Return the seconds that building a bundle and ONNX's checker take."""
    model = model_of(weights, width)
    rounds = [
        (
            seconds(lambda: build.from_onnx(model, weights="all")),
            seconds(lambda: onnx.checker.check_model(model)),
        )
        for _ in range(2 if weights > CHIP else ROUNDS)
    ]
    made, checked = map(min, zip(*rounds, strict=True))
    return made, checked


def buildings(counts: Sequence[int]) -> None:
    """Print the rows of building."""
    for count in LARGE_COUNTS:
        made, checked = building(count, LARGE)
        print(
            f"{count} of {LARGE * LARGE * 2 >> 10} KiB{made * 1e3:12.1f} ms"
            f"{made / checked:8.2f} of the checker (goal <= {BUILD_GOAL})",
            flush=True,
        )
    first = 0.0
    for count in counts:
        made, checked = building(count, WIDTH)
        each = made * 1e6 / count
        first = first or each
        print(
            f"{count} small{each:12.1f} us each{each / first:8.2f} of the first"
            f" (goal <= {LINEAR_GOAL}){made / checked:8.1f} of the checker",
            flush=True,
        )


def child(path: str) -> None:
    """Print what reading a file takes, in its MODEL_DEFs: as Python counts it, then resident."""
    end = {"y": ("float32", (1,))}
    read(build.null(end, end, weights={"w": np.ones(1)}).to_bytes())
    data = Path(path).read_bytes()
    unit = definition_nbytes(om.open_bundle(data))
    peak = Peak()
    read(data)
    resident = peak.end()
    tracemalloc.start()
    read(data)
    print(tracemalloc.get_traced_memory()[1] / unit, resident / unit)


def memory(title: str, path: Path) -> None:
    code = f"from benchmarks.load import child; child({str(path)!r})"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    traced, resident = map(float, run.stdout.split())
    print(f"{title:24}{traced:8.2f} traced{resident:8.2f} resident (goal <= {MEMORY_GOAL})")


def _title(weights: int) -> str:
    return f"{weights} weights"


def main() -> None:
    """Print the rows of loading, memory and building."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=int, nargs="*", default=COUNTS)
    counts = parser.parse_args().weights
    fake.activate()
    with tempfile.TemporaryDirectory() as folder:
        paths = {_title(count): Path(folder) / f"{count}.om" for count in counts}
        for count, path in zip(counts, paths.values(), strict=True):
            build.from_onnx(model_of(count), weights="all").save(path)
        if CHIP in counts:
            chip = paths["for a chip, 30 MiB"] = Path(folder) / "chip.om"
            chip.write_bytes(fattened(paths[_title(CHIP)].read_bytes(), CHIP_NBYTES))
        print(
            f"{'':24}{'MB':>9}{'library':>10}{'read, ms':>10}{'ratio':>8}{'load':>25}{'ratio':>8}"
        )
        for title, path in paths.items():
            loading(title, path.read_bytes())
        print("\nmemory, in bytes of MODEL_DEF")
        for title, path in paths.items():
            memory(title, path)
        print("\nbuilding")
        buildings(counts)


if __name__ == "__main__":
    main()

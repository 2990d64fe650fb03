"""What serving beside updates reaches, as ratios.

Three questions, each answered against a reference measured in the same run:
how much of the device's time a stream leaves unused, how eight replicas do
beside ONNX Runtime itself with eight threads, and what an inference waits for
while updates go on, in place and in a Pair.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi
from acl_bundle._run.engine import dataset

COPY, EXECUTE = 100e-6, 300e-6
SHAPE = (32, 32)
RUNS = 1500
ROUNDS = 5
THREADS = 8
WIDTH = 512
SECONDS = 2.0
Array = NDArray[Any]


@contextmanager
def latencies() -> Iterator[None]:
    """Let copies and executes take the time of a device."""
    times = {"aclrtMemcpy": COPY, "aclrtMemcpyAsync": COPY}
    times |= {"aclmdlExecute": EXECUTE, "aclmdlExecuteAsync": EXECUTE}
    for function, seconds in times.items():
        fake.latency(function, seconds)
    try:
        yield
    finally:
        for function in times:
            fake.latency(function, 0)


def execute_alone(bundle: ab.Bundle) -> float:
    """Seconds of one execute, on a stream that does nothing else."""
    nbytes = bundle.infer.inputs[0].nbytes
    with bundle.device.activated(), ExitStack() as stack:
        handle = ffi.new("aclrtStream *")
        acl.aclrtCreateStream(handle)
        stack.callback(acl.aclrtDestroyStream, handle[0])
        given, taken = dataset(stack, [nbytes]), dataset(stack, [nbytes])
        model = bundle._second_ids.load(stack, bundle.infer.index)
        start = time.perf_counter()
        for _ in range(RUNS):
            acl.aclmdlExecuteAsync(model, given.handle, taken.handle, handle[0])
        acl.aclrtSynchronizeStream(handle[0])
        return (time.perf_counter() - start) / RUNS


def streamed(bundle: ab.Bundle) -> float:
    """Seconds of one run of a stream."""
    x = np.zeros(SHAPE, np.float32)
    start = time.perf_counter()
    for _ in bundle.infer.stream(x for _ in range(RUNS)):
        pass
    return (time.perf_counter() - start) / RUNS


def one_by_one(bundle: ab.Bundle) -> float:
    """Seconds of one run when each waits for the one before."""
    x = np.zeros(SHAPE, np.float32)
    start = time.perf_counter()
    for _ in range(RUNS // 4):
        bundle.infer(x)
    return (time.perf_counter() - start) / (RUNS // 4)


def streaming(folder: Path) -> None:
    """Print how much of what the execute allows a stream reaches."""
    path = folder / "null.om"
    build.null({"x": ("float32", SHAPE)}, {"y": ("float32", SHAPE)}).save(path)
    with ab.Bundle.load(path) as bundle, latencies():
        streamed(bundle)
        alone = min(execute_alone(bundle) for _ in range(ROUNDS))
        ahead = min(streamed(bundle) for _ in range(ROUNDS))
        plain = one_by_one(bundle)
    print(f"copies of {COPY * 1e6:.0f} us, an execute of {EXECUTE * 1e6:.0f} us")
    print(f"  the execute alone  {alone * 1e6:6.0f} us")
    print(f"  stream             {ahead * 1e6:6.0f} us: {alone / ahead:.0%} (goal >= 90%)")
    print(f"  one by one         {plain * 1e6:6.0f} us: {alone / plain:.0%}")


def mlp() -> ModelProto:
    """Three layers, about a millisecond of work."""
    rng = np.random.default_rng(0)
    nodes, weights = [], []
    for layer in range(3):
        name, last = f"w{layer}", layer == 2
        given, taken = f"h{layer}" if layer else "x", "y" if last else f"h{layer + 1}"
        value = rng.standard_normal((WIDTH, WIDTH)).astype(np.float32) / WIDTH
        weights.append(numpy_helper.from_array(value, name))
        nodes.append(helper.make_node("MatMul", [given, name], [taken]))
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, (16, WIDTH)) for n in "xy"]
    graph = helper.make_graph(nodes, "mlp", ends[:1], ends[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def per_second(call: Callable[[], object], threads: int) -> float:
    """Calls per second of so many threads together."""
    until = time.perf_counter() + SECONDS / 4

    def repeat(_: int) -> int:
        count = 0
        while time.perf_counter() < until:
            call()
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(repeat, range(threads))) / (SECONDS / 4)


def session(model: ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def with_weights_as_inputs(model: ModelProto) -> ModelProto:
    """The same, in the form in which weights can change: that of the fake's own session."""
    changed = ModelProto.FromString(model.SerializeToString())
    for weight in changed.graph.initializer:
        ends = helper.make_tensor_value_info(weight.name, weight.data_type, weight.dims)
        changed.graph.input.append(ends)
    del changed.graph.initializer[:]
    return changed


def replicas(folder: Path) -> None:
    """Print how eight replicas scale beside ONNX Runtime with eight threads."""
    model, x = mlp(), np.zeros((16, WIDTH), np.float32)
    path = folder / "mlp.om"
    build.from_onnx(model, weights=["w0", "w1", "w2"]).save(path)
    fixed, open_ = session(model), session(with_weights_as_inputs(model))
    given = {"x": x} | {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    with ab.Bundle.load(path, replicas=THREADS) as many:
        many.init()
        rows = {
            "onnxruntime, weights fixed": lambda: fixed.run(None, {"x": x}),
            "onnxruntime, weights given": lambda: open_.run(None, given),
            f"{THREADS} replicas": lambda: many.infer(x),
        }
        best = dict.fromkeys(rows, (0.0, 0.0))
        for _ in range(ROUNDS):
            for name, call in rows.items():
                alone, together = per_second(call, 1), per_second(call, THREADS)
                best[name] = max(best[name][0], alone), max(best[name][1], together)
    print(f"\nruns per second of one thread, and of {THREADS} on {os.cpu_count()} cores")
    for name, (alone, together) in best.items():
        print(f"  {name:<28}{alone:7.0f} {together:7.0f}: {together / alone:.2f}x")


def inferring(model: ab.Bundle | ab.Pair, meanwhile: Callable[[int], object] | None) -> str:
    """The latency of inferences in a loop, with something going on in another thread."""
    x, samples = np.zeros((16, WIDTH), np.float32), []
    done = threading.Event()
    changes = 0

    def change() -> None:
        nonlocal changes
        while meanwhile is not None and not done.is_set():
            changes += 1
            meanwhile(changes)

    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(change)
        until = time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            start = time.perf_counter()
            model.infer(x)
            samples.append(time.perf_counter() - start)
        done.set()
        other.result()
    p50, p99 = np.percentile(samples, [50, 99]) * 1e3
    return f"p50 {p50:6.2f} ms, p99 {p99:6.2f} ms, {changes / SECONDS:5.0f} updates/s"


def updating(folder: Path) -> None:
    """Print an inference's latency with and without updates running."""
    rng = np.random.default_rng(1)
    new = [
        {f"w{layer}": rng.standard_normal((WIDTH, WIDTH)).astype(np.float32) for layer in range(3)}
        for _ in range(2)
    ]
    path = folder / "mlp.om"
    print(f"\nlatency of inference; updates of all {3 * WIDTH * WIDTH * 4 >> 20} MiB of weights,"
          f" back to back; switch interval {sys.getswitchinterval() * 1e3:.0f} ms")  # fmt: skip
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        print(f"  no updates        {inferring(bundle, None)}")
        print(f"  updates in place  {inferring(bundle, lambda n: bundle.update(new[n % 2]))}")
    with ab.Pair.load(path) as pair:
        pair.init()
        print(f"  updates of a Pair {inferring(pair, lambda n: pair.update(new[n % 2]))}")


def main(_: int) -> None:
    """Print the three tables."""
    with tempfile.TemporaryDirectory() as folder:
        streaming(Path(folder))
        replicas(Path(folder))
        updating(Path(folder))

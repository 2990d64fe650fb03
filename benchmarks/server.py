"""What a server adds to an inference, and what joining requests gives, as ratios of one run.

The server runs in a process of its own, as it does in use; the clients run in this one. The
direct inference, the bare connection and the whole way take turns. `python -m benchmarks.server`.
"""

from __future__ import annotations

import json
import multiprocessing
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tritonclient.grpc
import tritonclient.http
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle.server import Server, ServerLimits

ROUNDS, RUNS = 12, 60
SECONDS = 2.0
EXECUTE = 4e-3


class Joined(NamedTuple):
    """What is asked of a model with gears, and of the same without."""

    width: int
    layers: int
    gears: list[int]
    clients: int
    execute: float


TOLD = Joined(64, 1, [1, 2, 4, 8, 16], 16, EXECUTE)
"""A device that takes as long for a full gear as for one row, and no time of this processor."""
COMPUTED = Joined(2048, 2, [1, 8, 32], 64, 0.0)
"""The fake computes, on the processor that server and clients share."""
Array = NDArray[Any]


def serve(paths: dict[str, str], delay: float, execute: float, pipe: Any) -> None:
    """Be the server's process, until somebody says that it is enough."""
    fake.activate()
    fake.latency("aclmdlExecute", execute)
    with ExitStack() as stack:
        models = {}
        for name, path in paths.items():
            models[name] = bundle = stack.enter_context(ab.Bundle.load(path))
            if any(graph.role == "init" for graph in bundle.graphs):
                bundle.init()
        server = stack.enter_context(
            Server(models, port=0, grpc_port=0, limits=ServerLimits(batch_delay=delay))
        )
        pipe.send((server.port, server.grpc_port))
        pipe.recv()
        pipe.send(server.metrics())


@contextmanager
def served(
    paths: dict[str, str], delay: float = 0.0, execute: float = 0.0
) -> Iterator[tuple[Any, int, int]]:
    """Have a server's process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(paths, delay, execute, there))
    process.start()
    try:
        yield (here, *here.recv())
    finally:
        process.terminate()
        process.join()


class Connection:
    """The cheapest client: one socket, and bytes that are made once."""

    def __init__(self, port: int, model: str, x: Array) -> None:
        entry = {
            "name": "x", "datatype": "FP32", "shape": list(x.shape),
            "parameters": {"binary_data_size": x.nbytes},
        }  # fmt: skip
        body = {"inputs": [entry], "parameters": {"binary_data_output": True}}
        text = json.dumps(body).encode()
        head = (
            f"POST /v2/models/{model}/infer HTTP/1.1\r\nHost: a\r\n"
            f"Content-Length: {len(text) + x.nbytes}\r\n"
            f"Inference-Header-Content-Length: {len(text)}\r\n\r\n"
        )
        self._request = head.encode() + text + x.tobytes()
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __call__(self) -> bytes:
        self._socket.sendall(self._request)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._socket.recv(1 << 16)
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(body.decode())
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._socket.recv(1 << 16)
        return body

    def close(self) -> None:
        self._socket.close()


def triton(library: Any, port: int, x: Array) -> tuple[Any, Callable[[], Any]]:
    """Return one of tritonclient's clients, and its inference."""
    client = library.InferenceServerClient(f"127.0.0.1:{port}")
    given = library.InferInput("x", list(x.shape), "FP32")
    given.set_data_from_numpy(x)
    return client, lambda: client.infer("small", [given])


def added(folder: Path) -> None:
    """Print the p50 of an inference with 4 KB, directly and by each way."""
    path, x = str(folder / "small.om"), np.zeros((32, 32), np.float32)
    build.null({"x": ("float32", x.shape)}, {"y": ("float32", x.shape)}).save(path)
    with (
        served({"small": path}) as (pipe, port, grpc_port),
        ab.Bundle.load(path) as bundle,
        closing(Connection(port, "small", x)) as raw,
        ExitStack() as stack,
    ):
        ways: dict[str, Callable[[], Any]] = {"direct": lambda: bundle.infer(x), "HTTP": raw}
        for name, library, at in (
            ("HTTP, tritonclient", tritonclient.http, port),
            ("gRPC, tritonclient", tritonclient.grpc, grpc_port),
        ):
            client, ways[name] = triton(library, at, x)
            stack.enter_context(closing(client))
        took: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, call in ways.items():
                for _ in range(RUNS):
                    begun = time.perf_counter()
                    call()
                    took[name].append(time.perf_counter() - begun)
        pipe.send("enough")
        text = pipe.recv()
    direct = np.median(took.pop("direct"))
    print(f"an inference with 4 KB in and out: directly {direct * 1e6:.0f} us")
    for name, samples in took.items():
        p50, p99 = np.percentile(samples, [50, 99]) - direct
        goal = " (goal <= 1 ms)" if name == "HTTP" else ""
        print(f"  {name:<20} + {p50 * 1e3:5.2f} ms, p99 + {p99 * 1e3:5.2f} ms{goal}")
    print(f"  of which in the server: {stages(text)}")


def stages(text: str) -> str:
    """The mean of each stage, out of the metrics."""
    found: dict[str, dict[str, float]] = {}
    for line in text.splitlines():
        for kind in ("sum", "count"):
            if line.startswith(f"acl_bundle_stage_seconds_{kind}{{"):
                stage = line.partition('stage="')[2].partition('"')[0]
                found.setdefault(stage, {})[kind] = float(line.rpartition(" ")[2])
    means = {stage: one["sum"] / one["count"] for stage, one in found.items() if one["count"]}
    return ", ".join(f"{stage} {mean * 1e6:.0f} us" for stage, mean in means.items())


def layers(width: int, count: int) -> ModelProto:
    """So many layers with a dynamic batch."""
    value = np.random.default_rng(0).standard_normal((width, width)).astype(np.float32)
    values = [numpy_helper.from_array(value / width, f"w{at}") for at in range(count)]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ("n", width)) for n in "xy"]
    names = ["x", *(f"h{at}" for at in range(1, count)), "y"]
    nodes = [
        helper.make_node("MatMul", [names[at], f"w{at}"], [names[at + 1]]) for at in range(count)
    ]
    graph = helper.make_graph(nodes, "layers", ends[:1], ends[1:], values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def per_second(port: int, model: str, asked: Joined) -> float:
    """Answers per second of one row each, asked by so many threads."""
    x, counts = np.ones((1, asked.width), np.float32), []
    until = time.perf_counter() + SECONDS

    def ask() -> None:
        count = 0
        with closing(Connection(port, model, x)) as connection:
            while time.perf_counter() < until:
                connection()
                count += 1
        counts.append(count)

    threads = [threading.Thread(target=ask) for _ in range(asked.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS


def joined(folder: Path, asked: Joined = TOLD) -> None:
    """Print how many requests a second a model with gears answers, beside the same without."""
    model = layers(asked.width, asked.layers)
    names = [f"w{at}" for at in range(asked.layers)]
    paths = {name: str(folder / f"{name}.om") for name in ("gears", "alone")}
    build.from_onnx(model, weights=names, dynamic_batch=asked.gears).save(paths["gears"])
    build.from_onnx(model, weights=names, input_shapes=f"x:1,{asked.width}").save(paths["alone"])
    rows = {"one by one": ("alone", 0.0), "joined": ("gears", 0.0), "joined, 2 ms": ("gears", 2e-3)}
    best = dict.fromkeys(rows, 0.0)
    with ExitStack() as stack:
        ports = {
            row: stack.enter_context(served({name: paths[name]}, delay, asked.execute))[1]
            for row, (name, delay) in rows.items()
        }
        for _ in range(3):
            for row, (name, _) in rows.items():
                best[row] = max(best[row], per_second(ports[row], name, asked))
    takes = f"takes {asked.execute * 1e3:.0f} ms, however many rows it has"
    if not asked.execute:
        takes = f"computes {asked.layers} layers of {asked.width} x {asked.width}"
    print(f"\nrequests per second of one row, {asked.clients} clients; a run {takes};")
    print(f"gears {asked.gears}")
    for row, rate in best.items():
        goal = " (goal >= 3x)" if row != "one by one" else ""
        print(f"  {row:<14}{rate:6.0f}: {rate / best['one by one']:.1f}x{goal}")


def main() -> None:
    """Print the tables."""
    fake.activate()
    tables: dict[str, Callable[[Path], None]] = {
        "added": added,
        "joined": joined,
        "computed": partial(joined, asked=COMPUTED),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or tables:
            tables[name](Path(folder))


if __name__ == "__main__":
    main()

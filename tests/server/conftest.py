"""Servers on free ports of this host, and ways to ask them."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.server import Server
from acl_bundle.testing import FakeAcl

from .models import GEARED

TOKEN = "a token of the tests"


class Reply(NamedTuple):
    """What came over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return str(self.json["error"])


def ask(
    port: int | None,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Reply:
    """One request on a connection of its own."""
    assert port is not None
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, headers or {})
        response = connection.getresponse()
        found = {key.lower(): value for key, value in response.getheaders()}
        return Reply(response.status, found, response.read())
    finally:
        connection.close()


def numbers(x: Any, name: str = "x", **more: Any) -> dict[str, Any]:
    """A request with one input of float32 in JSON."""
    entry = {"name": name, "datatype": "FP32", "shape": list(x.shape), "data": x.ravel().tolist()}
    return {"inputs": [entry], **more}


def binary(x: Any, datatype: str = "FP32", **more: Any) -> tuple[bytes, dict[str, str]]:
    """A request with one input behind the JSON, and the header that tells where it begins."""
    entry = {
        "name": "x", "datatype": datatype, "shape": list(x.shape),
        "parameters": {"binary_data_size": x.nbytes},
    }  # fmt: skip
    text = json.dumps({"inputs": [entry], **more}).encode()
    return text + x.tobytes(), {"Inference-Header-Content-Length": str(len(text))}


def array_of(reply: Reply, at: int = 0) -> Any:
    """An output of float32, wherever it lies."""
    assert reply.status == 200, reply
    length = int(reply.headers.get("inference-header-content-length", len(reply.body)))
    outputs = json.loads(reply.body[:length])["outputs"]
    begin = length
    for entry in outputs[:at]:
        begin += entry["parameters"]["binary_data_size"]
    entry = outputs[at]
    if "data" in entry:
        return np.array(entry["data"], np.float32).reshape(entry["shape"])
    size = entry["parameters"]["binary_data_size"]
    return np.frombuffer(reply.body[begin : begin + size], np.float32).reshape(entry["shape"])


def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.02)


def waiting(port: int | None, count: int, model: str = "mlp") -> None:
    """Wait until so many requests wait for the device, behind the one that a worker has."""
    line = f'acl_bundle_queue{{model="{model}"}} {float(count)}\n'.encode()
    until(lambda: line in ask(port, "GET", "/metrics").body)


def taken(port: int | None, count: int, model: str = "mlp") -> None:
    """Wait until workers have taken so many requests."""
    line = f'acl_bundle_stage_seconds_count{{model="{model}",stage="queue"}} {float(count)}\n'
    until(lambda: line.encode() in ask(port, "GET", "/metrics").body)


Start = Callable[..., Server]


@pytest.fixture
def start(fake_acl: FakeAcl) -> Iterator[Start]:
    """Start servers, which are closed with the test."""
    with ExitStack() as stack:

        def make(models: Any, **options: Any) -> Server:
            if not isinstance(models, dict):
                models = {"mlp": models}
            server = Server(models, **{"port": 0, "grpc_port": 0, **options})
            return stack.enter_context(server)

        yield make


@pytest.fixture
def bundle(mlp: Any, fake_acl: FakeAcl) -> Iterator[ab.Bundle]:
    with ab.Bundle.load(mlp.path) as loaded:
        loaded.init()
        yield loaded


@pytest.fixture
def server(start: Start, bundle: ab.Bundle) -> Server:
    return start(bundle, token=TOKEN)


@pytest.fixture
def geared(tmp_path: Path) -> Path:
    """y = relu(x @ W) of 1, 4 or 8 rows, W refreshable."""
    path = tmp_path / "geared.om"
    build.from_onnx(GEARED, weights=["w"], dynamic_batch=[1, 4, 8]).save(path)
    return path

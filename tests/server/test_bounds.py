"""What a server has only so much of: bytes of requests, threads, connections."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

import acl_bundle as ab
from acl_bundle import build, weights
from acl_bundle.server import Server, ServerLimits

from .conftest import TOKEN, Reply, Start, array_of, ask, numbers, taken, until, waiting

INFER = "/v2/models/mlp/infer"
HALF = 700_000
OWNER = {"Authorization": f"Bearer {TOKEN}"}


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def reply_of(client: socket.socket) -> Reply:
    """One reply, on a connection that the server closes."""
    data = b""
    while part := client.recv(65536):
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return Reply(int(head.split()[1]), {}, body)


def padded(x: Any) -> bytes:
    """A request of more than half of a MiB."""
    return json.dumps(numbers(x)).encode() + b" " * HALF


@pytest.mark.parametrize("packed", [False, True])
def test_the_bytes_of_all_requests(start: Start, bundle: ab.Bundle, mlp: Any, packed: bool) -> None:
    server = start(bundle, limits=ServerLimits(body=1 << 20, bodies=1 << 20))
    body = padded(mlp.x)
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".encode()
    with connect(server) as client:
        client.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
        bodies = server._ends._bodies
        until(lambda: bodies.nbytes == len(body) - 1)
        given, headers = body, {}
        if packed:
            given, headers = gzip.compress(body), {"Content-Encoding": "gzip"}
        reply = ask(server.port, "POST", INFER, given, headers)
        assert (reply.status, "more are beyond 1048576" in reply.error) == (429, True), reply
        assert reply.headers["retry-after"] == "1"
        client.sendall(body[-1:])
        assert reply_of(client).status == 200
    until(lambda: bodies.nbytes == 0)
    np.testing.assert_allclose(
        array_of(ask(server.port, "POST", INFER, body)), mlp.answer(), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("level", [0, 9])
def test_a_packed_body_takes_the_larger_of_both(
    start: Start, bundle: ab.Bundle, mlp: Any, level: int
) -> None:
    """The packed bytes go when the others are there. Of level 0 are a few more than those."""
    body = padded(mlp.x)
    given = gzip.compress(body, level)
    most = max(len(given), len(body))
    server = start(bundle, limits=ServerLimits(body=most, bodies=most))
    reply = ask(server.port, "POST", INFER, given, {"Content-Encoding": "gzip"})
    assert reply.status == 200, reply
    until(lambda: server._ends._bodies.nbytes == 0)


def test_the_bytes_of_all_requests_of_grpc(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle, limits=ServerLimits(body=1 << 20, bodies=1 << 20))
    message = pb.ModelInferRequest(model_name="mlp")
    message.inputs.add(name="x", datatype="FP32", shape=[4, 8])
    message.raw_input_contents.append(mlp.x.tobytes())
    message.parameters["pad"].string_param = "x" * HALF
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        with bundle.hold(60_000):
            first = stub.ModelInfer.future(message)
            taken(server.port, 1)
            with pytest.raises(grpc.RpcError) as told:
                stub.ModelInfer(message)
            assert told.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "more are beyond 1048576" in told.value.details()
        assert first.result().model_version == "0"
        assert stub.ModelInfer(message).model_version == "0"


def test_a_limit_below_one_request() -> None:
    with pytest.raises(ValueError, match="bodies is 10, and one may have 100 bytes"):
        ServerLimits(body=100, bodies=10)


def test_a_client_that_goes_is_not_run(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle)
    body = padded(mlp.x)
    whole = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        with bundle.hold(60_000):
            first = pool.submit(ask, server.port, "POST", INFER, numbers(mlp.x))
            taken(server.port, 1)
            clients = [stack.enter_context(connect(server)) for _ in range(3)]
            for one in clients:
                one.sendall(whole + body)
            waiting(server.port, 3)
            for one in clients:
                one.close()
            waiting(server.port, 0)
            assert server._ends._bodies.nbytes < HALF
        assert first.result().status == 200
    text = server.metrics()
    assert 'acl_bundle_stage_seconds_count{model="mlp",stage="queue"} 1.0' in text
    assert 'code="499",model="mlp",protocol="http"} 3.0' in text


def test_a_connection_too_many(start: Start, bundle: ab.Bundle) -> None:
    server = start(bundle, limits=ServerLimits(connections=2))
    with connect(server), connect(server):
        until(lambda: len(server._ends._http.server_state.connections) == 2)
        reply = ask(server.port, "GET", "/v2/health/live")
        assert (reply.status, "as many connections" in reply.error) == (503, True)
    until(lambda: not server._ends._http.server_state.connections)
    assert ask(server.port, "GET", "/v2/health/live").status == 200


def test_what_is_no_http_is_told_in_json(server: Server) -> None:
    with connect(server) as client:
        client.sendall(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
        reply = reply_of(client)
    assert (reply.status, "Invalid HTTP" in reply.error) == (400, True)


def test_posts_wait_for_each_other_and_for_nobody_else(
    mlp: Any, server: Server, bundle: ab.Bundle
) -> None:
    body = weights.to_bytes(mlp.random(1))
    path = "/v2/models/mlp/weights?version="

    def post(version: int) -> Reply:
        return ask(server.port, "POST", f"{path}{version}", body, OWNER)

    with ThreadPoolExecutor(8) as pool:
        with bundle.hold(60_000):
            posts = [pool.submit(post, version) for version in range(1, 9)]
            until(lambda: sum(one.done() for one in posts) == 4)
            refused = [one.result() for one in posts if one.done()]
            assert {reply.status for reply in refused} == {429}
            assert "posts of weights for 'mlp' are under way" in refused[0].error
            assert b"acl_bundle_ready" in ask(server.port, "GET", "/metrics").body
            assert ask(server.port, "POST", "/v2/repository/index", b"{}").status == 200
        statuses = {one.result().status for one in posts if one.result() not in refused}
    assert statuses <= {200, 409}
    assert 200 in statuses
    assert bundle.version in range(1, 9)


@pytest.mark.parametrize("which", ["request", "answer"])
def test_large_json_is_for_other_threads(start: Start, tmp_path: Path, which: str) -> None:
    """The loop's thread would not answer anybody meanwhile."""
    count = 1 << 16
    ends = {"x": ("float32", (count if which == "request" else 1,)), "y": ("float32", (count,))}
    x = np.arange(ends["x"][1][0], dtype=np.float32)
    build.null({"x": ends["x"]}, {"y": ends["y"]}).save(tmp_path / "n.om")
    with ab.Bundle.load(tmp_path / "n.om") as model:
        server = start(model, grpc_port=None)
        parameters = {"binary_data_output": which == "request"}
        reply = ask(server.port, "POST", INFER, numbers(x, parameters=parameters))
        assert array_of(reply).shape == (count,)
        names = [one.name for one in threading.enumerate()]
        assert any(name.startswith("acl_bundle.server large requests") for name in names)

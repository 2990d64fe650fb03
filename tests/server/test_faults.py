"""Clients that go, clients that are slow, a library that fails: the server lives."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.server import Server, ServerLimits
from acl_bundle.testing import FakeAcl

from .conftest import Reply, Start, array_of, ask, binary, numbers, taken, until, waiting

INFER = "/v2/models/mlp/infer"


def works(server: Server, mlp: Any) -> None:
    found = array_of(ask(server.port, "POST", INFER, numbers(mlp.x)))
    np.testing.assert_allclose(found, mlp.answer(), rtol=1e-4, atol=1e-5)


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def head_of(body: bytes, headers: dict[str, str]) -> bytes:
    lines = [f"{key}: {value}" for key, value in headers.items()]
    first = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n"
    return (first + "\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.timed
@pytest.mark.parametrize("where", ["head", "body", "answer"])
def test_a_client_that_goes(mlp: Any, server: Server, fake_acl: FakeAcl, where: str) -> None:
    body, headers = binary(mlp.x)
    whole = head_of(body, headers) + body
    sent = {"head": whole[:40], "body": whole[:-40], "answer": whole}[where]
    fake_acl.latency("aclmdlExecute", 0.1)
    for _ in range(3):
        with connect(server) as client:
            client.sendall(sent)
            time.sleep(0.02)
    works(server, mlp)


def test_a_client_of_grpc_that_goes_is_not_run(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    message = pb.ModelInferRequest(model_name="mlp")
    message.inputs.add(name="x", datatype="FP32", shape=[4, 8])
    message.raw_input_contents.append(mlp.x.tobytes())
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        with bundle.hold(60_000):
            futures = [stub.ModelInfer.future(message)]
            taken(server.port, 1)
            futures += [stub.ModelInfer.future(message) for _ in range(3)]
            waiting(server.port, 3)
            for one in futures[1:]:
                one.cancel()
            gone = 'code="CANCELLED",model="mlp",protocol="grpc"} 3.0'
            until(lambda: gone in server.metrics())
        assert futures[0].result().model_version == "0"
        assert stub.ModelInfer(message).model_version == "0"
    assert 'acl_bundle_stage_seconds_count{model="mlp",stage="queue"} 2.0' in server.metrics()


def reply_of(client: socket.socket) -> Reply:
    data = b""
    while part := client.recv(65536):
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    return Reply(int(head.split()[1]), {}, body)


@pytest.mark.parametrize("where", ["nothing", "head", "body"])
def test_a_client_that_is_slow(start: Start, bundle: ab.Bundle, mlp: Any, where: str) -> None:
    server = start(bundle, limits=ServerLimits(receive=0.5))
    body, headers = binary(mlp.x)
    whole = head_of(body, headers) + body
    sent = {"nothing": b"", "head": whole[:40], "body": whole[:-40]}[where]
    with connect(server) as client:
        client.sendall(sent)
        reply = reply_of(client)
    assert (reply.status, "0.5 seconds" in reply.error) == (408, True)
    works(server, mlp)


@pytest.mark.parametrize("header", [b"a: " + b"x" * (1 << 17), b"a: b\r\n" * (1 << 15)])
def test_a_head_without_an_end(server: Server, mlp: Any, header: bytes) -> None:
    with connect(server) as client:
        client.sendall(b"GET /v2 HTTP/1.1\r\n")
        try:
            client.sendall(header)
            reply = reply_of(client)
            assert (reply.status, "larger than 65536 bytes" in reply.error) == (431, True)
        except ConnectionError:  # what it still sends meets a closed connection
            pass
    works(server, mlp)


@pytest.mark.timed
def test_a_client_that_does_not_read(start: Start, tmp_path: Path) -> None:
    shape = (4096, 4096)  # 64 MiB, more than all buffers hold
    build.null({"x": ("float32", (1,))}, {"y": ("float32", shape)}).save(tmp_path / "n.om")
    with ab.Bundle.load(tmp_path / "n.om") as model:
        server = start(model, limits=ServerLimits(receive=0.5))
        body, headers = binary(np.zeros(1, np.float32), parameters={"binary_data_output": True})
        with connect(server) as client:
            client.sendall(head_of(body, headers) + body)
            found = len(client.recv(1))
            time.sleep(2)
            with suppress(ConnectionError):
                while part := client.recv(1 << 20):
                    found += len(part)
        assert found < 4096 * 4096 * 4
        assert ask(server.port, "GET", "/v2/health/ready").status == 200


def test_two_requests_in_one_piece(server: Server, mlp: Any) -> None:
    body, headers = binary(mlp.x)
    with connect(server) as client:
        last = head_of(body, headers | {"Connection": "close"}) + body
        client.sendall(head_of(body, headers) + body + last)
        data = b""
        while part := client.recv(65536):
            data += part
    assert data.count(b"HTTP/1.1 200 OK") == 2


def test_the_library_fails(mlp: Any, server: Server, fake_acl: FakeAcl) -> None:
    fake_acl.fail("aclmdlExecute", nth=1, code=507011)
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, "aclmdlExecute" in reply.error) == (500, True), reply
    fake_acl.fail("aclmdlExecute", nth=1, code=507011)
    client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{server.grpc_port}")
    one = tritonclient.grpc.InferInput("x", [4, 8], "FP32")
    one.set_data_from_numpy(mlp.x)
    with pytest.raises(tritonclient.grpc.InferenceServerException, match="aclmdlExecute") as told:
        client.infer("mlp", [one])
    client.close()
    assert told.value.status() == "StatusCode.INTERNAL"
    works(server, mlp)
    assert ask(server.port, "GET", "/v2/health/ready").status == 200


def test_a_poisoned_bundle_is_not_ready(
    mlp: Any, server: Server, bundle: ab.Bundle, fake_acl: FakeAcl
) -> None:
    fake_acl.fail("aclmdlExecute", 1, 507011)
    with pytest.raises(ab.AclError, match="may hold a mixture"):
        bundle.update(mlp.random(1), rollback="none")
    assert bundle.poisoned
    assert ask(server.port, "GET", "/v2/health/ready").status == 503
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, "in an unknown state" in reply.error) == (503, True), reply
    bundle.update(mlp.weights)
    assert ask(server.port, "GET", "/v2/health/ready").status == 200
    works(server, mlp)


def test_a_queue_that_is_full(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle, limits=ServerLimits(queue=2))
    with ThreadPoolExecutor(3) as pool:
        with bundle.hold(60_000):
            asked = [pool.submit(ask, server.port, "POST", INFER, numbers(mlp.x)) for _ in "ab"]
            waiting(server.port, 1)
            asked.append(pool.submit(ask, server.port, "POST", INFER, numbers(mlp.x)))
            waiting(server.port, 2)
            reply = ask(server.port, "POST", INFER, numbers(mlp.x))
            assert (reply.status, "2 requests wait already" in reply.error) == (429, True)
        assert [one.result().status for one in asked] == [200] * 3


def test_a_device_that_takes_too_long(start: Start, bundle: ab.Bundle, mlp: Any) -> None:
    server = start(bundle, limits=ServerLimits(request=1.0))
    with bundle.hold(60_000):
        reply = ask(server.port, "POST", INFER, numbers(mlp.x))
        assert (reply.status, "no answer within 1.0 seconds" in reply.error) == (504, True)
    until(lambda: ask(server.port, "POST", INFER, numbers(mlp.x)).status == 200)

"""The protocol over gRPC: bytes beside the request, or typed numbers in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from acl_bundle.server import Server, ServerLimits

from .conftest import Start


@pytest.fixture
def stub(server: Server) -> Iterator[Any]:
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def request(x: Any, raw: bool = True, datatype: str = "FP32", **more: Any) -> Any:
    message = pb.ModelInferRequest(model_name="mlp", **more)
    tensor = message.inputs.add(name="x", datatype=datatype, shape=x.shape)
    if raw:
        message.raw_input_contents.append(x.tobytes())
    else:
        tensor.contents.fp32_contents.extend(x.ravel().tolist())
    return message


X = np.zeros((4, 8), np.float32)


@pytest.mark.parametrize("raw", [True, False])
def test_bytes_or_numbers(mlp: Any, stub: Any, raw: bool) -> None:
    answer = stub.ModelInfer(request(mlp.x, raw, id="7"))
    assert (answer.model_version, answer.id) == ("0", "7")
    found = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(4, 3)
    np.testing.assert_allclose(found, mlp.answer(), rtol=1e-4, atol=1e-5)


def twice() -> Any:
    message = request(X)
    message.inputs.add(name="x", datatype="FP32", shape=X.shape)
    message.raw_input_contents.append(X.tobytes())
    return message


def too_few() -> Any:
    message = request(X)
    message.inputs.add(name="v", datatype="FP32", shape=X.shape)
    return message


def typed(datatype: str, **contents: Any) -> Any:
    message = pb.ModelInferRequest(model_name="mlp")
    tensor = message.inputs.add(name="x", datatype=datatype, shape=X.shape)
    for field, values in contents.items():
        getattr(tensor.contents, field).extend(values)
    return message


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (twice(), "input 'x' is given twice"),
        (too_few(), "2 inputs and 1 raw_input_contents"),
        (request(X[0]), "x"),
        (request(X, datatype="FP64"), "has 128 bytes; float64[4, 8] has 256"),
        (request(X, datatype="BYTES"), "no graph takes texts"),
        (typed("FP32", fp32_contents=[0] * 31), "has 31 numbers"),
        (typed("FP32", int_contents=[0] * 32), "has int_contents, not fp32_contents"),
        (typed("INT8", int_contents=[300] * 32), "of -128 to 127; a number is beyond"),
        (typed("FP16"), "send it in raw_input_contents"),
    ],
)
def test_what_is_no_request(stub: Any, message: Any, told: str) -> None:
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(message)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert told in error.value.details()


def test_what_this_server_has_not(stub: Any) -> None:
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelStatistics(pb.ModelStatisticsRequest())
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_message_beyond_the_limit(start: Start, bundle: Any) -> None:
    server = start(bundle, limits=ServerLimits(body=100))
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        with pytest.raises(grpc.RpcError) as error:
            stub.ModelInfer(request(X))
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("letter", ["\u4e2d", "%", "x"])
def test_a_long_message_is_cut_to_what_clients_take(stub: Any, letter: str) -> None:
    request = pb.ModelInferRequest(model_name="mlp")
    request.inputs.add(name=4000 * letter, datatype="FP32", shape=[1])
    request.raw_input_contents.append(b"1234")
    with pytest.raises(grpc.RpcError) as error:
        stub.ModelInfer(request)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT

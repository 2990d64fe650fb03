"""Damaged requests are answered or refused: the server neither fails nor ends."""

from __future__ import annotations

import json
from typing import Any

import grpc
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from acl_bundle.server import Server

from .conftest import ask, binary

INFER = "/v2/models/mlp/infer"
X = np.zeros((4, 8), np.float32)
GOOD, LENGTH = binary(X, parameters={"binary_data_output": True})
EDITS = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=6)), min_size=1, max_size=4
)
HOW = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
OTHERS = ("id", "outputs", "parameters")
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)


def damaged(data: bytes, edits: Any) -> bytes:
    found = bytearray(data)
    for at, cut, put in edits:
        found[at : at + cut] = put
    return bytes(found)


def check(reply: Any) -> None:
    assert reply.status in (200, 400, 404, 501), reply
    if reply.status != 200:
        assert json.loads(reply.body)["error"]


@HOW
@given(
    edits=EDITS,
    length=st.one_of(st.just(LENGTH["Inference-Header-Content-Length"]), st.integers(0, 400)),
)
def test_bytes_over_http(server: Server, edits: Any, length: Any) -> None:
    headers = {"Inference-Header-Content-Length": str(length)}
    check(ask(server.port, "POST", INFER, damaged(GOOD, edits), headers))


@HOW
@given(
    keys=st.lists(
        st.sampled_from(["name", "datatype", "shape", "data", "parameters"]),
        unique=True,
        min_size=1,
    ),
    value=PLAIN,
    around=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("id", "outputs", "parameters"), PLAIN)
    ),
)
def test_json_over_http(server: Server, keys: Any, value: Any, around: Any) -> None:
    entry = {"name": "x", "datatype": "FP32", "shape": [4, 8], "data": [0.0] * 32}
    body = {"inputs": [entry | dict.fromkeys(keys, value)], **around}
    check(ask(server.port, "POST", INFER, body))


@HOW
@given(edits=EDITS)
def test_bytes_over_grpc(server: Server, edits: Any) -> None:
    message = pb.ModelInferRequest(model_name="mlp", raw_input_contents=[X.tobytes()])
    message.inputs.add(name="x", datatype="FP32", shape=X.shape)
    data = damaged(message.SerializeToString(), edits)
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        code, details = outcome(call, data)
    assert code in CODES, (code, details)


CODES = {
    grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.UNIMPLEMENTED,
}  # fmt: skip


def outcome(call: Any, data: bytes) -> Any:
    try:
        call(data)
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""

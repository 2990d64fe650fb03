"""The protocol over HTTP: bodies of JSON and bytes, both ways; what is refused, and how."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.server import Server, ServerLimits

from .conftest import Start, array_of, ask, binary, numbers

INFER = "/v2/models/mlp/infer"


def close_to(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("as_bytes", [True, False])
@pytest.mark.parametrize("wish", ["all", "one", "none"])
def test_each_side_may_be_json_or_bytes(
    mlp: Any, server: Server, as_bytes: bool, wish: str
) -> None:
    more: dict[str, Any] = {"id": "7"}
    if wish == "all":
        more["parameters"] = {"binary_data_output": True}
    if wish == "one":
        more["outputs"] = [{"name": "y", "parameters": {"binary_data": True}}]
    body, headers = binary(mlp.x, **more) if as_bytes else (numbers(mlp.x, **more), {})
    reply = ask(server.port, "POST", INFER, body, headers)
    close_to(array_of(reply), mlp.answer())
    length = reply.headers.get("inference-header-content-length")
    assert (length is None) == (wish == "none")
    found = json.loads(reply.body[: int(length or len(reply.body))])
    assert (found["model_name"], found["model_version"], found["id"]) == ("mlp", "0", "7")
    assert [(one["name"], one["datatype"]) for one in found["outputs"]] == [("y", "FP32")]


def test_numbers_may_be_nested(mlp: Any, server: Server) -> None:
    body = numbers(mlp.x)
    body["inputs"][0]["data"] = mlp.x.tolist()
    close_to(array_of(ask(server.port, "POST", INFER, body)), mlp.answer())


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_body_may_be_packed(mlp: Any, server: Server, pack: Any) -> None:
    name = "gzip" if pack is gzip.compress else "deflate"
    body, headers = binary(mlp.x)
    headers["Content-Encoding"] = name
    close_to(array_of(ask(server.port, "POST", INFER, pack(body), headers)), mlp.answer())
    for damaged, message in ((body, "the body is no"), (pack(body)[:-3], "is cut short")):
        reply = ask(server.port, "POST", INFER, damaged, headers)
        assert (reply.status, message in reply.error) == (400, True)
    reply = ask(server.port, "POST", INFER, body, headers | {"Content-Encoding": "br"})
    assert (reply.status, "'br'" in reply.error) == (415, True)


def test_a_small_body_that_becomes_a_large_one(start: Start, bundle: ab.Bundle) -> None:
    server = start(bundle, limits=ServerLimits(body=4096))
    packed = gzip.compress(bytes(1 << 20))
    reply = ask(server.port, "POST", INFER, packed, {"Content-Encoding": "gzip"})
    assert (reply.status, "at most 4096" in reply.error) == (413, True)


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_beyond_the_limit(start: Start, bundle: ab.Bundle, chunked: bool) -> None:
    server = start(bundle, limits=ServerLimits(body=1000))
    headers = {"Transfer-Encoding": "chunked"} if chunked else {}
    body = b"8000\r\n" + bytes(0x8000) + b"\r\n0\r\n\r\n" if chunked else bytes(2000)
    reply = ask(server.port, "POST", INFER, body, headers)
    assert (reply.status, "at most 1000" in reply.error) == (413, True)
    assert ask(server.port, "GET", "/v2/health/ready").status == 200


def half(dtype: Any) -> Any:
    elem = TensorProto.FLOAT16 if dtype == np.float16 else TensorProto.BFLOAT16
    tensor = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "half",
        [tensor("x", elem, [3])],
        [tensor("y", elem, [3])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(("name", "dtype"), [("FP16", np.float16), ("BF16", ml_dtypes.bfloat16)])
def test_half_precision_goes_as_bytes(start: Start, tmp_path: Any, name: str, dtype: Any) -> None:
    x = np.array([1.5, -2, 0.25], dtype)
    build.model(half(dtype)).save(tmp_path / "half.om")
    with ab.Bundle.load(tmp_path / "half.om") as model:
        port = start({"half": model}).port
        body, headers = binary(x, name, parameters={"binary_data_output": True})
        reply = ask(port, "POST", "/v2/models/half/infer", body, headers)
        assert reply.status == 200, reply
        assert reply.body.endswith(x.tobytes())
        body, headers = binary(x, name)
        reply = ask(port, "POST", "/v2/models/half/infer", body, headers)
        assert (reply.status, "ask for binary_data" in reply.error) == (400, True)
        entry = {"name": "x", "datatype": name, "shape": [3], "data": [1.5, -2, 0.25]}
        reply = ask(port, "POST", "/v2/models/half/infer", {"inputs": [entry]})
        assert (reply.status, "send it as bytes" in reply.error) == (400, True)


def changed(x: Any, **entry: Any) -> dict[str, Any]:
    body = numbers(x)
    body["inputs"][0] |= entry
    return {**body, "inputs": [{k: v for k, v in body["inputs"][0].items() if v is not ...}]}


X = np.zeros((4, 8), np.float32)
ZEROS = [0.0] * 32


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b"\xff\xfe", "is no JSON"),
        ([], "is list; an object is right"),
        ({}, "'inputs' is no list of objects"),
        ({"inputs": [1]}, "'inputs' is no list of objects"),
        ({"inputs": []}, "x"),
        (numbers(X) | {"id": 7}, "id is 7; a text"),
        (numbers(X) | {"id": "x" * 2000}, "at most 1024"),
        (numbers(X) | {"outputs": [{"name": "z"}]}, "has no output 'z'; it has y"),
        (numbers(X) | {"outputs": [{"name": "y", "parameters": 1}]}, "parameters that are"),
        (
            numbers(X) | {"outputs": [{"name": "y", "parameters": {"binary_data": 1}}]},
            "output 'y' has binary_data 1; true or false",
        ),
        ({"inputs": numbers(X)["inputs"] * 2}, "input 'x' is given twice"),
        (changed(X, name=7), "has the name 7; a text is right"),
        (changed(X, datatype="BYTES"), "no graph takes texts"),
        (changed(X, datatype="FP31"), "input 'x' has datatype 'FP31'; one of BOOL"),
        (changed(X, datatype=...), "datatype None"),
        (changed(X, datatype="INT32", data=[0.5] * 32), "is int32, and its data are not"),
        (changed(X, datatype="INT8", data=[300] * 32), "of -128 to 127; a number is beyond"),
        (changed(X, datatype="BOOL", data=[2] * 32), "is bool, and its data are not"),
        (changed(X, datatype="FP64", data=ZEROS), "float64"),
        (changed(X, shape=...), "has no shape"),
        (changed(X, shape=[4, -8]), "dims are ints from 0"),
        (changed(X, shape=[4, 8.0]), "dims are ints from 0"),
        (changed(X, shape=[1] * 33), "33 dims"),
        (changed(X, shape=[2**31 - 1] * 30), "has 32 numbers"),
        (changed(X, shape=[8, 4]), "x"),
        (changed(X, data=...), "has no data"),
        (changed(X, data="zeros"), "has no data"),
        (changed(X, data=[["a"]] * 32), "and its data are not"),
        (changed(X, data=[[1, 2], [3]]), "no numbers in equal rows"),
        (changed(X, data=[*ZEROS, 1]), "has 33 numbers; shape [4, 8] has 32"),
        (changed(X, data=[10**400, *ZEROS[1:]]), "x"),
        (changed(X, data=..., parameters={"binary_data_size": 128}), "0 bytes are left"),
        (changed(X, data=..., parameters={"binary_data_size": -1}), "binary_data_size -1"),
        (changed(X, parameters={"binary_data_size": 0}), "data and binary_data_size"),
    ],
)  # fmt: skip
def test_what_is_no_request(server: Server, body: Any, message: str) -> None:
    reply = ask(server.port, "POST", INFER, body)
    assert (reply.status, message in reply.error) == (400, True), reply


@pytest.mark.parametrize(
    ("length", "behind", "message"),
    [
        ("-1", b"", "Inference-Header-Content-Length is '-1'"),
        ("1e2", b"", "is '1e2'"),
        ("999999", b"", "and the body has"),
        (None, bytes(4), "4 bytes behind the JSON belong to no input"),
    ],
)
def test_lengths_that_do_not_fit(
    server: Server, length: str | None, behind: bytes, message: str
) -> None:
    body, headers = binary(X)
    if length is not None:
        headers["Inference-Header-Content-Length"] = length
    reply = ask(server.port, "POST", INFER, body + behind, headers)
    assert (reply.status, message in reply.error) == (400, True), reply


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/v3", 404, "the protocol is at /v2"),
        ("GET", INFER, 405, "GET is not for"),
        ("GET", "/v2/models/policy", 404, "there is no model 'policy'; there is mlp"),
        ("GET", "/v2/models/policy/ready", 404, "there is no model 'policy'"),
        ("GET", "/v2/models/mlp/versions/9", 404, "has no version '9' of its weights now"),
        ("POST", "/v2/models/mlp/versions/9/infer", 404, "has no version '9'"),
    ],
)
def test_what_is_not_there(
    server: Server, method: str, path: str, status: int, message: str
) -> None:
    reply = ask(server.port, method, path, numbers(X) if method == "POST" else None)
    assert (reply.status, message in reply.error) == (status, True), reply


def test_shared_memory_and_classes_are_not_offered(server: Server) -> None:
    for parameters in ({"shared_memory_region": "a"}, {"classification": 3}):
        body = numbers(X) | {"outputs": [{"name": "y", "parameters": parameters}]}
        assert ask(server.port, "POST", INFER, body).status == 501
    entry = changed(X, data=..., parameters={"shared_memory_region": "a"})
    assert ask(server.port, "POST", INFER, entry).status == 501


def test_infinity_goes_as_bytes(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    bundle.update({"b2": np.full(3, np.inf, np.float32)})
    reply = ask(server.port, "POST", INFER, numbers(mlp.x))
    assert (reply.status, "holds infinity or NaN" in reply.error) == (400, True)
    wish = numbers(mlp.x, parameters={"binary_data_output": True})
    assert np.isinf(array_of(ask(server.port, "POST", INFER, wish))).all()


def test_what_the_server_says_of_itself(server: Server, bundle: ab.Bundle) -> None:
    assert ask(server.port, "GET", "/v2/health/live").json == {"live": True}
    assert ask(server.port, "GET", "/v2/health/ready").json == {"ready": True}
    assert ask(server.port, "GET", "/v2").json["extensions"] == [
        "binary_tensor_data", "model_repository",
    ]  # fmt: skip
    found = ask(server.port, "GET", "/v2/models/mlp").json
    assert found["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [4, 8]}]
    assert found["versions"] == ["0"]
    rows = ask(server.port, "POST", "/v2/repository/index").json
    assert rows == [{"name": "mlp", "version": "0", "state": "READY", "reason": ""}]
    bundle.update({"b2": np.zeros(3, np.float32)}, version="step-9")
    assert ask(server.port, "GET", "/v2/models/mlp/versions/step-9/ready").status == 200
    assert ask(server.port, "GET", "/v2/models/mlp/versions/0/ready").status == 503

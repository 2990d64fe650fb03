"""Large messages of gRPC, cut apart, are what protobuf reads at once."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.server._grpc import large, messages, wire
from acl_bundle.server._protocol.refusal import Refusal

from .conftest import Start

MANY = large.REST_MAX // large.FIELD + 1
Tensor = pb.ModelInferRequest.InferInputTensor
DATATYPES = {
    "BOOL": "?", "INT8": "i1", "INT16": "i2", "INT32": "i4", "INT64": "i8",
    "UINT8": "u1", "UINT16": "u2", "UINT32": "u4", "UINT64": "u8", "FP32": "f4", "FP64": "f8",
}  # fmt: skip
RAW = {**DATATYPES, "FP16": "f2"}


def request(arrays: dict[str, Any], *, raw: bool) -> Any:
    names = {np.dtype(dtype): name for name, dtype in RAW.items()}
    message = pb.ModelInferRequest(model_name="m", model_version="3", id="one")
    for name, array in arrays.items():
        datatype = names[array.dtype]
        tensor = message.inputs.add(name=name, datatype=datatype, shape=array.shape)
        if raw:
            message.raw_input_contents.append(array.tobytes())
        else:
            getattr(tensor.contents, messages.FIELDS[datatype])[:] = array.ravel().tolist()
    message.outputs.add(name="y")
    return message


def drawn(draw: Any, datatype: str) -> Any:
    dtype = np.dtype(RAW[datatype])
    shape = draw.draw(st.lists(st.integers(0, 30), max_size=3))
    rng = np.random.default_rng(draw.draw(st.integers(0, 99)))
    array = np.frombuffer(rng.bytes(int(np.prod(shape)) * dtype.itemsize), dtype).reshape(shape)
    if dtype.kind == "?":
        return array.view("u1") > 100
    if dtype.kind == "u":  # as many bytes as it may have
        return array >> dtype.type(rng.integers(0, 8 * dtype.itemsize))
    return np.nan_to_num(array)


def same(found: Any, right: Any) -> None:
    assert (found.id, found.version, found.outputs) == (right.id, right.version, right.outputs)
    assert [*found.inputs] == [*right.inputs]
    for name, array in right.inputs.items():
        assert found.inputs[name].dtype == array.dtype
        np.testing.assert_array_equal(found.inputs[name], array)


@settings(deadline=None, max_examples=80)
@given(st.booleans(), st.lists(st.sampled_from([*RAW]), max_size=3), st.data())
def test_requests(raw: bool, datatypes: list[str], draw: Any) -> None:
    given = {
        f"x{at}": drawn(draw, one)
        for at, one in enumerate(datatypes)
        if raw or one in DATATYPES
    }  # fmt: skip
    message = request(given, raw=raw)
    cut = large.cut(message.SerializeToString())
    assert cut.model_name == "m"
    found = messages.parse(cut)
    same(found, messages.parse(message))
    for name, array in given.items():
        np.testing.assert_array_equal(found.inputs[name], array)


@pytest.mark.parametrize("datatype", [*DATATYPES])
def test_more_than_a_piece(datatype: str) -> None:
    dtype = np.dtype(DATATYPES[datatype])
    array = np.random.default_rng(0).integers(0, 100, 2 * wire.PIECE + 5).astype(dtype)
    if dtype.kind == "i":
        array[::3] *= -1  # ten bytes each
    array[-1] = np.iinfo(dtype).max if dtype.kind in "iu" else 1
    found = messages.parse(large.cut(request({"x": array}, raw=False).SerializeToString()))
    np.testing.assert_array_equal(found.inputs["x"], array)


def field(number: int, kind: int, value: bytes) -> bytes:
    return wire.tag_of(number, kind) + (wire.varint_of(len(value)) if kind == 2 else b"") + value


def test_numbers_one_by_one_and_in_several_lists() -> None:
    """As protobuf allows, in the order in which they come; also in contents that come twice."""
    one = field(2, 0, b"\x05") + field(2, 2, b"\x06\x87\x01") + field(2, 0, b"\x08")
    tensor = Tensor(name="x", datatype="INT32", shape=[5]).SerializeToString()
    tensor += field(5, 2, one) + field(5, 2, field(2, 2, b"\xff" * 9 + b"\x01"))
    data = pb.ModelInferRequest(model_name="m").SerializeToString() + field(5, 2, tensor)
    found = messages.parse(large.cut(data))
    assert found.inputs["x"].tolist() == [5, 6, 135, 8, -1]
    same(found, messages.parse(pb.ModelInferRequest.FromString(data)))


@settings(deadline=None, max_examples=400)
@given(st.data())
def test_damaged_bytes_are_read_as_protobuf_reads_them_or_refused(draw: Any) -> None:
    arrays = {"x": np.arange(3, dtype="i4"), "z": np.arange(300, 302, dtype="u8")}
    data = bytearray(request(arrays, raw=draw.draw(st.booleans())).SerializeToString())
    for _ in range(draw.draw(st.integers(1, 3))):
        data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    data = data[: draw.draw(st.integers(0, len(data)))]
    try:
        found = messages.parse(large.cut(bytes(data)))
    except Refusal:
        return
    same(found, messages.parse(pb.ModelInferRequest.FromString(bytes(data))))


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=60))
@example(b"\x0b")
@example(b"\xff" * 12)
def test_bytes_that_are_no_message(data: bytes) -> None:
    with suppress(Refusal):
        messages.parse(large.cut(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (field(3, 2, b"x" * large.REST_MAX), "more than 1048576 bytes beside the contents"),
        (field(7, 2, b"") * MANY, "a field counted as 64 at least"),
        (field(5, 2, b"") * MANY, "a field counted as 64 at least"),
        (field(1, 2, b"") * MANY, "a field counted as 64 at least"),
        (field(5, 2, field(9, 0, b"\x01") * 9) * MANY, "a field counted as 64 at least"),
        (field(5, 2, field(5, 2, field(2, 0, b"\x01") * MANY)), "a field counted as 64"),
        (field(5, 2, field(5, 2, field(8, 2, b"x" * large.REST_MAX))), "bytes beside"),
        (b"\x3a\x05abc", "ends behind the message"),
        (b"\x08\xff", "is cut short"),
        (b"\x08" + b"\xff" * 11, "more than ten bytes"),
        (b"\x0b", "is no tag of a field"),
        (field(1, 2, b"\xff"), "is no message"),
    ],
)
def test_what_is_told(data: bytes, message: str) -> None:
    with pytest.raises(Refusal, match=message):
        large.cut(data)


@pytest.mark.parametrize(
    ("number", "value", "message"),
    [
        (6, b"abc", "fp32_contents has 3 bytes; 4 for each"),
        (2, b"\x01\x80", "cut short"),
        (2, b"\x80" * 10 + b"\x01", "more than ten bytes"),
        (2, b"\x01\x02", "has 2 numbers; shape"),
        (3, b"\x01", "has int64_contents, not"),
    ],
)
def test_numbers_that_are_none(number: int, value: bytes, message: str) -> None:
    datatype = "FP32" if number == 6 else "INT32"
    tensor = Tensor(name="x", datatype=datatype, shape=[1]).SerializeToString()
    tensor += field(5, 2, field(number, 2, value))
    with pytest.raises(Refusal, match=message):
        messages.parse(large.cut(field(5, 2, tensor)))


@pytest.mark.parametrize("raw", [True, False])
def test_a_large_request_and_its_answer_are_for_other_threads(
    start: Start, tmp_path: Path, raw: bool
) -> None:
    count = 1 << 16
    end = ("float32", (count,))
    build.null({"x": end}, {"y": end}).save(tmp_path / "n.om")
    with ab.Bundle.load(tmp_path / "n.om") as model:
        server = start(model)
        message = request({"x": np.arange(count, dtype=np.float32)}, raw=raw)
        message.model_name, message.model_version = "mlp", ""
        with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}") as channel:
            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            answer = stub.ModelInfer(message)
            assert [one.name for one in answer.outputs] == ["y"]
            assert len(answer.raw_output_contents[0]) == count * 4
            with pytest.raises(grpc.RpcError) as told:
                stub.ServerLive(pb.ModelInferRequest(id="x" * (1 << 17)))
            assert told.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            message.inputs[0].shape[0] -= 1
            with pytest.raises(grpc.RpcError) as told:
                stub.ModelInfer(message)
            assert told.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        names = [one.name for one in threading.enumerate()]
        assert any(name.startswith("acl_bundle.server large requests") for name in names)

"""Large JSON, read in pieces, is what the json module reads at once."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as pb

from acl_bundle.server._grpc import messages
from acl_bundle.server._http import large, request

SHAPES = st.lists(st.integers(0, 40), min_size=1, max_size=4).filter(lambda s: math.prod(s) < 20000)


def data(text: bytes) -> Any:
    return large.loads(text)["inputs"][0]["data"]


def text_of(array: Any, **format_: Any) -> bytes:
    entry = {"name": 'a "data": [1', "data": array.tolist(), "parameters": {"data": 1}}
    return json.dumps({"inputs": [entry], "id": "x"}, **format_).encode()


@settings(deadline=None, max_examples=60)
@given(SHAPES, st.sampled_from(["f8", "i8", "u8", "?"]), st.sampled_from([None, 1]), st.data())
def test_arrays(shape: list[int], dtype: str, indent: int | None, draw: Any) -> None:
    rng = np.random.default_rng(draw.draw(st.integers(0, 99)))
    array = rng.integers(0, 2**63, shape).astype(dtype)
    if dtype == "f8":
        array *= 1e-9
    text = text_of(array, indent=indent)
    found, right = data(text), np.asarray(json.loads(text)["inputs"][0]["data"])
    assert found.shape == right.shape
    np.testing.assert_array_equal(found, right)
    assert found.dtype == right.dtype or not right.size


@pytest.mark.parametrize("shape", [(60000,), (1, 60000), (60000, 1), (3, 4, 9000), (200, 300)])
@pytest.mark.parametrize("indent", [None, 2])
def test_lists_longer_than_a_piece(shape: tuple[int, ...], indent: int | None) -> None:
    array = np.random.default_rng(0).standard_normal(shape)
    text = text_of(array, indent=indent)
    assert len(text) > 10 * large.PIECE
    np.testing.assert_array_equal(data(text), array)


def test_ints_that_no_float_holds() -> None:
    values = [2**53 + 1] * 20000 + [2**64 - 1] + [1] * 20000
    found = large.loads(json.dumps({"data": values}).encode())["data"]
    assert found.dtype == np.uint64
    assert found.tolist() == values


PARTS = st.text(alphabet='[],1 -."ae\\{}:', max_size=12)


@settings(deadline=None, max_examples=400)
@given(PARTS, PARTS)
@example('"data":[1,2', "]")
@example('{"data":[1,]}', "")
@example('{"data":[[1],[2,3]]}', "")
@example('{"a":"\\"data\\":[","data":[1]}', "")
def test_what_is_no_json_is_refused_by_both(begin: str, end: str) -> None:
    text = f'{begin}"data":[1,2]{end}' if '"data"' not in begin else begin + end
    try:
        right = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011
            large.loads(text.encode())
        return
    try:
        found = large.loads(text.encode())
    except large.WrongDataError:
        return  # the json module does not look at what is in a list
    assert json.dumps(found, default=lambda one: one.tolist()) == json.dumps(right)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data":[1,2', "a number or a list is missing"),
        ('{"data":[1,2,]}', "Expecting value: byte 13"),
        ('{"data":[[1],]}', "a value is missing at byte 13"),
        ('{"data":[[1],[1,2]]}', "rows are unequal"),
        ('{"data":["a"]}', "they read as <U1"),
        ('{"data":' + "[" * 40, "more than 32 deep"),
        ('{"data":[1],"rest":"' + "x" * large.REST_MAX + '"}', "more than 1048576 bytes beside"),
    ],
)
def test_what_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        large.loads(text.encode())
    if len(text) < 1000:
        long = text.replace("[1", "[" + "1," * 40000 + "1") if "[1" in text else text
        with pytest.raises(ValueError):  # noqa: PT011
            large.loads(long.encode())


def test_ints_beyond_int64_beside_small_ones() -> None:
    values = [1, 2**64 - 1]
    entry = {"name": "x", "datatype": "UINT64", "shape": [2], "data": values}
    body = json.dumps({"inputs": [entry]}).encode()
    assert request.parse(body, None, "").inputs["x"].tolist() == values
    message = pb.ModelInferRequest()
    message.inputs.add(name="x", datatype="UINT64", shape=[2]).contents.uint64_contents[:] = values
    assert messages.parse(message).inputs["x"].tolist() == values

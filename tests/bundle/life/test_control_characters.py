"""No name of a file reaches a terminal raw: in errors, warnings, reprs and verdicts."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build, fake

NAME = "w\x1b[2J\x9b31m\r\u202e"


@pytest.fixture
def bundle() -> Any:
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("MatMul", [f"x{NAME}", NAME], [f"y{NAME}"])],
        "g",
        [onnx.helper.make_tensor_value_info(f"x{NAME}", 1, [1, 2])],
        [onnx.helper.make_tensor_value_info(f"y{NAME}", 1, [1, 2])],
        [onnx.numpy_helper.from_array(np.ones((2, 2), "f4"), NAME)],
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=8)
    with ab.Bundle.load(build.from_onnx(model, [NAME], init=False).to_bytes()) as bundle:
        yield bundle


X = np.ones((1, 2), np.float32)
SAID: dict[str, Callable[[ab.Bundle], object]] = {
    "the bundle": repr,
    "a graph": lambda bundle: repr(bundle.infer),
    "the update graph": lambda bundle: repr(bundle.update),
    "an input": lambda bundle: str(bundle.infer.inputs[0]),
    "a weight": lambda bundle: str(bundle.update.weights[0]),
    "a list for an array": lambda bundle: bundle.infer([1]),
    "another shape": lambda bundle: bundle.infer(X[0]),
    "another dtype": lambda bundle: bundle.infer(X.astype("f8")),
    "another name": lambda bundle: bundle.infer.run({"x": X}),
    "too many": lambda bundle: bundle.infer.run([X, X]),
    "a read-only output": lambda bundle: bundle.infer.run(
        [X], {f"y{NAME}": np.broadcast_to(X, (1, 2))}
    ),
    "another weight": lambda bundle: bundle.update({f"v{NAME}": X}),
    "a weight's shape": lambda bundle: bundle.update({NAME: X}),
    "a list for a weight": lambda bundle: bundle.update({NAME: [1]}),
    "NaN": lambda bundle: bundle.update({NAME: np.full((2, 2), np.nan, "f4")}, finite=True),
    "no value yet": lambda bundle: bundle.infer(X),
    "the violations": lambda bundle: [bundle.infer(X), fake.report()],
    "a setting": lambda _: fake.set("mode", NAME),
    "a function": lambda _: fake.fail(NAME),
    "another library": lambda _: ab.load_library(f"/{NAME}.so"),
}


@pytest.mark.acl(violations="ignore")
@pytest.mark.usefixtures("fake_acl")
@pytest.mark.parametrize("way", SAID)
def test_what_people_read_shows_escapes(bundle: ab.Bundle, way: str) -> None:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            text = str(SAID[way](bundle))
        except Exception as error:
            text = str(error)
    text += "".join(str(one.message) for one in warned)
    assert text
    assert not {*"\x1b\x9b\r\u202e"} & {*text}, ascii(text)


def test_the_fake_tells_of_a_wrong_variable_in_escapes() -> None:
    program = "from acl_bundle import fake, Device\nfake.activate()\nDevice(0)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False,
        env={**os.environ, "ACL_FAKE_LATENCY": "aclInit:\x1b[2J"},
    )  # fmt: skip
    assert b"acl fake: " in done.stderr
    assert b"\x1b" not in done.stderr


@pytest.mark.usefixtures("fake_acl")
def test_an_errors_text_is_bounded_and_its_arguments_are_whole(bundle: ab.Bundle) -> None:
    unknown = {f"v{number}": X for number in range(50_000)}
    with pytest.raises(ab.WeightError, match="v49999") as raised:
        bundle.update(unknown)
    assert len(str(raised.value)) < 17 << 10
    assert "'v25000'" in raised.value.args[0]
    assert "'v25000'" not in str(raised.value)

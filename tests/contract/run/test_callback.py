"""Callback programs: a function of the test is the model (docs/program_format.md)."""

from __future__ import annotations

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import FLOAT16, ROOT, Acl
from ..programs import (
    CALLBACK,
    Tensor,
    bundle,
    callback,
    init_model,
    model,
    places,
    program,
    update_model,
    variable,
)  # fmt: skip
from ..threads import at_once, elsewhere

W = Tensor("w_var", (3, 2))
X, Y = Tensor("x", (1, 3)), Tensor("y", (1, 2))
Function = Callable[[list[Any], list[Any], list[Any]], str | None]


def tasks(*records: bytes, variables: int = 0) -> bytes:
    return program(CALLBACK, *records, variables=variables)


def matmul(number: int) -> bytes:
    """x @ w as a bundle: infer, init (w all 1), update."""
    offsets, total = places([W])
    infer = model(tasks(variable(W, offsets[0]), callback(number), variables=total), [X], [Y])
    ones = np.ones((3, 2), np.float32).tobytes()
    return bundle(infer, init_model([W], [ones]), update_model([W]), variables=total)


def single(number: int) -> bytes:
    """A model without variables."""
    return model(tasks(callback(number)), [X], [Y])


def array(acl: Acl, tensor: Any) -> np.ndarray:
    """A tensor of float32 as numpy sees it: no copy."""
    shape = [tensor.dims[axis] for axis in range(tensor.dimCount)]
    return np.frombuffer(acl.ffi.buffer(tensor.data, tensor.size), np.float32).reshape(shape)


def register(acl: Acl, number: int, function: Function) -> None:
    """Let a Python function be the model; what it returns is the error's text."""

    def enter(
        user: Any, inputs: Any, n: int, variables: Any, m: int, outputs: Any, k: int,
        error: Any, size: int,
    ) -> int:  # fmt: skip
        lists = ([inputs[i] for i in range(n)], [variables[i] for i in range(m)])
        text = function(*lists, [outputs[i] for i in range(k)])
        if text is None:
            return 0
        encoded = text.encode()[: size - 1] + b"\0"
        acl.ffi.memmove(error, encoded, len(encoded))
        return 5

    made = acl.ffi.callback("AclFakeFunction", enter)
    acl._kept.append(made)
    assert acl.aclfakeCallback(number, made, acl.NULL) == 0


def multiply(acl: Acl) -> Function:
    def function(inputs: list[Any], variables: list[Any], outputs: list[Any]) -> None:
        array(acl, outputs[0])[:] = array(acl, inputs[0]) @ array(acl, variables[0])

    return function


def run(acl: Acl, model_id: int, x: np.ndarray) -> tuple[int, list[float]]:
    inputs, outputs = acl.dataset(x.tobytes()), acl.dataset(Y.nbytes)
    status = acl.aclmdlExecute(model_id, inputs.handle, outputs.handle)
    return status, np.frombuffer(outputs.read(0), np.float32).tolist()


ONE = np.float32([[1, 2, 3]])


def test_it_computes_with_the_weights_of_the_moment(ready: Acl) -> None:
    register(ready, 9, multiply(ready))
    _, (infer, init, update) = ready.load_bundle(matmul(9))
    nothing = ready.dataset()
    assert ready.aclmdlExecute(init, nothing.handle, nothing.handle) == 0
    assert run(ready, infer, ONE) == (0, [6.0, 6.0])
    weights = ready.dataset(np.full((3, 2), 2, np.float32).tobytes())
    weights.describe(0, [3, 2])
    assert ready.aclmdlExecute(update, weights.handle, nothing.handle) == 0
    assert run(ready, infer, ONE) == (0, [12.0, 12.0])


def test_what_the_function_is_told(ready: Acl) -> None:
    seen: list[list[tuple[Any, ...]]] = []

    def look(*lists: list[Any]) -> None:
        for tensors in lists:
            rows = [
                (ready.ffi.string(one.name), one.size, one.dataType,
                 [one.dims[axis] for axis in range(one.dimCount)])
                for one in tensors
            ]  # fmt: skip
            seen.append(rows)

    register(ready, 1, look)
    half = Tensor("h", (2, 5), FLOAT16)
    offsets, total = places([W, half])
    records = [variable(W, offsets[0]), variable(half, offsets[1]), callback(1)]
    loaded = ready.load_model(model(tasks(*records, variables=total), [X, half], [Y]))
    inputs, outputs = ready.dataset(X.nbytes, half.nbytes), ready.dataset(Y.nbytes)
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == 0
    told_half = (b"h", 20, FLOAT16, [2, 5])
    assert seen == [
        [(b"x", 12, 0, [1, 3]), told_half],
        [(b"w_var", 24, 0, [3, 2]), told_half],
        [(b"y", 8, 0, [1, 2])],
    ]


def test_its_error_fails_the_execute_with_its_text(ready: Acl) -> None:
    register(ready, 1, lambda *lists: "ValueError: no such policy")
    status, _ = run(ready, ready.load_model(single(1)), ONE)
    assert status == 507011
    text = ready.message()
    assert text is not None
    assert text.startswith("aclmdlExecute: ")
    assert text.endswith("callback program 1 failed with 5: ValueError: no such policy")


def test_an_error_without_text(ready: Acl) -> None:
    register(ready, 1, lambda *lists: "")
    assert run(ready, ready.load_model(single(1)), ONE)[0] == 507011
    text = ready.message()
    assert text is not None
    assert text.endswith("failed with 5")


def test_a_failed_run_leaves_the_model_usable(ready: Acl) -> None:
    answers = ["bad", None]
    register(ready, 1, lambda *lists: answers.pop(0))
    loaded = ready.load_model(single(1))
    assert [run(ready, loaded, ONE)[0] for _ in range(2)] == [507011, 0]


def test_the_next_run_takes_the_new_function(ready: Acl) -> None:
    register(ready, 1, lambda *lists: "old")
    loaded = ready.load_model(single(1))
    register(ready, 1, lambda *lists: None)
    assert run(ready, loaded, ONE)[0] == 0
    assert ready.aclfakeCallback(1, ready.ffi.NULL, ready.NULL) == 0
    assert run(ready, loaded, ONE)[0] == 507011
    text = ready.message()
    assert text is not None
    assert text.endswith("has no function any more")


def test_without_a_function_it_does_not_load(ready: Acl) -> None:
    data, loaded = single(31), ready.new("uint32_t *")
    assert ready.aclmdlLoadFromMem(ready.hold(data), len(data), loaded) == codes.GE_FAILURE
    text = ready.message()
    assert text is not None
    assert "callback program 31" in text
    assert ready.live() == ["device"]


def test_reset_takes_all_functions_back(acl: Acl) -> None:
    register(acl, 1, lambda *lists: None)
    acl.reset()
    acl.start()
    data = single(1)
    status = acl.aclmdlLoadFromMem(acl.hold(data), len(data), acl.new("uint32_t *"))
    assert status == codes.GE_FAILURE


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (model(tasks(), [X], [Y]), "no CALLBACK record"),
        (model(tasks(callback(0)), [X], [Y]), "record 0 (tag 7)"),
        (model(tasks(callback(1)), [X], [Y], dynamic=True), "must be static"),
    ],
)
def test_damaged_programs(ready: Acl, damaged: bytes, says: str) -> None:
    register(ready, 1, lambda *lists: None)
    status = ready.aclmdlLoadFromMem(ready.hold(damaged), len(damaged), ready.new("uint32_t *"))
    assert status == codes.GE_FAILURE
    text = ready.message()
    assert text is not None
    assert says in text


def test_number_zero_is_none(acl: Acl) -> None:
    assert acl.aclfakeCallback(0, acl.ffi.NULL, acl.NULL) == -1


def test_the_function_may_call_acl(ready: Acl) -> None:
    """The execute is again the running call afterwards: it names later trouble."""
    ready.set("trace", "on")

    def nested(*lists: list[Any]) -> str:
        ready.aclrtFree(ready.malloc(64))
        return "after a call of its own"

    register(ready, 1, nested)
    assert run(ready, ready.load_model(single(1)), ONE)[0] == 507011
    text = ready.message()
    assert text is not None
    assert text.startswith("aclmdlExecute: callback program 1 failed")
    traced = [row["function"] for row in ready.read("trace")]
    assert traced.index("aclrtFree") < traced.index("aclmdlExecute")


def test_running_itself_is_a_violation(ready: Acl) -> None:
    statuses = []

    def again(*lists: list[Any]) -> None:
        statuses.append(run(ready, loaded, ONE)[0])

    register(ready, 1, again)
    loaded = ready.load_model(single(1))
    assert run(ready, loaded, ONE)[0] == 0
    assert statuses == [codes.GE_FAILURE]
    assert ready.violations() == ["AB-MDL-0007"]


def test_models_run_on_many_threads(ready: Acl) -> None:
    register(ready, 9, multiply(ready))
    _, (infer, init, _) = ready.load_bundle(matmul(9))
    nothing = ready.dataset()
    assert ready.aclmdlExecute(init, nothing.handle, nothing.handle) == 0
    loaded = [infer]

    def work() -> tuple[int, list[float]]:
        assert ready.aclrtSetDevice(0) == 0
        return run(ready, loaded[0], ONE)

    assert elsewhere(work) == (0, [6.0, 6.0])
    register(ready, 1, lambda *lists: None)
    models = [ready.load_model(single(1)) for _ in range(4)]

    def one() -> int:
        assert ready.aclrtSetDevice(0) == 0
        return run(ready, models.pop(), ONE)[0]

    assert at_once(4, one) == [0] * 4


def test_a_c_function_is_a_model_as_well(ready: Acl, tmp_path: Path) -> None:
    """Compiled against aclfake.h as it stands."""
    source, library = tmp_path / "twice.c", tmp_path / "twice.so"
    source.write_text(TWICE)
    command = ["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
               "-I", ROOT / "fakes", source, "-o", library]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    entry = ctypes.cast(ctypes.CDLL(str(library)).twice, ctypes.c_void_p).value
    factor = ready.new("float *", 2.0)
    function = ready.ffi.cast("AclFakeFunction", entry)
    assert ready.aclfakeCallback(77, function, factor) == 0
    square = model(tasks(callback(77)), [Y], [Tensor("z", (1, 2))])
    loaded = ready.load_model(square)
    assert run(ready, loaded, np.float32([[1, 5]])) == (0, [2.0, 10.0])


TWICE = """
#include "aclfake.h"

int twice(void *user, const AclFakeTensor *inputs, size_t inputCount,
          const AclFakeTensor *variables, size_t variableCount,
          const AclFakeTensor *outputs, size_t outputCount,
          char *error, size_t errorSize);

int twice(void *user, const AclFakeTensor *inputs, size_t inputCount,
          const AclFakeTensor *variables, size_t variableCount,
          const AclFakeTensor *outputs, size_t outputCount,
          char *error, size_t errorSize)
{
    const float *from = inputs[0].data;
    float *to = outputs[0].data;

    (void)variables, (void)variableCount, (void)error, (void)errorSize;
    if (inputCount != 1 || outputCount != 1)
        return 1;
    for (size_t i = 0; i < outputs[0].size / sizeof *to; i++)
        to[i] = *(const float *)user * from[i];
    return 0;
}
"""

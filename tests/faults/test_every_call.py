"""Every call of the library can fail, with several codes; each is survived.

The scenario runs once to count its calls; then it runs again for each call,
which fails. Whatever fails, the exception names the function and the code,
nothing stays alive, nothing was misused, the model answers as before or says
that it is poisoned, and the next load works.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake

pytestmark = pytest.mark.usefixtures("fake_acl")

CODES = (100000, 207001, 507011)
# A call that gives something back and fails has kept it; all others must leave nothing.
GIVES_BACK = ("aclmdlDestroy", "aclDestroy", "aclrtFree", "aclmdlBundleDestroy",
              "aclmdlBundleUnload", "aclmdlUnload", "aclrtReset", "aclFinalize")  # fmt: skip
# These return a number or a text and have no status that could fail.
VALUE = re.compile(
    r"GetNum|ByIndex$|DataType$|Format$|GetRecentErrMsg|aclDestroyTensorDesc|BufferAddr"
    r"|GetTensorDesc(Size|NumDims)|GetDatasetTensorDesc"
)


def scenario(mlp: Any, flow: Any, stage: list[str]) -> None:
    """Load, init, infer, update a part, infer; `stage` says how far it came."""
    new = {"w2": mlp.random(1)["w2"]}
    stage[:] = ["load"]
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        stage[:] = ["init"]
        bundle.init()
        stage[:] = ["infer"]
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        stage[:] = ["update"]
        try:
            bundle.update(new)
        except ab.AclError:
            check_after_a_failed_update(bundle, mlp)
            raise
        stage[:] = ["infer again"]
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)
        stage[:] = ["close"]


def check_after_a_failed_update(bundle: ab.Bundle, mlp: Any) -> None:
    """As before, or poisoned until init or a full update."""
    assert bundle.version == 0
    try:
        y = bundle.infer(mlp.x)
    except ab.PoisonedError:
        with pytest.raises(ab.PoisonedError):
            bundle.update({"w2": mlp.weights["w2"]})
        bundle.init()
        y = bundle.infer(mlp.x)
    np.testing.assert_allclose(y, mlp.answer(), rtol=1e-5, atol=1e-5)


def survive(run: Callable[[list[str]], None]) -> None:
    """Repeat a scenario with each of its calls failing, and look after each."""
    fake.set("trace", "on")
    run([])
    names = [row["function"] for row in fake.trace() if not VALUE.search(row["function"])]
    caught: list[ab.AclError] = []
    for nth in range(1, len(names) + 1):
        for code in CODES:
            fake.reset()
            fake.fail("*", nth, code)
            stage: list[str] = []
            try:
                run(stage)
            except ab.AclError as error:
                caught.append(error)
            fake.fail("*", 0, 0)
            if not names[nth - 1].startswith(GIVES_BACK):
                assert fake.violations() == [], (nth, stage, names[nth - 1])
                assert fake.live() == [], (nth, stage, names[nth - 1])
    assert {error.function for error in caught} >= set(names)
    assert {error.code for error in caught} <= {*CODES, 200000}
    fake.reset()


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_call_of_the_scenario(mlp: Any, flow: Any) -> None:
    survive(lambda stage: scenario(mlp, flow, stage))


def plain(data: bytes, weight: Any, stage: list[str]) -> None:
    """Load a plain model file and infer with two shapes."""
    stage[:] = ["load"]
    with ab.Bundle.load(data) as bundle:
        for rows in (4, 1):
            stage[:] = [f"infer {rows}"]
            x = np.full((rows, 8), 0.5, np.float32)
            np.testing.assert_allclose(bundle.infer(x), x @ weight, rtol=1e-5, atol=1e-5)
        stage[:] = ["close"]


@pytest.mark.parametrize(
    "options", [{"dynamic_batch": [1, 4]}, {"dynamic_shape": True}], ids=["gears", "any"]
)
def test_every_call_of_a_plain_file(options: dict[str, Any]) -> None:
    weight = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "net",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(weight, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = build.model(model, **options).to_bytes()
    survive(lambda stage: plain(data, weight, stage))


def test_a_failed_execute_of_an_update_poisons_until_all_is_written(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclInternalError, match="may hold a mixture") as caught:
            bundle.update({"w1": mlp.random(1)["w1"]})
        assert caught.value.function == "aclmdlExecute"
        with pytest.raises(ab.PoisonedError, match=r"bundle\.init\(\), or update every weight"):
            bundle.infer(mlp.x)
        with pytest.raises(ab.PoisonedError, match="leaves out b1, w2, b2"):
            bundle.update({"w1": mlp.random(1)["w1"]})
        bundle.update(mlp.random(2))
        np.testing.assert_allclose(
            bundle.infer(mlp.x), mlp.answer(mlp.random(2)), rtol=1e-5, atol=1e-5
        )


@pytest.mark.parametrize("function", ["aclrtMemcpy", "aclrtMalloc", "aclrtMallocHost"])
def test_a_failure_while_staging_changes_nothing(mlp: Any, function: str) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.fail(function, 1, 207001)
        with pytest.raises(ab.AclResourceError) as caught:
            bundle.update(mlp.random(1))
        assert caught.value.function == function
        assert bundle.version == 0
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)
        assert bundle.update(mlp.random(1)).version == 1

"""After something went wrong: what is next must be right, and nothing may be lost."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake, om
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi
from acl_bundle.om import PartitionType

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.mark.parametrize("function", ["aclrtMemcpy", "aclUpdateDataBuffer",
                                      "aclmdlSetDatasetTensorDesc"])  # fmt: skip
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_another_update_after_one_that_was_not_staged(mlp: Any, function: str, nth: int) -> None:
    """What the failed one pointed at is gone when the area grows for the next."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.fail(function, 1 if function == "aclrtMemcpy" else nth, 507899)
        with pytest.raises(ab.AclError):
            bundle.update({name: mlp.random(1)[name] for name in ("b1", "b2", "w2")[:nth]})
        new = {"w1": mlp.random(2)["w1"]}
        bundle.update(new)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)


@pytest.fixture
def shapeless(mlp: Any, tmp_path: Path) -> Path:
    """The bundle without the graphs' definitions, and so without its weights' shapes."""
    bundle = om.open_bundle(mlp.path)
    models = [
        om.write_model(
            [
                (part.type, [b"\x0a\x01m" if part.type == PartitionType.MODEL_DEF else part.data])
                for part in model.partitions
            ],
            header=model.header,
        )
        for model in bundle.models
    ]
    om.write_bundle(models, bundle.variable_size).save(tmp_path / "shapeless.om")
    return tmp_path / "shapeless.om"


def test_a_shape_that_the_file_does_not_tell_is_learnt(mlp: Any, shapeless: Path) -> None:
    """Design 6: learnt at the first update and checked from then on."""
    with ab.Bundle.load(shapeless) as bundle:
        assert bundle.weights["w1"].spec.shape is None
        bundle.init()
        with pytest.raises(ab.WeightError, match="without elements"):
            bundle.update({"w1": np.zeros((0, 16), "f4")})
        new = {"w1": mlp.random(1)["w1"]}
        bundle.update(new)
        assert bundle.weights["w1"].spec.shape == (8, 16)
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(new), rtol=1e-5, atol=1e-5)
        with pytest.raises(ab.WeightError, match=r"must be \(8, 16\)"):
            bundle.update({"w1": np.zeros((16, 8), "f4")})


@pytest.mark.parametrize("function", ["aclrtMemcpy", "aclmdlExecute"])
def test_a_shape_is_not_learnt_from_an_update_that_failed(
    mlp: Any, shapeless: Path, function: str
) -> None:
    with ab.Bundle.load(shapeless) as bundle:
        bundle.init()
        fake.fail(function, 1, 507899)
        with pytest.raises(ab.AclError):
            bundle.update({"w1": mlp.random(1)["w1"]})
        bundle.init()
        fake.fail("aclrtMemcpy", 1, 507899)
        with pytest.raises(ab.AclError):
            bundle.update({"w1": mlp.random(1)["w1"]})
        report = bundle.update({"b2": mlp.weights["b2"]})
        assert report.kept == ("w1", "b1", "w2")
        assert bundle.weights["w1"].spec.shape is None
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


@pytest.mark.timed
@pytest.mark.parametrize("flow", ["owned", "library"])
@pytest.mark.parametrize(
    "function",
    ["aclInit", "aclrtSetDevice", "aclrtMalloc", "aclmdlBundleInitFromMem", "aclmdlCreateDataset",
     "aclmdlBundleLoadFromMem", "aclmdlGetDesc", "aclrtMallocHost", "aclmdlBundleUnload"],
)  # fmt: skip
def test_ctrl_c_in_the_middle_of_anything_loses_nothing(mlp: Any, flow: Any, function: str) -> None:
    fake.latency(function, 0.05)
    interrupt = threading.Timer(0.02, signal.raise_signal, [signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012  wherever it strikes
        interrupt.start()
        with ab.Bundle.load(mlp.path, variables=flow) as bundle:
            bundle.init()
            bundle.update(mlp.random(1))
        threading.Event().wait(60)  # until the interrupt, which may come late
    fake.latency(function, 0)
    assert fake.live() == []
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_context_that_cannot_be_put_back_takes_nothing_from_a_commit(mlp: Any) -> None:
    with ab.Device(0), ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(1))
        theirs = ffi.new("aclrtContext *")
        acl.aclrtCreateContext(theirs, 0)
        try:
            fake.set("trace", "on")
            bundle.update(mlp.random(1), version=1)
            calls = [row["function"] for row in fake.trace()]
            fake.fail("aclrtSetCurrentContext", calls.count("aclrtSetCurrentContext"), 507899)
            assert bundle.update(mlp.random(2)).version == 2
        finally:
            acl.aclrtDestroyContext(theirs[0])
        assert bundle.version == 2
        want = mlp.answer(mlp.random(2))
        np.testing.assert_allclose(bundle.infer(mlp.x), want, rtol=1e-5, atol=1e-5)


@pytest.mark.acl(violations="ignore")  # it reads what nobody set
def test_a_graph_that_writes_is_not_run_whatever_its_role(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, roles={"infer": 0}) as bundle:
        for graph in bundle.graphs[1:]:
            assert graph.role is None
            with pytest.raises(ab.RoleError, match="by a graph that has a role"):
                graph.run({})
        with pytest.warns(RuntimeWarning, match="before w1, b1, w2, b2 had a value"):
            bundle.infer(mlp.x)
    assert [one["id"] for one in fake.violations()] == ["AB-MDL-0018"]


@pytest.mark.acl(violations="ignore")  # it reads what nobody set
def test_variables_that_nothing_in_the_file_can_write_are_warned_about(
    mlp: Any, reorder: Any
) -> None:
    bundle = ab.Bundle.load(reorder(mlp.path, 0))
    with bundle, pytest.warns(RuntimeWarning, match="before w1, b1, w2, b2 had a value"):
        bundle.infer(mlp.x)
    assert [one["id"] for one in fake.violations()] == ["AB-MDL-0018"]


@pytest.mark.parametrize(
    ("dtype", "value"), [("int8", -128), ("int32", -(2**31)), ("int64", -(2**63))]
)
def test_the_least_integer_of_rank_0_is_a_value_like_others(
    single: Any, dtype: str, value: int
) -> None:
    x = np.array([1, 2, 3], dtype)
    with ab.Bundle.load(single("Mod", x, np.array(2, dtype)).to_bytes()) as bundle:
        bundle.init()
        bundle.update({"w": np.array(value, dtype)})
        assert bundle.infer(x).tolist() == np.mod(x, np.array(value, dtype)).tolist()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"device": "0"}, TypeError, "an int, not '0'"),
        ({"device": True}, TypeError, "an int, not True"),
        ({"device": 2**40}, ValueError, "beyond what ACL can name"),
        (
            {"roles": {"infer": "0"}},
            TypeError,
            r"roles\['infer'\] is a graph's index, an int, not '0'",
        ),
        ({"roles": ["infer"]}, TypeError, "roles is a dict"),
    ],
)
def test_arguments_that_cannot_be(
    mlp: Any, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ab.Bundle.load(mlp.path, **arguments)


def test_a_library_that_describes_another_graph(mlp: Any) -> None:
    fake.fail("aclmdlGetNumInputs", 1, 100000)
    with pytest.raises(ab.BundleFormatError, match="has 0 inputs; the file lists 1"):
        ab.Bundle.load(mlp.path)


def test_no_context_after_the_device_was_set(mlp: Any) -> None:
    fake.fail("aclrtGetCurrentContext", 2, 107002)
    with pytest.raises(ab.AclUsageError, match=r"aclrtGetCurrentContext: .*107002"):
        ab.Bundle.load(mlp.path)


def test_bind_after_close_is_refused(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        infer = bundle.infer
    with pytest.raises(ab.ClosedError, match="closed, or collected"):
        infer.bind({"x": mlp.x}, {"y": np.empty((4, 3), "f4")})

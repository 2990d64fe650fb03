"""Weights in Ray's object store: once, as they are, and let go."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, fake
from acl_bundle.errors import AclBundleError
from acl_bundle.fleet import (
    Fleet,
    MemoryRecord,
    RayRecord,
    RayReplica,
    RayStore,
    ReplicaLostError,
)

from .conftest import until

pytestmark = [pytest.mark.ray, pytest.mark.filterwarnings("ignore")]
MIB = 1 << 20


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(6.0).reshape(2, 3).T,
        np.float16(3.5) * np.ones((), np.float16), np.empty((0, 4), np.int32),
        np.arange(8).astype(ml_dtypes.bfloat16), np.arange(8).astype(ml_dtypes.int4),
    ],
)  # fmt: skip
def test_an_array_comes_out_as_it_went_in(cluster: Any, array: Any) -> None:
    with RayStore().put({"w": array, "other": np.ones(3)}, reuse=False).opened() as found:
        assert (found["w"].dtype, found["w"].shape) == (array.dtype, array.shape)
        assert found["w"].tobytes() == array.tobytes()
        assert not found["w"].flags.writeable


def test_the_store_holds_little_more_than_what_is_committed(cluster: Any) -> None:
    store = RayStore()
    names = [f"w{number}" for number in range(8)]
    for round_ in range(20):
        given = names if round_ % 5 == 0 else [names[round_ % 8]]
        store.put({name: np.full(MIB // 4, round_, np.float32) for name in given}, reuse=True)
        store.keep()
        assert store.nbytes <= 16 * MIB
    store.put({"w0": np.zeros(MIB // 4, np.float32)}, reuse=True)
    store.drop()
    assert store.committed is not None
    with store.committed.opened() as found:
        last = {name: max(r for r in range(20) if r % 5 == 0 or names[r % 8] == name)
                for name in names}  # fmt: skip
        assert {name: int(found[name][0]) for name in names} == last


def test_updates_leave_nothing_in_the_object_store(cluster: Any, tmp_path: Path) -> None:
    """More bytes than a node's store has, of which none is written to the disk."""
    wide = 2048
    weights = {"w": np.zeros((wide, wide), np.float32)}
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "wide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, wide])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, wide])],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.from_onnx(model, weights=["w"]).save(tmp_path / "wide.om")
    with Fleet.ray(tmp_path / "wide.om", actors=4, initializer=fake.activate) as fleet:
        for version in range(1, 17):
            fleet.update({"w": np.full((wide, wide), version, np.float32)}, version=version)
            outputs = fleet.infer({"x": np.ones((1, wide), np.float32)})
            assert outputs["y"].flat[0] == version * wide
        assert fleet._coordinator.store.nbytes == wide * wide * 4
    spilled = [*Path(os.environ["RAY_TMPDIR"]).rglob("ray_spilled_objects*/*")]
    assert spilled == []


def test_weights_whose_owner_has_ended_cannot_be_read(cluster: Any) -> None:
    import ray  # noqa: PLC0415

    owner = ray.remote(num_cpus=0)(RayStore).remote()
    weights = ray.get(owner.put.remote({"w": np.ones(MIB, np.float32)}, reuse=False))
    with weights.opened() as found:
        assert found["w"].nbytes == 4 * MIB
    del found
    ray.kill(owner)
    until(lambda: _told(weights) != "", lambda: "they can be read still")
    assert re.match("the weights in Ray's object store cannot be read: .*object", _told(weights))


def _told(weights: Any) -> str:
    try:
        with weights.opened():
            return ""
    except AclBundleError as error:
        return str(error)


def test_a_store_that_is_full_keeps_what_is_committed(
    cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ray  # noqa: PLC0415

    def full(_: Any) -> Any:
        raise ray.exceptions.ObjectStoreFullError("64 MiB more are needed")

    store = RayStore()
    store.put({"a": np.zeros(8), "b": np.zeros(8), "c": np.zeros(8)}, reuse=False)
    store.keep()
    for value in (1, 2, 3):
        store.put({"a": np.full(8, value), "b": np.full(8, value)}, reuse=False)
        with monkeypatch.context() as patch:
            patch.setattr(ray, "put", full)
            store.keep()  # it would be packed, and cannot
    with monkeypatch.context() as patch:
        patch.setattr(ray, "put", full)
        with pytest.raises(AclBundleError, match="does not take the weights: 64 MiB more"):
            store.put({"a": np.full(8, 9)}, reuse=False)
    assert store.committed is not None
    with store.committed.opened() as found:
        assert [int(found[name][0]) for name in "abc"] == [3, 3, 0]


def test_a_record_that_has_ended_says_so(cluster: Any) -> None:
    record = RayRecord()
    assert record.claim().claimed == 1
    record.close()
    record.close()
    with pytest.raises(OSError, match="of Ray's head node cannot be reached"):
        record.read()


def test_what_cannot_be_loaded_is_told(cluster: Any, tmp_path: Path, mlp: Any) -> None:
    with pytest.raises(FileNotFoundError):
        Fleet.ray(tmp_path / "none.om", actors=2, initializer=fake.activate)
    with pytest.raises(ReplicaLostError, match=r"not loaded within 1 s; it asks for NPU 9 of"):
        Fleet.ray(mlp.path, timeout=1, actor_options={"resources": {"NPU": 9}})
    with pytest.raises(ValueError, match="text without '/', not 'a/b'"):
        Fleet.ray(mlp.path, name="a/b")
    with pytest.raises(ValueError, match="actors is 0; a fleet has at least one"):
        Fleet.ray(mlp.path, actors=0)
    with pytest.raises(TypeError, match="actor_options has 'name', which is the replica's own"):
        Fleet.ray(mlp.path, actor_options={"name": "mine"})
    with pytest.raises(TypeError, match="MemoryRecord"):
        RayReplica("r", mlp.path, record=MemoryRecord())

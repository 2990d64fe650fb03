"""Inferences and updates on device arrays at once: every answer is of one version."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")
VERSIONS, ROUNDS = 6, 30


@pytest.mark.parametrize("flow", ["owned", "library"])
def test_every_answer_is_of_one_version(mlp: Any, flow: Any) -> None:
    """T1 to T3 infer, each in its own way, while T4 updates from arrays that it frees at once."""
    weights = [mlp.random(seed) for seed in range(VERSIONS)]
    want = [mlp.answer(one) for one in weights]
    wrong: list[str] = []
    with (
        ab.Bundle.load(mlp.path, variables=flow, replicas=2) as bundle,
        ab.to_device(mlp.x) as x,
    ):
        bundle.init()
        bundle.update(weights[0], version=0)
        over = threading.Event()

        def look(version: Any, y: Any) -> None:
            found = y.to_host() if isinstance(y, ab.DeviceArray) else y
            if not np.allclose(found, want[version], rtol=1e-5, atol=1e-5):
                wrong.append(f"version {version}")

        def left_there() -> None:
            out = bundle.infer.run([x], "device")
            look(out.version, out["y"])
            out["y"].free()

        def mixed() -> None:
            with ab.empty((4, 3), "f4") as y:
                look(bundle.infer.run([mlp.x], {"y": y}).version, y)

        def behind() -> None:
            out = bundle.infer.submit([x], out="device").result()
            look(out.version, out["y"])
            out["y"].free()

        def infer(way: Any) -> None:
            try:
                while not over.is_set():
                    way()
            except BaseException as error:
                wrong.append(repr(error))

        threads = [
            threading.Thread(target=infer, args=(one,)) for one in (left_there, mixed, behind)
        ]
        for one in threads:
            one.start()
        try:
            for turn in range(ROUNDS):
                version = turn % VERSIONS
                arrays = {n: ab.to_device(value) for n, value in weights[version].items()}
                bundle.update(arrays, version=version)
                for array in arrays.values():
                    array.free()
        finally:
            over.set()
            for one in threads:
                one.join()
    assert wrong == []
    assert fake.live() == []
    assert fake.violations() == []

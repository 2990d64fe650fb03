"""What many threads may do at once, and what they may not (facts 3, 6.25)."""

from __future__ import annotations

import threading

import numpy as np

from .. import codes
from ..face import Acl
from ..programs import Tensor, model, null_model, onnx_program
from ..threads import at_once

X, Y = Tensor("x", (16,)), Tensor("y", (16,))
NEG = model(onnx_program([("Neg", "x", "y")], [X], [Y]), [X], [Y])
SLOW = b"aclmdlExecute"


def test_everything_at_once_on_models_of_their_own_facts_3(ready: Acl) -> None:
    def work() -> bool:
        assert ready.aclrtSetDevice(0) == codes.SUCCESS
        loaded, mine = ready.load_model(NEG), threading.get_ident() % 1000
        for turn in range(10):
            value = np.full(16, mine + turn, np.float32)
            inputs, outputs = ready.dataset(value.tobytes()), ready.dataset(64)
            ready.aclmdlExecute(loaded, inputs.handle, outputs.handle)
            if outputs.read(0) != (-value).tobytes():
                return False
        return bool(ready.aclmdlUnload(loaded) == codes.SUCCESS)

    assert at_once(8, work) == [True] * 8


def test_memory_of_many_threads_is_apart(ready: Acl) -> None:
    def work() -> bool:
        assert ready.aclrtSetDevice(0) == codes.SUCCESS
        good = True
        for turn in range(50):
            mark = bytes([threading.get_ident() % 251, turn] * 500)
            pointer = ready.on_device(mark)
            good &= ready.download(pointer, 1000) == mark
            good &= ready.aclrtFree(pointer) == codes.SUCCESS
        return good

    assert at_once(8, work) == [True] * 8
    assert "allocation" not in " ".join(ready.live())


def test_one_model_on_two_threads_is_seen_facts_3(ready: Acl) -> None:
    """Forbidden by the documents; the library has no lock of its own."""
    data = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
    loaded = ready.load_model(data)
    assert ready.aclfakeLatency(SLOW, 50_000_000, 0.0) == 0

    def work() -> int:
        assert ready.aclrtSetDevice(0) == codes.SUCCESS
        inputs, outputs = ready.dataset(16), ready.dataset(16)
        return int(ready.aclmdlExecute(loaded, inputs.handle, outputs.handle))

    statuses = at_once(3, work)
    assert codes.SUCCESS in statuses
    assert any(statuses)
    assert set(ready.violations()) == {"AB-MDL-0007"}


def test_two_models_over_the_same_bytes_may_run_together_facts_3(ready: Acl) -> None:
    data = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
    models = [ready.load_model(data) for _ in range(3)]
    assert ready.aclfakeLatency(SLOW, 20_000_000, 0.0) == 0

    def work() -> int:
        assert ready.aclrtSetDevice(0) == codes.SUCCESS
        inputs, outputs = ready.dataset(16), ready.dataset(16)
        return int(ready.aclmdlExecute(models.pop(), inputs.handle, outputs.handle))

    assert at_once(3, work) == [codes.SUCCESS] * 3


def test_unloading_a_model_that_runs_is_seen_design_7(ready: Acl) -> None:
    loaded = ready.load_model(null_model([Tensor("x", (4,))], [Tensor("y", (4,))]))
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    assert ready.aclfakeLatency(SLOW, 200_000_000, 0.0) == 0

    def work() -> None:
        ready.aclrtSetDevice(0)
        ready.aclmdlExecute(loaded, inputs.handle, outputs.handle)

    runner = threading.Thread(target=work)
    runner.start()
    while not any(row["function"] == "aclmdlExecute" for row in ready.read("calls")):
        pass
    assert ready.aclmdlUnload(loaded) != codes.SUCCESS
    runner.join()
    assert ready.violations() == ["AB-MDL-0008"]
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS

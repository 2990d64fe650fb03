"""A run like the one before it is checked by comparison; whatever changes is seen all the same.

A program executes a model on the same two datasets over and over. Here it does so until nothing
is looked at anew, and then something is not as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import TO_DEVICE, Acl, Dataset
from ..streams import NEG, slow

X = np.float32([1, -2, 3, -4])


class Pair:
    """A model that negates four numbers, and the two datasets it runs on."""

    def __init__(self, acl: Acl) -> None:
        self.acl, self.id = acl, acl.load_model(NEG)
        self.memory, self.result = acl.on_device(X.tobytes() * 2), acl.malloc(16)
        self.inputs, self.outputs = acl.dataset(), acl.dataset()
        self.input = self.add(self.inputs, self.memory)
        self.output = self.add(self.outputs, self.result)

    def add(self, dataset: Dataset, memory: Any) -> Any:
        buffer = self.acl.aclCreateDataBuffer(memory, 16)
        assert self.acl.aclmdlAddDatasetBuffer(dataset.handle, buffer) == codes.SUCCESS
        return buffer

    def run(self) -> int:
        return int(self.acl.aclmdlExecute(self.id, self.inputs.handle, self.outputs.handle))

    def answer(self) -> list[float]:
        return list(np.frombuffer(self.acl.download(self.result, 16), np.float32))


@pytest.fixture
def pair(ready: Acl) -> Pair:
    made = Pair(ready)
    for _ in range(3):
        assert made.run() == codes.SUCCESS
    assert made.answer() == list(-X)
    return made


def test_new_values_in_the_same_memory(ready: Acl, pair: Pair) -> None:
    ready.upload(pair.memory, (2 * X).tobytes())
    assert pair.run() == codes.SUCCESS
    assert pair.answer() == list(-2 * X)


def test_other_memory_in_the_same_buffer(ready: Acl, pair: Pair) -> None:
    other = ready.on_device((3 * X).tobytes())
    assert ready.aclUpdateDataBuffer(pair.input, other, 16) == codes.SUCCESS
    assert pair.run() == codes.SUCCESS
    assert pair.answer() == list(-3 * X)
    assert ready.aclrtFree(pair.memory) == codes.SUCCESS
    assert pair.run() == codes.SUCCESS


def test_other_datasets(ready: Acl, pair: Pair) -> None:
    inputs, outputs = ready.dataset((5 * X).tobytes()), ready.dataset(16)
    assert ready.aclmdlExecute(pair.id, inputs.handle, pair.outputs.handle) == codes.SUCCESS
    assert pair.answer() == list(-5 * X)
    assert ready.aclmdlExecute(pair.id, pair.inputs.handle, outputs.handle) == codes.SUCCESS
    assert list(np.frombuffer(outputs.read(0), np.float32)) == list(-X)
    assert pair.answer() == list(-5 * X)


SPOILT: dict[str, tuple[Callable[[Acl, Pair], int], str | None]] = {
    "memory that ends before the tensor": (
        lambda acl, pair: acl.aclUpdateDataBuffer(pair.output, acl.malloc(8), 16), "AB-MDL-0010"
    ),
    "memory that was freed": (lambda acl, pair: acl.aclrtFree(pair.result), "AB-RT-0010"),
    "a buffer that was destroyed": (
        lambda acl, pair: acl.aclDestroyDataBuffer(pair.output), "AB-MDL-0001"
    ),
    "a dataset that was destroyed": (
        lambda acl, pair: acl.aclmdlDestroyDataset(pair.inputs.handle), "AB-RT-0002"
    ),
    "a buffer too many": (
        lambda acl, pair: int(pair.add(pair.inputs, pair.memory) == acl.NULL), None
    ),
    "an output over the input": (
        lambda acl, pair: acl.aclUpdateDataBuffer(
            pair.output, acl.ffi.cast("char *", pair.memory) + 4, 16
        ),
        "AB-MDL-0016",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILT)
def test_what_is_spoilt_is_seen(ready: Acl, pair: Pair, what: str) -> None:
    spoil, violation = SPOILT[what]
    assert spoil(ready, pair) == codes.SUCCESS
    assert pair.run() != codes.SUCCESS
    assert ready.message()
    assert pair.run() != codes.SUCCESS, "nothing is kept of a run that was refused"
    assert ready.violations() == [violation] * 2 * (violation is not None)


def test_a_mode_that_was_chosen_meanwhile(ready: Acl, pair: Pair) -> None:
    ready.set("mode", "faithful")
    over = ready.ffi.cast("char *", ready.malloc(32))
    for buffer, at in ((pair.input, over), (pair.output, over + 4)):
        assert ready.aclUpdateDataBuffer(buffer, at, 16) == codes.SUCCESS
    for _ in range(2):
        assert pair.run() == codes.SUCCESS
    ready.set("mode", "strict")
    assert pair.run() == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0016"] * 3


def test_a_warning_comes_each_time(ready: Acl, pair: Pair) -> None:
    assert ready.aclUpdateDataBuffer(pair.output, pair.memory, 16) == codes.SUCCESS
    for _ in range(3):
        assert pair.run() == codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0017"] * 3


def test_a_description_set_meanwhile_lets_the_outputs_be_described(ready: Acl, pair: Pair) -> None:
    assert ready.aclmdlGetDatasetTensorDesc(pair.outputs.handle, 0) == ready.NULL
    desc = ready.tensor_desc((4,))
    assert ready.aclmdlSetDatasetTensorDesc(pair.inputs.handle, desc, 0) == codes.SUCCESS
    assert pair.run() == codes.SUCCESS
    assert ready.aclmdlGetDatasetTensorDesc(pair.outputs.handle, 0) != ready.NULL


@pytest.mark.parametrize("moved", [False, True])
def test_another_thread_meets_the_memory_of_now(ready: Acl, pair: Pair, moved: bool) -> None:
    """The claims of a run that repeats stand, and are those of the buffers as they are."""
    memory = pair.memory
    if moved:
        memory = ready.on_device(X.tobytes())
        assert ready.aclUpdateDataBuffer(pair.input, memory, 16) == codes.SUCCESS
        assert pair.run() == codes.SUCCESS
    assert pair.run() == codes.SUCCESS
    slow(ready, "aclmdlExecute", 300)
    context = ready.new("aclrtContext *")
    assert ready.aclrtGetCurrentContext(context) == codes.SUCCESS

    def run() -> int:
        assert ready.aclrtSetCurrentContext(context[0]) == codes.SUCCESS
        return pair.run()

    host = ready.hold(X.tobytes())
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(run)
        seen: list[str] = []
        while not seen and not running.done():
            ready.aclrtMemcpy(memory, 16, host, 16, TO_DEVICE)
            seen = ready.violations()
        if moved:
            assert ready.aclrtMemcpy(pair.memory, 16, host, 16, TO_DEVICE) == codes.SUCCESS
        assert running.result() == codes.SUCCESS
    assert seen == ["AB-STR-0004"]

"""Variables that hold what nobody wrote: who is told, and what copies take along (facts 4.4)."""

from __future__ import annotations

from typing import Any

import pytest

from .. import codes
from ..face import Acl
from ..refreshable import Refreshable


@pytest.fixture
def bundle(ready: Acl) -> Refreshable:
    return Refreshable(ready)


def test_variables_that_nobody_set(ready: Acl, bundle: Refreshable) -> None:
    assert bundle.run(bundle.infer) == codes.SUCCESS
    message = ready.read("violations")[0]["message"]
    assert '"w_var", "b_var"' in message
    assert ready.violations() == ["AB-MDL-0018"]


def test_variables_that_updates_set_one_by_one(ready: Acl, bundle: Refreshable) -> None:
    assert bundle.assign(w=1) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    message = ready.read("violations")[0]["message"]
    assert '"b_var"' in message
    assert "w_var" not in message
    assert ready.violations() == ["AB-MDL-0018"]
    assert bundle.assign(b=1) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS


def test_variables_that_copies_set(ready: Acl, bundle: Refreshable) -> None:
    """Each byte counts."""
    ready.upload(bundle.at(0), bytes(24))
    ready.upload(bundle.at(1), bytes(7))
    assert bundle.run(bundle.infer) == codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0018"]
    ready.upload(bundle.at(1) + 7, b"\0")
    assert bundle.run(bundle.infer) == codes.SUCCESS


COPIES = ["aclrtMemcpy", "aclrtMemcpyAsync", "aclrtMemcpy2d", "aclrtMemcpy2dAsync"]


def copy_within(acl: Acl, function: str, to: Any, of: Any, size: int) -> int:
    """From device to device; 2-D in rows of 8 bytes."""
    rows = (to, 8, of, 8, 8, size // 8)
    arguments = {
        "aclrtMemcpy": (to, size, of, size, 3),
        "aclrtMemcpyAsync": (to, size, of, size, 3, acl.NULL),
        "aclrtMemcpy2d": (*rows, 4),
        "aclrtMemcpy2dAsync": (*rows, 3, acl.NULL),
    }[function]
    status = int(getattr(acl, function)(*arguments))
    assert acl.aclrtSynchronizeStream(acl.NULL) == codes.SUCCESS
    return status


@pytest.mark.parametrize("function", COPIES)
def test_variables_that_memory_nobody_wrote_was_copied_into(
    ready: Acl, bundle: Refreshable, function: str
) -> None:
    """The copy takes along which bytes somebody wrote, one by one."""
    fresh = ready.malloc(32)
    assert copy_within(ready, function, bundle.at(0), fresh, 24) == codes.SUCCESS
    assert copy_within(ready, function, bundle.at(1), fresh, 8) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    assert '"w_var", "b_var"' in ready.read("violations")[0]["message"]
    ready.upload(fresh, bytes(31))
    assert copy_within(ready, function, bundle.at(0), fresh, 24) == codes.SUCCESS
    assert copy_within(ready, function, bundle.at(1), fresh + 24, 8) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    message = ready.read("violations")[-1]["message"]
    assert '"b_var"' in message
    assert "w_var" not in message
    ready.upload(fresh + 31, bytes(1))
    assert copy_within(ready, function, bundle.at(1), fresh + 24, 8) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0018"] * 2


def test_variables_that_were_set_and_are_so_no_longer(ready: Acl, bundle: Refreshable) -> None:
    assert bundle.run(bundle.init) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    assert copy_within(ready, "aclrtMemcpy", bundle.at(1), ready.malloc(8), 8) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    assert '"b_var"' in ready.read("violations")[0]["message"]
    assert ready.violations() == ["AB-MDL-0018"]


def test_variables_that_an_update_gave_memory_nobody_wrote(ready: Acl, bundle: Refreshable) -> None:
    assert bundle.run(bundle.init) == codes.SUCCESS
    inputs, empty = ready.dataset(24, bytes(8)), ready.dataset().handle
    inputs.describe(0, (3, 2))
    inputs.describe(1, (2,))
    assert ready.aclmdlExecute(bundle.update, inputs.handle, empty) == codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    message = ready.read("violations")[0]["message"]
    assert '"w_var"' in message
    assert "b_var" not in message
    assert ready.violations() == ["AB-MDL-0018"]


@pytest.mark.parametrize(("to", "of"), [(0, 0), (3, 0), (0, 3), (5, 13), (70, 6)])
@pytest.mark.parametrize("size", [1, 8, 9, 150])
def test_a_copy_takes_along_which_bytes_were_written(
    ready: Acl, bundle: Refreshable, to: int, of: int, size: int
) -> None:
    """Where the two lie a part of eight bytes apart; seen through a variable, byte by byte."""
    assert bundle.run(bundle.init) == codes.SUCCESS
    source, middle = ready.malloc(256), ready.on_device(bytes(256))
    written = [at for at in range(size) if at % 3 != 1]
    for at in written:
        ready.upload(source + of + at, b"\1")
    assert copy_within(ready, "aclrtMemcpy", middle + to, source + of, size) == codes.SUCCESS
    for at in (*range(96), *range(200, 256)):
        assert copy_within(ready, "aclrtMemcpy", bundle.at(1), middle + at, 1) == codes.SUCCESS
        assert bundle.run(bundle.infer) == codes.SUCCESS
        known = at < to or at - to >= size or at - to in written
        assert ready.violations() == ([] if known else ["AB-MDL-0018"]), at


@pytest.mark.parametrize("step", [-64, -11, -8, -3, 3, 8, 11, 64])
def test_a_copy_over_a_part_of_itself(ready: Acl, step: int) -> None:
    """In faithful mode it is made, and what is known of each byte moves along with it."""
    ready.set("mode", "faithful")
    bundle = Refreshable(ready)
    assert bundle.run(bundle.init) == codes.SUCCESS
    block = ready.malloc(448)
    for at in range(0, 448, 5):
        ready.upload(block + at, b"\1")
    assert copy_within(ready, "aclrtMemcpy", block + 96 + step, block + 96, 270) == codes.SUCCESS
    assert ready.violations() == ["AB-RT-0013"]
    for at in range(448):
        assert copy_within(ready, "aclrtMemcpy", bundle.at(1), block + at, 1) == codes.SUCCESS
        assert bundle.run(bundle.infer) == codes.SUCCESS
        origin = at - step if 0 <= at - 96 - step < 270 else at
        assert ready.violations() == ([] if origin % 5 == 0 else ["AB-MDL-0018"]), at


def test_variables_of_an_init_that_failed_midway(ready: Acl) -> None:
    """In faithful mode the update writes until the input that it cannot read."""
    ready.set("mode", "faithful")
    bundle = Refreshable(ready)
    inputs = ready.dataset(bytes(24))
    gone = ready.malloc(8)
    ready.aclmdlAddDatasetBuffer(inputs.handle, ready.aclCreateDataBuffer(gone, 8))
    assert ready.aclrtFree(gone) == codes.SUCCESS
    for index, dims in enumerate([(3, 2), (2,)]):
        desc = ready.tensor_desc(dims)
        assert ready.aclmdlSetDatasetTensorDesc(inputs.handle, desc, index) == codes.SUCCESS
    empty = ready.dataset().handle
    assert ready.aclmdlExecute(bundle.update, inputs.handle, empty) != codes.SUCCESS
    assert bundle.run(bundle.infer) == codes.SUCCESS
    message = ready.read("violations")[-1]["message"]
    assert '"b_var"' in message
    assert "w_var" not in message
    assert ready.violations() == ["AB-RT-0010", "AB-MDL-0018"]


def test_memory_that_is_new_again_was_never_set(ready: Acl) -> None:
    """However often its addresses were used before."""
    for _ in range(40):
        pointer = ready.on_device(bytes(1 << 20))
        assert ready.aclrtFree(pointer) == codes.SUCCESS
    fresh = Refreshable(ready)
    assert fresh.run(fresh.infer) == codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0018"]

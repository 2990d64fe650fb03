"""What a load, an object or a task takes of the heap comes back when it has ended.

The bytes are malloc's own count, so nothing depends on when pages go back to the
system. Each life is first led so often that what is remembered of the dead is full.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import pytest

from .. import codes
from ..face import Acl
from ..programs import Tensor, null_model
from ..streams import new_event, new_stream

MODEL = null_model([Tensor("x", (4,))], [Tensor("y", (4,))])
FULL, MORE, EACH = 17_000, 4_000, 4
"""Lives until all that is remembered is full, lives that are measured, bytes that one may keep."""


class Usage(ctypes.Structure):
    """struct mallinfo2."""

    _fields_ = [(name, ctypes.c_size_t) for name in
                ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks",
                 "uordblks", "fordblks", "keepcost")]  # fmt: skip


def bytes_in_use() -> int:
    """What malloc has handed out, mapped blocks included."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except AttributeError:
        pytest.skip("this C library has no mallinfo2")
    mallinfo.restype = Usage
    usage = mallinfo()
    return int(usage.uordblks + usage.hblkhd)


def a_load(acl: Acl) -> Callable[[], int]:
    data, model = acl.hold(MODEL), acl.new("uint32_t *")

    def life() -> int:
        status = acl.aclmdlLoadFromMem(data, len(MODEL), model)
        return int(status or acl.aclmdlUnload(model[0]))

    return life


def a_dataset(acl: Acl) -> Callable[[], int]:
    return lambda: int(acl.aclmdlDestroyDataset(acl.aclmdlCreateDataset()))


def an_event(acl: Acl) -> Callable[[], int]:
    event = acl.new("aclrtEvent *")
    return lambda: int(acl.aclrtCreateEvent(event) or acl.aclrtDestroyEvent(event[0]))


def a_stream(acl: Acl) -> Callable[[], int]:
    stream = acl.new("aclrtStream *")
    return lambda: int(acl.aclrtCreateStream(stream) or acl.aclrtDestroyStream(stream[0]))


def a_task(acl: Acl) -> Callable[[], int]:
    stream, memory, event = new_stream(acl), acl.malloc(4), new_event(acl)

    def life() -> int:
        status = acl.aclrtMemsetAsync(memory, 4, 1, 4, stream)
        status = status or acl.aclrtRecordEvent(event, stream)
        return int(status or acl.aclrtSynchronizeStream(stream))

    return life


def some_memory(acl: Acl) -> Callable[[], int]:
    pointer = acl.new("void **")

    def life() -> int:
        return int(acl.aclrtMalloc(pointer, 64, 0) or acl.aclrtFree(pointer[0]))

    return life


@pytest.mark.parametrize("kind", [a_load, a_dataset, an_event, a_stream, a_task, some_memory])
def test_nothing_stays_behind(ready: Acl, kind: Callable[[Acl], Callable[[], int]]) -> None:
    life = kind(ready)
    for _ in range(FULL):
        assert life() == codes.SUCCESS
    before = bytes_in_use()
    for _ in range(MORE):
        life()
    assert bytes_in_use() - before < EACH * MORE

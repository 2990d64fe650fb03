"""Device memory costs this machine what is touched, and no longer than it lives (design 7)."""

from __future__ import annotations

import os

import pytest

from ..face import TO_DEVICE, Acl

GIB, MIB = 1 << 30, 1 << 20


def resident() -> int:
    """Bytes that the machine gives for device memory of this process."""
    total = 0
    for name in os.listdir("/proc/self/fd"):
        path = f"/proc/self/fd/{name}"
        try:
            if "acl-fake-device" in os.readlink(path):
                total += os.stat(path).st_blocks * 512
        except FileNotFoundError:  # the listing's own descriptor
            continue
    return total


def test_64_gib_cost_only_what_is_touched_design_7(acl: Acl) -> None:
    """An allocation of 60 GiB, and one byte in the middle of it."""
    acl.set("memory", 64 * GIB)
    acl.start()
    free, total = acl.new("size_t *"), acl.new("size_t *")
    assert acl.aclrtGetMemInfo(1, free, total) == 0
    assert total[0] == 64 * GIB
    pointer, byte = acl.ffi.cast("char *", acl.malloc(60 * GIB)), acl.hold(bytearray(1))
    assert acl.aclrtMemcpy(pointer + 30 * GIB, 1, byte, 1, TO_DEVICE) == 0
    assert 2 * MIB <= resident() < 8 * MIB


@pytest.mark.parametrize("size", [MIB, 64 * MIB])
def test_freed_memory_goes_back_to_the_system_design_7(ready: Acl, size: int) -> None:
    before, host = resident(), ready.hold(bytearray(size))
    for _ in range(5):
        pointer = ready.malloc(size)
        assert ready.aclrtMemcpy(pointer, size, host, size, TO_DEVICE) == 0
        assert resident() >= before + size
        assert ready.aclrtFree(pointer) == 0
        assert resident() == before


def test_small_pieces_share_pages_and_give_them_back_design_7(ready: Acl) -> None:
    """A page goes when the last allocation in it goes, in whatever order."""
    before = resident()
    for order in (1, -1):
        pieces = [ready.malloc(100) for _ in range(64)]
        assert resident() >= before + 32 * 1024
        for piece in pieces[1::2][::order] + pieces[::2]:
            assert ready.aclrtFree(piece) == 0
        assert resident() == before


def test_the_neighbours_of_a_freed_piece_keep_their_bytes_design_7(ready: Acl) -> None:
    data = [bytes([number]) * 700 for number in range(40)]
    pieces = [ready.on_device(one) for one in data]
    for piece in pieces[1::2]:
        assert ready.aclrtFree(piece) == 0
    assert [ready.download(one, 700) for one in pieces[::2]] == data[::2]


def test_a_device_that_was_never_used_costs_nothing_design_7(acl: Acl) -> None:
    acl.set("devices", 64)
    acl.set("memory", 64 * GIB)
    for device in range(64):
        assert acl.aclrtSetDevice(device) == 0
    assert resident() == 0


def test_reset_gives_all_of_it_back_design_7(acl: Acl) -> None:
    acl.start()
    acl.malloc(8 * MIB)
    assert resident() >= 8 * MIB
    acl.reset()
    assert resident() == 0

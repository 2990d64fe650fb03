"""The report: what was created, destroyed and is live, by kind (issue: leak report as a table)."""

from __future__ import annotations

from ..face import Acl
from ..programs import Linear


def table(acl: Acl) -> dict[str, tuple[int, int, int]]:
    """Rows by kind; the lines of single things are left out."""
    rows = {}
    for line in report(acl)[1:]:
        if not line.startswith("    "):
            kind, *numbers = line.rsplit(maxsplit=3)
            rows[kind] = tuple(int(number) for number in numbers)
    return rows  # type: ignore[return-value]


def report(acl: Acl) -> list[str]:
    text = acl.ffi.new("char[]", 1 << 16)
    assert 0 < acl.aclfakeRead(b"report", text, 1 << 16) < 1 << 16
    return list(acl.ffi.string(text).decode().splitlines())


def test_nothing_was_made(acl: Acl) -> None:
    assert [line.split() for line in report(acl)] == [["kind", "created", "destroyed", "live"]]


def test_every_kind_is_counted(ready: Acl, linear: Linear) -> None:
    kept = ready.malloc(4096)
    ready.aclrtFree(ready.malloc(64))
    host = ready.new("void **")
    ready.aclrtMallocHost(host, 128)
    bundle, models = ready.load_bundle(linear.to_bytes())
    desc = ready.describe(models[0])
    assert table(ready) == {
        "device": (1, 0, 1), "device memory": (2, 1, 1), "host memory": (1, 0, 1),
        "bundle": (1, 0, 1), "model": (3, 0, 3), "model description": (1, 0, 1),
    }  # fmt: skip
    ready.aclmdlDestroyDesc(desc)
    ready.aclmdlBundleUnload(bundle)
    ready.aclrtFree(kept)
    ready.aclrtFreeHost(host[0])
    ready.aclrtResetDevice(0)
    assert {row[2] for row in table(ready).values()} == {0}
    assert table(ready)["model"] == (3, 3, 0)


def test_the_living_are_named_with_their_call(acl: Acl) -> None:
    acl.start()
    address = int(acl.ffi.cast("uintptr_t", acl.malloc(4096)))
    assert f"    {address:#x} of 4096 bytes, made by aclrtMalloc (call 3)" in report(acl)


def test_what_belongs_to_another_object_is_not_counted(ready: Acl) -> None:
    """A description inside a dataset ends with it (facts 1.8)."""
    inputs = ready.dataset(16)
    inputs.describe(0, [4])
    assert table(ready)["tensor description"] == (1, 1, 0)


def test_a_long_list_is_cut(ready: Acl) -> None:
    for _ in range(25):
        ready.malloc(32)
    lines = report(ready)
    assert "    and 5 more" in lines
    assert table(ready)["device memory"] == (25, 0, 25)


def test_a_second_life_of_a_device_is_counted(ready: Acl) -> None:
    ready.aclrtResetDevice(0)
    ready.aclrtSetDevice(0)
    ready.aclrtSetDevice(0)
    assert table(ready)["device"] == (2, 1, 1)

"""Timing profiles: shipped with their sources, and what a call then takes."""

from __future__ import annotations

import time

import pytest

from ..face import TO_DEVICE, Acl

MIB = 1 << 20


def copy_seconds(acl: Acl, size: int) -> float:
    """Time of one copy to the device."""
    pointer, host = acl.malloc(size), acl.hold(bytearray(size))
    start = time.perf_counter()
    assert acl.aclrtMemcpy(pointer, size, host, size, TO_DEVICE) == 0
    elapsed = time.perf_counter() - start
    assert acl.aclrtFree(pointer) == 0
    return elapsed


def rows(acl: Acl, profile: str) -> dict[str, dict[str, object]]:
    return {row["function"]: row for row in acl.read("profiles") if row["profile"] == profile}


def test_every_row_tells_its_source(acl: Acl) -> None:
    given = acl.read("profiles")
    assert {row["profile"] for row in given} == {"atlas-300i", "910b"}
    words = ("published: ", "derived: ", "assumed, ")
    assert all(row["source"].startswith(words) for row in given)
    assert all(row["fixed_ns"] > 0 and row["ns_per_byte"] >= 0 for row in given)


@pytest.mark.parametrize("profile", ["atlas-300i", "910b"])
def test_a_copy_takes_what_the_profile_says(ready: Acl, profile: str) -> None:
    row = rows(ready, profile)["aclrtMemcpy"]
    ready.set("profile", profile)
    for size in (1, 16 * MIB):
        wanted = (row["fixed_ns"] + size * row["ns_per_byte"]) * 1e-9  # type: ignore[operator]
        assert copy_seconds(ready, size) >= wanted


def test_the_shapes_differ(acl: Acl) -> None:
    """The older card is slower in both parts."""
    old, new = rows(acl, "atlas-300i"), rows(acl, "910b")
    assert {*old} == {*new}
    for part in ("fixed_ns", "ns_per_byte"):
        assert all(old[name][part] >= new[name][part] for name in old)  # type: ignore[operator]


@pytest.mark.timed
def test_a_profile_replaces_all_latencies(ready: Acl) -> None:
    assert ready.aclfakeLatency(b"aclrtGetDevice", 10**9, 0.0) == 0
    ready.set("profile", "910b")
    start = time.perf_counter()
    assert ready.aclrtGetDevice(ready.new("int32_t *")) == 0
    assert time.perf_counter() - start < 0.5


def test_none_is_no_latency(ready: Acl) -> None:
    ready.set("latency", "aclrtMemcpy:1000000000")
    ready.set("profile", "none")
    assert copy_seconds(ready, 1) < 0.5


def test_reset_ends_a_profile(acl: Acl) -> None:
    acl.set("latency", "aclrtMemcpy:1000000000")
    acl.reset()
    acl.start()
    assert copy_seconds(acl, 1) < 0.5


@pytest.mark.parametrize("name", ["", "910B", "atlas", "910b,none"])
def test_unknown_profiles_are_refused(acl: Acl, name: str) -> None:
    assert acl.aclfakeSet(b"profile", name.encode()) == -1
    text = acl.message()
    assert text is not None
    assert "none, atlas-300i or 910b" in text


def test_every_machine_tells_its_source(acl: Acl) -> None:
    given = {row["profile"]: row for row in acl.read("machines")}
    assert {*given} == {"none", "atlas-300i", "910b"}
    assert given["atlas-300i"]["soc"] == "Ascend310P3"
    assert given["910b"]["memory"] == 64 << 30
    assert all(row["source"].startswith(("published: ", "the default")) for row in given.values())


def machine(acl: Acl) -> tuple[str, int]:
    """What the device says of itself."""
    free, total = acl.new("size_t *"), acl.new("size_t *")
    assert acl.aclrtGetMemInfo(1, free, total) == 0
    return acl.ffi.string(acl.aclrtGetSocName()).decode(), total[0]


def test_a_profile_is_a_machine_too(ready: Acl) -> None:
    ready.set("profile", "atlas-300i")
    assert machine(ready) == ("Ascend310P3", 43693 << 20)
    settings = {row["key"]: row["value"] for row in ready.read("settings")}
    assert (settings["soc"], settings["memory"]) == ("Ascend310P3", str(43693 << 20))
    ready.set("profile", "none")
    assert machine(ready) == ("Ascend910B3", 64 << 30)


def test_what_was_chosen_stays(ready: Acl) -> None:
    """Before the profile and after it."""
    ready.set("soc", "Ascend310P1")
    ready.set("profile", "atlas-300i")
    assert machine(ready) == ("Ascend310P1", 43693 << 20)
    ready.set("memory", 1 << 30)
    ready.set("profile", "910b")
    assert machine(ready) == ("Ascend310P1", 1 << 30)


def test_a_larger_machine_is_refused_while_memory_is_in_use(ready: Acl) -> None:
    ready.set("profile", "atlas-300i")
    pointer = ready.malloc(64)
    assert ready.aclfakeSet(b"profile", b"910b") == -1
    assert "while it is in use" in (ready.message() or "")
    assert machine(ready) == ("Ascend310P3", 43693 << 20)
    assert ready.aclrtFree(pointer) == 0
    ready.set("profile", "910b")
    assert machine(ready) == ("Ascend910B3", 64 << 30)

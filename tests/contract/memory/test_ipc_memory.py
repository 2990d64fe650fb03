"""Device memory between processes (facts 10.1)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .. import codes
from ..face import Acl
from ..process import KEY, Process, Program

SIZE = 2 << 20
NORMAL_ONLY, HUGE_FIRST = 2, 0
DRIVER = codes.RT_DRV_INTERNAL_ERROR


@pytest.fixture
def here(ready: Acl) -> Program:
    """This process, as a program: the exporter of most tests."""
    return Program(ready)


@pytest.fixture
def other(ready: Acl) -> Iterator[Process]:
    """Another process; it ends with the test, without a violation that nobody looked at."""
    process = Process(ready)
    try:
        yield process
        if process.is_there():
            assert process.violations() == process.unexplained() == []
    finally:
        process.leave()


def exported(program: Program | Process, flags: int = 1, size: int = SIZE) -> bytes:
    """Memory "w" of a process, and its key."""
    assert program.malloc("w", size) == codes.SUCCESS
    status, key = program.export("w", size, flags)
    assert status == codes.SUCCESS
    return key


def test_one_memory_in_two_processes_facts_10_1(here: Program, other: Process) -> None:
    key = exported(here)
    assert other.load("v", key) == codes.SUCCESS
    here.write("w", b"from here")
    assert other.read("v", 9) == b"from here"
    assert other.write("v", b"from there", SIZE - 10) == codes.SUCCESS
    assert here.read("w", 10, SIZE - 10) == b"from there"
    assert other.close(key) == codes.SUCCESS
    assert here.close(key) == codes.SUCCESS
    assert here.free("w") == codes.SUCCESS
    assert here.live() == other.live() == ["device"]


def test_what_is_alive_is_listed(here: Program, other: Process) -> None:
    key = exported(here)
    assert here.live() == ["device", "device memory", "export key"]
    other.load("v", key)
    assert other.live() == ["device", "imported memory"]
    other.close(key)
    here.close(key)
    here.free("w")


def test_a_key_has_64_characters_and_an_end(here: Program) -> None:
    key = exported(here)
    assert 32 <= len(key) < KEY
    assert key.isascii()
    here.close(key)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"devPtr": None}, codes.INVALID_PARAM),
        ({"key": None}, codes.INVALID_PARAM),
        ({"size": 0}, codes.RT_PARAM_INVALID),
        ({"len": 0}, codes.RT_PARAM_INVALID),
        ({"len": 64}, codes.RT_PARAM_INVALID),
        ({"len": 66}, codes.RT_PARAM_INVALID),
        ({"flags": 2}, codes.RT_PARAM_INVALID),
        ({"size": SIZE + 1}, DRIVER),
    ],
)
def test_arguments_of_an_export_facts_10_4(
    here: Program, change: dict[str, int | None], code: int
) -> None:
    acl = here.acl
    here.malloc("w", SIZE)
    given = {"devPtr": here.at["w"], "size": SIZE, "key": acl.new("char[65]"), "len": KEY}
    given |= {"flags": 0} | {k: acl.NULL if v is None else v for k, v in change.items()}
    assert acl.aclrtIpcMemGetExportKey(*given.values()) == code
    assert acl.live() == ["device", "device memory"]


def test_arguments_of_the_others_facts_10_4(here: Program) -> None:
    acl, pid, pointer = here.acl, here.acl.new("int32_t *"), here.acl.new("void **")
    key = exported(here)
    assert acl.aclrtIpcMemSetImportPid(acl.NULL, pid, 1) == codes.INVALID_PARAM
    assert acl.aclrtIpcMemSetImportPid(key, acl.NULL, 1) == codes.INVALID_PARAM
    assert acl.aclrtIpcMemSetImportPid(key, pid, 0) == codes.RT_PARAM_INVALID
    assert acl.aclrtIpcMemImportByKey(acl.NULL, key, 0) == codes.INVALID_PARAM
    assert acl.aclrtIpcMemImportByKey(pointer, acl.NULL, 0) == codes.INVALID_PARAM
    assert acl.aclrtIpcMemImportByKey(pointer, key, 2) == codes.RT_PARAM_INVALID
    assert acl.aclrtIpcMemClose(acl.NULL) == codes.INVALID_PARAM
    assert acl.aclrtDeviceGetBareTgid(acl.NULL) == codes.INVALID_PARAM
    here.close(key)


def test_all_need_a_context_facts_10_4(acl: Acl) -> None:
    key, pointer = acl.new("char[65]", b"key"), acl.new("void **")
    null = codes.RT_CONTEXT_NULL
    assert acl.aclrtIpcMemGetExportKey(acl.ffi.cast("void *", 64), 1, key, KEY, 0) == null
    assert acl.aclrtIpcMemImportByKey(pointer, key, 0) == null
    assert acl.aclrtIpcMemClose(key) == null
    assert acl.aclrtIpcMemSetImportPid(key, acl.new("int32_t *"), 1) == null


def test_a_310b_shares_nothing_facts_10_1(here: Program) -> None:
    here.malloc("w", SIZE)
    here.set("soc", "Ascend310B4")
    assert here.export("w", SIZE)[0] == codes.RT_FEATURE_NOT_SUPPORT
    assert here.close(b"key") == codes.RT_FEATURE_NOT_SUPPORT


@pytest.mark.parametrize(
    ("size", "policy", "fits"),
    [
        (SIZE, 1, True),
        (3 * SIZE, HUGE_FIRST, True),
        (4096, NORMAL_ONLY, True),
        (1 << 20, HUGE_FIRST, True),  # normal pages up to 1 MiB
        (512, HUGE_FIRST, False),
        (4096 + 512, NORMAL_ONLY, False),
        (4096, 1, False),
        (SIZE + 4096, 1, False),
        (SIZE, 6, False),  # 1 GiB pages
    ],
)
def test_whole_pages_alone_are_exported_facts_10_1(
    here: Program, size: int, policy: int, fits: bool
) -> None:
    here.malloc("w", size, policy)
    status, key = here.export("w", size)
    assert status == (codes.SUCCESS if fits else DRIVER)
    if fits:
        here.close(key)
    else:
        assert "does not start a page of its kind" in (here.message() or "")


def test_a_page_within_an_allocation_is_exported_facts_10_1(here: Program, other: Process) -> None:
    here.malloc("w", 3 * SIZE)
    assert here.export("w", SIZE, 1, 4096)[0] == DRIVER
    status, key = here.export("w", 100, 1, SIZE)
    assert status == codes.SUCCESS
    here.write("w", b"second", SIZE)
    other.load("v", key)
    assert other.read("v", 6) == b"second"
    assert other.read("v", 101) == codes.RT_PARAM_INVALID
    assert other.violations() == ["AB-RT-0011"]
    other.close(key)
    here.close(key)


def test_what_is_no_memory_of_aclrtmalloc(here: Program) -> None:
    here.malloc("w", SIZE)
    here.free("w")
    assert here.export("w", SIZE)[0] == DRIVER
    here.at["w"] = here.acl.hold(bytearray(64))
    assert here.export("w", 64)[0] == DRIVER


def test_memory_is_exported_once_facts_8_11(here: Program) -> None:
    key = exported(here)
    assert here.export("w", SIZE)[0] == DRIVER
    assert "exported already" in (here.message() or "")
    here.close(key)
    status, again = here.export("w", SIZE)
    assert (status, again != key) == (codes.SUCCESS, True)
    here.close(again)


def test_a_process_must_be_allowed_facts_10_1(here: Program, other: Process) -> None:
    key = exported(here, flags=0)
    assert other.load("v", key) == DRIVER
    assert "aclrtIpcMemSetImportPid" in other.message()
    assert here.allow(key, os.getpid(), other.pid() + 1) == codes.SUCCESS
    assert other.load("v", key) == DRIVER
    assert here.allow(key, other.pid()) == codes.SUCCESS
    assert other.load("v", key) == codes.SUCCESS
    other.close(key)
    here.close(key)


def test_only_the_exporter_allows(here: Program, other: Process) -> None:
    key = exported(here, flags=0)
    assert other.allow(key, other.pid()) == DRIVER
    here.close(key)
    assert here.allow(key, 1) == DRIVER


def test_a_key_names_1024_processes_facts_8_11(here: Program, other: Process) -> None:
    key = exported(here, flags=0)
    assert here.allow(key, *range(2, 1025)) == codes.SUCCESS
    assert here.allow(key, 1, 2) == DRIVER
    assert here.allow(key, other.pid()) == codes.SUCCESS
    assert other.load("v", key) == codes.SUCCESS
    other.close(key)
    here.close(key)


def test_the_exporter_does_not_import_facts_8_11(here: Program) -> None:
    key = exported(here)
    assert here.load("v", key) == DRIVER
    assert "has exported the key itself" in (here.message() or "")
    assert here.close(key) == codes.SUCCESS


@pytest.mark.parametrize("key", [b"", b"nonsense", b"acl-fake-m-", b"x" * 64])
def test_no_key(here: Program, key: bytes) -> None:
    assert here.load("v", key) == DRIVER
    assert "it is not a key" in (here.message() or "")


def test_an_import_is_closed_as_often_as_it_was_made_facts_10_4(
    here: Program, other: Process
) -> None:
    key = exported(here)
    here.write("w", b"one")
    assert other.load("v", key) == other.load("u", key) == codes.SUCCESS
    assert other.close(key) == codes.SUCCESS
    assert other.read("u", 3) == b"one"
    assert other.read("v", 3) == codes.RT_PARAM_INVALID  # the oldest went first
    assert other.violations() == ["AB-RT-0010"]
    assert here.close(key) == codes.RT_PARAM_INVALID
    assert here.acl.violations() == ["AB-RT-0024"]
    assert other.close(key) == codes.SUCCESS
    assert other.close(key) == DRIVER
    assert other.violations() == ["AB-RT-0025"]
    assert here.close(key) == codes.SUCCESS


def test_a_key_is_closed_once(here: Program) -> None:
    key = exported(here)
    assert here.close(key) == codes.SUCCESS
    assert here.close(key) == DRIVER
    assert "ended by aclrtIpcMemClose" in (here.message() or "")
    assert here.close(b"nonsense") == DRIVER
    assert here.acl.violations() == ["AB-RT-0025", "AB-RT-0026"]


def test_a_key_of_another_process_is_not_closed_here(here: Program, other: Process) -> None:
    key = exported(here)
    assert other.close(key) == DRIVER
    assert other.violations() == ["AB-RT-0026"]
    assert here.close(key) == codes.SUCCESS


def test_memory_is_freed_after_its_key_was_closed_facts_10_1(here: Program, other: Process) -> None:
    key = exported(here)
    assert here.free("w") == codes.RT_PARAM_INVALID
    assert "imported by nobody" in (here.message() or "")
    other.load("v", key)
    assert here.free("w") == codes.RT_PARAM_INVALID
    assert "imported by another process" in (here.message() or "")
    assert here.acl.violations() == ["AB-RT-0023"] * 2
    other.close(key)
    here.close(key)
    assert here.free("w") == codes.SUCCESS


def test_in_faithful_mode_it_goes_and_the_importer_is_told(here: Program, other: Process) -> None:
    key = exported(here)
    other.load("v", key)
    here.set("mode", "faithful")
    assert here.free("w") == codes.SUCCESS
    assert here.acl.violations() == ["AB-RT-0023"]
    assert other.read("v", 4) == codes.RT_PARAM_INVALID
    assert other.violations() == ["AB-RT-0028"]
    assert other.close(key) == codes.SUCCESS
    assert here.close(key) == DRIVER
    assert here.acl.violations() == ["AB-RT-0025"]


def test_a_stale_key_does_not_end_an_import(here: Program, other: Process) -> None:
    """Its descriptor may be another export's now, which this process has imported."""
    stale = exported(here)
    here.close(stale)
    status, key = here.export("w", SIZE)
    assert status == codes.SUCCESS
    assert key.rpartition(b"-")[0] == stale.rpartition(b"-")[0]  # the same descriptor
    other.load("v", key)
    assert other.load("u", stale) == DRIVER
    assert "no longer there" in (other.message() or "")
    assert here.close(key) == codes.RT_PARAM_INVALID
    assert here.acl.violations() == ["AB-RT-0024"]
    other.close(key)
    assert here.close(key) == codes.SUCCESS


def test_imported_memory_is_not_freed(here: Program, other: Process) -> None:
    key = exported(here)
    other.load("v", key)
    assert other.free("v") == codes.RT_PARAM_INVALID
    assert other.violations() == ["AB-RT-0027"]
    other.close(key)
    assert other.free("v") == codes.RT_PARAM_INVALID
    assert other.violations() == ["AB-RT-0007"]
    here.close(key)


def test_after_the_exporter_closed_nobody_imports(here: Program, other: Process) -> None:
    key = exported(here)
    here.close(key)
    assert other.load("v", key) == DRIVER
    assert "no longer there" in other.message()


def test_the_exporter_ends_before(here: Program, other: Process) -> None:
    key = exported(other)
    other.write("w", b"alive")
    assert here.load("v", key) == codes.SUCCESS
    assert here.read("v", 5) == b"alive"
    other.kill()
    assert here.read("v", 5) == codes.RT_PARAM_INVALID
    assert here.acl.violations() == ["AB-RT-0028"]
    assert here.load("u", key) == DRIVER
    assert here.close(key) == codes.SUCCESS
    assert here.live() == ["device"]


def test_an_importer_that_ended_holds_nothing(here: Program) -> None:
    key = exported(here)
    other = Process(here.acl)
    assert other.load("v", key) == codes.SUCCESS
    other.kill()
    assert here.close(key) == codes.SUCCESS
    assert here.free("w") == codes.SUCCESS


def test_a_fork_of_the_importer_holds_nothing(here: Program, other: Process) -> None:
    """A lock of the exporter's or an importer's process is not its forks'."""
    key = exported(other)
    assert here.load("v", key) == codes.SUCCESS
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    assert other.close(key) == codes.RT_PARAM_INVALID
    assert other.violations() == ["AB-RT-0024"]
    assert here.close(key) == codes.SUCCESS
    assert other.close(key) == codes.SUCCESS


def test_a_reset_of_the_fake_closes_all(here: Program, other: Process) -> None:
    key = exported(other)
    here.load("v", key)
    here.acl.reset()
    assert other.close(key) == codes.SUCCESS
    assert other.free("w") == codes.SUCCESS


def test_what_was_never_written_is_so_in_both(here: Program, other: Process) -> None:
    """The marks of written bytes are shared, too: those beside the block are not touched."""
    here.malloc("before", 4096, NORMAL_ONLY)
    here.malloc("w", 4096, NORMAL_ONLY)
    here.malloc("after", 4096, NORMAL_ONLY)
    here.write("before", b"b" * 4096)
    status, key = here.export("w", 4096)
    assert status == codes.SUCCESS
    other.malloc("own", 4096, NORMAL_ONLY)
    other.load("v", key)
    other.write("v", b"v" * 4096)
    assert here.read("w", 4096) == b"v" * 4096
    assert here.read("before", 4096) == b"b" * 4096
    assert here.read("after", 4096) == b"\xa5" * 4096
    assert other.read("own", 4096) == b"\xa5" * 4096
    other.close(key)
    here.close(key)


def test_a_stream_may_still_use_it(here: Program, other: Process) -> None:
    key = exported(here)
    other.load("v", key)
    other.stream("s")
    other.slow("aclrtMemsetAsync", 50)
    assert other.run("aclrtMemsetAsync", "v", 4, 7, 4, "s") == codes.SUCCESS
    assert other.close(key) == codes.RT_PARAM_INVALID
    assert other.violations() == ["AB-STR-0002"]
    assert other.run("aclrtSynchronizeStream", "s") == codes.SUCCESS
    assert other.close(key) == codes.SUCCESS
    assert here.read("w", 4) == b"\7" * 4
    here.close(key)


def test_nothing_has_a_name_in_a_file_system(here: Program, other: Process) -> None:
    before = {*Path("/dev/shm").iterdir()} if Path("/dev/shm").is_dir() else set()
    key = exported(other)
    here.load("v", key)
    if Path("/dev/shm").is_dir():
        assert {*Path("/dev/shm").iterdir()} == before
    here.close(key)
    other.close(key)


@pytest.fixture
def far(ready: Acl) -> Iterator[Process]:
    """Another process, on the second card."""
    process = Process(ready, ASCEND_RT_VISIBLE_DEVICES="1", ACL_FAKE_DEVICES="2")
    try:
        yield process
        assert process.violations() == process.unexplained() == []
    finally:
        process.leave()


def test_across_cards_the_way_must_be_open_facts_10_1(here: Program, far: Process) -> None:
    key = exported(here)
    assert far.load("v", key) == DRIVER
    assert "may not reach" in far.message()
    assert far.load("v", key, 1) == codes.SUCCESS
    assert far.close(key) == codes.SUCCESS
    assert far.load("v", key) == codes.SUCCESS  # the way stays open
    far.close(key)
    here.close(key)


def test_across_cards_some_copies_are_not_facts_10_1(here: Program, far: Process) -> None:
    key = exported(here)
    here.write("w", b"far")
    far.load("v", key, 1)
    far.malloc("own", SIZE)
    far.stream("s")
    wrong = codes.RT_PARAM_INVALID
    assert far.read("v", 3) == wrong
    assert far.write("v", b"far") == wrong
    assert far.run("aclrtMemcpy", "own", 3, "v", 3, 3) == wrong
    assert far.run("aclrtMemcpyAsync", "own", 3, "v", 3, 4, "s") == wrong
    assert far.violations() == ["AB-RT-0029"] * 4
    assert far.run("aclrtMemcpyAsync", "own", 3, "v", 3, 3, "s") == codes.SUCCESS
    assert far.run("aclrtSynchronizeStream", "s") == codes.SUCCESS
    assert far.read("own", 3) == b"far"
    far.close(key)
    here.close(key)

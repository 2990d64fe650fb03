"""Forks: a device is its process's alone (facts 1.1; public constraints of AscendCL on fork).

CANN's own words are that a process which calls ACL must not be forked. What aclInit begins is not
ended by aclFinalize: the content of its configuration stays for the life of the process (facts
1.1). So a fork is refused from the first aclInit or device on, and free before.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from .. import codes
from ..face import Acl
from .test_refusals import STATUSES


def forked(act: Callable[[], object]) -> None:
    """Run what asserts in a fork, which ends before a minute is over."""
    child = os.fork()
    if child == 0:
        signal.alarm(60)
        try:
            act()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def works(acl: Acl) -> None:
    """All that a fork needs anew: locks, the device, its memory, a stream's thread."""
    acl.start()
    stream, data = acl.new("aclrtStream *"), acl.on_device(bytes(8))
    assert acl.aclrtCreateStream(stream) == codes.SUCCESS
    assert acl.aclrtMemsetAsync(data, 8, 7, 8, stream[0]) == codes.SUCCESS
    assert acl.aclrtSynchronizeStream(stream[0]) == codes.SUCCESS
    assert acl.download(data, 8) == b"\7" * 8


def refused(acl: Acl, parent: int, by: str) -> None:
    assert acl.aclInit(acl.NULL) == codes.RT_INTERNAL_ERROR
    text = acl.message() or ""
    assert f"was forked from process {parent}, which had called {by} (call " in text
    assert text.startswith("aclInit: ")


BEGINNINGS: dict[str, Callable[[Acl], int]] = {
    "aclInit": lambda acl: int(acl.aclInit(acl.NULL)),
    "aclrtSetDevice": lambda acl: int(acl.aclrtSetDevice(0)),
    "aclrtCreateContext": lambda acl: int(acl.aclrtCreateContext(acl.new("aclrtContext *"), 0)),
}
HARMLESS: dict[str, Callable[[Acl], int]] = {
    "nothing": lambda _: 0,
    "aclrtGetDeviceCount": lambda acl: int(acl.aclrtGetDeviceCount(acl.new("uint32_t *"))),
    "aclCreateDataBuffer": lambda acl: int(acl.aclCreateDataBuffer(acl.NULL, 0) == acl.NULL),
    "a refused aclInit": lambda acl: int(acl.aclInit(b"/no/such.json") == 0),
    "a refused device": lambda acl: int(acl.aclrtSetDevice(99) == 0),
}


@pytest.mark.parametrize("before", HARMLESS)
def test_a_fork_of_a_process_that_had_not_begun_works(acl: Acl, before: str) -> None:
    assert HARMLESS[before](acl) == 0
    forked(lambda: works(acl))
    works(acl)


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_a_fork_after_the_beginning_is_told_why(acl: Acl, begin: str) -> None:
    parent = os.getpid()
    assert BEGINNINGS[begin](acl) == codes.SUCCESS
    forked(lambda: refused(acl, parent, begin))
    assert acl.aclrtSetDevice(0) == codes.SUCCESS


def test_aclinit_is_named_even_when_it_was_not_the_first(acl: Acl) -> None:
    parent = os.getpid()
    acl.start()
    forked(lambda: refused(acl, parent, "aclInit"))


def test_aclfinalize_takes_nothing_back_facts_1_1(acl: Acl) -> None:
    parent = os.getpid()
    assert acl.aclInit(acl.NULL) == codes.SUCCESS
    assert acl.aclFinalize() == codes.SUCCESS
    forked(lambda: refused(acl, parent, "aclInit"))


def test_a_reset_makes_a_fresh_process_of_it(acl: Acl) -> None:
    acl.start()
    acl.reset()
    forked(lambda: works(acl))


def test_the_fork_of_a_fork_names_who_had_begun(acl: Acl) -> None:
    parent = os.getpid()
    acl.start()
    forked(lambda: forked(lambda: refused(acl, parent, "aclInit")))


def test_the_fork_of_a_free_fork_too(acl: Acl) -> None:
    def child() -> None:
        forked(lambda: works(acl))
        works(acl)
        own = os.getpid()
        forked(lambda: refused(acl, own, "aclInit"))

    forked(child)


def test_every_function_is_refused_with_a_text(ready: Acl) -> None:
    """No argument is looked at, so none is given."""
    library = ctypes.CDLL(str(ready.path))

    def child() -> None:
        for name in STATUSES:
            assert getattr(library, name)() == codes.RT_INTERNAL_ERROR, name
            assert (ready.message() or "").startswith(f"{name}: this process "), name

    forked(child)


def test_controls_say_so_and_change_nothing(ready: Acl) -> None:
    def child() -> None:
        for control, arguments in (
            ("aclfakeSet", (b"devices", b"2")),
            ("aclfakeFail", (b"aclrtMalloc", 1, 5)),
            ("aclfakeLatency", (b"aclrtMalloc", 1, 0)),
            ("aclfakeCallback", (1, ready.NULL, ready.NULL)),
            ("aclfakeReset", ()),
        ):
            assert getattr(ready, control)(*arguments) == -2
            assert "which had called aclInit" in (ready.message() or "")
        settings = {row["key"]: row["value"] for row in ready.read("settings")}
        assert settings["devices"] == "8"
        assert ready.live() == ["device"]

    forked(child)


def test_what_was_set_before_holds_in_the_fork(acl: Acl) -> None:
    acl.set("devices", 2)
    acl.set("trace", "on")
    acl.fail("aclrtMalloc", 1, codes.RT_MEMORY_ALLOCATION)
    acl.aclfakeLatency(b"aclrtGetRunMode", 3_000_000, 0)

    def child() -> None:
        acl.start()
        assert acl.aclrtSetDevice(2) == codes.RT_INVALID_DEVICEID
        assert acl.aclrtMalloc(acl.new("void **"), 8, 0) == codes.RT_MEMORY_ALLOCATION
        assert acl.aclrtGetRunMode(acl.new("aclrtRunMode *")) == codes.SUCCESS
        rows = acl.read("trace")
        assert [row["function"] for row in rows][-4:] == [
            "aclrtSetDevice", "aclrtSetDevice", "aclrtMalloc", "aclrtGetRunMode",
        ]  # fmt: skip
        assert rows[-1]["ns"] >= 3_000_000
        assert rows[-1]["thread"] == os.getpid()

    forked(child)
    acl.fail("aclrtMalloc", 1, 0)


def test_forks_while_other_threads_are_inside(acl: Acl) -> None:
    """A lock that is held at the fork would be held in the child for ever."""
    done = threading.Event()

    def objects() -> None:
        while not done.is_set():
            acl.aclDestroyDataBuffer(acl.aclCreateDataBuffer(acl.NULL, 0))

    def controls() -> None:
        while not done.is_set():
            acl.aclfakeFail(b"aclopLoad", 1, 5)
            acl.aclfakeRead(b"report", acl.NULL, 0)
            acl.aclInit(b"/no/such.json")
            acl.aclrtSetDevice(99)

    acl.set("trace", "on")
    threads = [threading.Thread(target=target) for target in (objects, objects, controls)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(40):
            forked(lambda: works(acl))
    finally:
        done.set()
        for thread in threads:
            thread.join()


@pytest.mark.timed
def test_a_fork_does_not_wait_for_ever(acl: Acl, tmp_path: Path) -> None:
    """A thread that is held up inside holds up no fork: its child is told that."""
    fifo = tmp_path / "trace"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    acl.set("trace", fifo)
    done, mode = threading.Event(), acl.new("aclrtRunMode *")

    def fill() -> None:
        while not done.is_set():
            acl.aclrtGetRunMode(mode)

    def child() -> None:
        assert acl.aclInit(acl.NULL) == codes.RT_INTERNAL_ERROR
        assert "while another thread was inside this library" in (acl.message() or "")
        assert acl.aclfakeRead(b"calls", acl.NULL, 0) == 0
        assert acl.aclfakeSet(b"devices", b"2") == -2

    thread = threading.Thread(target=fill)
    thread.start()
    try:
        until, stopped = time.monotonic() + 30, -1
        while stopped != (stopped := calls(acl)) and time.monotonic() < until:
            time.sleep(0.2)  # until the pipe is full, and the thread waits in write()
        forked(child)
    finally:
        done.set()
        while thread.is_alive():
            drain(reader)
            thread.join(0.01)
        acl.set("trace", "off")
        os.close(reader)


def calls(acl: Acl) -> int:
    return int(sum(row["calls"] for row in acl.read("calls")))


def drain(reader: int) -> None:
    with contextlib.suppress(BlockingIOError):
        while os.read(reader, 1 << 16):
            pass

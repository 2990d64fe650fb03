"""Which line of a Python program sinned, or made what it left: without any help of Python's."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from acl_bundle import fake

from ..face import Acl

HEAD = """
import ctypes, sys, threading
acl = ctypes.CDLL(sys.argv[1])
block = ctypes.c_void_p()

def take():
    return acl.aclrtMalloc(ctypes.byref(block), ctypes.c_size_t(64), 0)

def give():
    return acl.aclrtFree(block)

def sin():
    return acl.aclrtFree(ctypes.c_void_p(16))
"""


def run(tmp_path: Path, source: str, **settings: str) -> list[str]:
    """What the fake told, without the process's number; ``app.py`` begins at line 1 of HEAD."""
    program = tmp_path / "app.py"
    program.write_text(HEAD + source)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ACL_")}
    environment |= {f"ACL_FAKE_{key}": value for key, value in settings.items()}
    done = subprocess.run(
        [sys.executable, "-I", program, fake.library_path()],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = done.stderr.replace(f"{tmp_path}/", "")
    return re.sub(r"^acl fake \d+: ", "acl fake: ", text, flags=re.MULTILINE).splitlines()


def places(lines: list[str]) -> list[str]:
    return [x.strip() for x in lines if x.strip().startswith(("at ", "made at ", "ended at "))]


def test_a_violation_knows_its_line(tmp_path: Path) -> None:
    lines = run(tmp_path, "sin()\n", REPORT="live")
    assert lines[0].startswith("acl fake: AB-RT-0006 error in aclrtFree (call 1): ")
    assert lines[1] == "    at app.py:13 in sin"


def test_what_is_made_and_ended_does_where_that_is_wanted(tmp_path: Path) -> None:
    source = "acl.aclrtSetDevice(0)\ntake()\ngive()\ngive()\n"
    assert places(run(tmp_path, source, LINES="on"))[:3] == [
        "at app.py:10 in give", "made at app.py:7 in take", "ended at app.py:10 in give",
    ]  # fmt: skip
    assert [x.partition("+0x")[0] for x in places(run(tmp_path, source, LINES="off"))[1:3]] == [
        "made at libffi.so.8", "ended at libffi.so.8",
    ]  # fmt: skip


def test_leaks_of_two_lines_are_two(tmp_path: Path) -> None:
    source = "acl.aclrtSetDevice(0)\ntake()\nfor _ in range(3):\n    take()\n"
    lines = run(tmp_path, source + "def other():\n    take()\nother()\n", LINES="on")
    assert lines == [
        "acl fake: 6 things were not given back",
        "       1  device, made by aclrtSetDevice (call 1)",
        "          at app.py:14 in <module>",
        "       5  device memory of 320 bytes, made by aclrtMalloc (call 2) first",
        "          at app.py:7 in take",
    ]


def test_another_thread_has_its_own_line(tmp_path: Path) -> None:
    source = """
thread = threading.Thread(target=sin)
thread.start()
while thread.is_alive():
    pass                        # has the GIL, and gives it up now and then
"""
    assert places(run(tmp_path, source)) == ["at app.py:13 in sin"]


def test_an_exception_that_is_on_its_way_stays(tmp_path: Path) -> None:
    source = """
class Owner:
    def __del__(self):
        sin()

try:
    owner = Owner()
    del owner
    raise KeyError("mine")
except KeyError as error:
    assert str(error) == "'mine'"
"""
    assert places(run(tmp_path, source)) == ["at app.py:13 in sin"]


def test_the_end_of_the_interpreter_is_survived(tmp_path: Path) -> None:
    """Globals go when there are no frames any more, and other threads hang then."""
    source = """
import atexit, gc, weakref
free = acl.aclrtFree

class Owner:
    def __del__(self, free=free, null=ctypes.c_void_p(16)):
        free(null)

owner = Owner()
weakref.finalize(owner, free, ctypes.c_void_p(17))
atexit.register(free, ctypes.c_void_p(18))

begun = threading.Event()

def for_ever():
    while True:
        free(ctypes.c_void_p(19))
        begun.set()

for _ in range(3):
    threading.Thread(target=for_ever, daemon=True).start()
begun.wait()
"""
    lines = run(tmp_path, source, LINES="on")
    rows = {line: int(row.split()[0]) for row, line in pairwise(lines) if "AB-RT-0006" in row}
    assert rows.pop("    at app.py:30 in for_ever") > 0
    assert sum(rows.values()) >= 2


def test_a_forked_process_knows_its_lines(tmp_path: Path) -> None:
    source = """
import os
child = os.fork()
if child == 0:
    sin()
    sys.exit(0)
os.waitpid(child, 0)
"""
    assert places(run(tmp_path, source)) == ["at app.py:13 in sin"]


def test_rows_say_where(acl: Acl) -> None:
    acl.set("lines", "on")
    acl.start()
    acl.malloc(64)
    acl.aclrtFree(acl.ffi.cast("void *", 16))
    (violation,) = acl.read("violations")
    assert violation["at"].endswith("in test_rows_say_where")
    assert {row["at"].rpartition(" in ")[2] for row in acl.read("live")} == {"start", "malloc"}
    assert acl.violations() == ["AB-RT-0006"]
    acl.message()

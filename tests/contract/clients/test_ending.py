"""What a C program leaves behind is on stderr, with the place that did it, and in its status."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from acl_bundle import fake

from ..face import ROOT, Acl
from .program import compiled

FAILED = 86
DEVICE = "       1  device, made by aclrtSetDevice (call 2)"


@pytest.fixture(scope="module")
def program(_library: Acl, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program, whose functions the dynamic loader knows."""
    return compiled(
        tmp_path_factory.mktemp("ending"), "ending", _library, "-D_GNU_SOURCE", "-rdynamic"
    )


class Ended(NamedTuple):
    """How it ended. The process's number in stderr is left out."""

    status: int
    out: str
    lines: list[str]

    @property
    def heads(self) -> list[str]:
        """The lines that begin a table or tell a violation."""
        return [line for line in self.lines if line.startswith("acl fake: ")]


def end(program: Path, *words: str, **settings: str) -> Ended:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ACL_")}
    environment |= {f"ACL_FAKE_{key}": value for key, value in settings.items()}
    done = subprocess.run(
        [program, *words],
        env=environment | {"LD_LIBRARY_PATH": str(fake.library_path().parent)}, cwd=program.parent,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    text = re.sub(r"^acl fake \d+: ", "acl fake: ", done.stderr, flags=re.MULTILINE)
    return Ended(done.returncode, done.stdout, text.splitlines())


def test_nothing_to_tell_is_not_told(program: Path) -> None:
    for report in ("live", "exit"):
        ended = end(program, "init", "take", "give", "reset", "finalize", REPORT=report)
        assert ended == (0, "", [])


def test_a_violation_is_told_with_its_history_and_its_places(program: Path) -> None:
    ended = end(program, "init", "take", "give", "again", "reset")
    assert ended.status == 0
    assert ended.lines[0] == "acl fake: 1 violation (ACL_FAKE_REPORT=off silences this)"
    assert re.fullmatch(
        r"       1  AB-RT-0007 error in aclrtFree \(call 5\): devPtr 0x\w+, made by aclrtMalloc"
        r" \(call 3\), ended by aclrtFree \(call 4\): this memory was freed before",
        ended.lines[1],
    )
    places = [re.sub(r"0x\w+", "0x", line) for line in ended.lines[2:]]
    assert places == [
        "    at give+0x (ending+0x)",
        "    made at take+0x (ending+0x)",
        "    ended at give+0x (ending+0x)",
    ]


def test_live_it_is_told_before_the_program_goes_on(program: Path) -> None:
    """Also by a program that never comes to an end of its own."""
    ended = end(program, "init", "sin:1", "kill:9", REPORT="live")
    assert ended.status == -9
    assert ended.lines[0] == (
        "acl fake: AB-RT-0006 error in aclrtFree (call 3): devPtr 0x1230: no device memory was"
        " ever allocated at this address"
    )
    stack = [re.sub(r"0x\w+", "0x", line) for line in ended.lines[1:]]
    assert stack[:2] == ["    at give+0x (ending+0x)", "    at sin_often+0x (ending+0x)"]
    assert stack[-1] == "    at main+0x (ending+0x)"


def test_a_place_is_what_addr2line_takes(program: Path) -> None:
    (line,) = [x for x in end(program, "sin:1").lines if x.startswith("    at ")]
    offset = line.partition("ending+")[2].rstrip(")")
    done = subprocess.run(
        ["addr2line", "-fe", program, offset], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[0] == "give"


def test_thousands_of_a_kind_are_counted(program: Path) -> None:
    ended = end(program, "sin:5000", REPORT="live")
    told = [line for line in ended.heads if "AB-RT-0006" in line]
    assert len(told) == 10
    assert "    10 times here; from now on they are only counted" in ended.lines
    assert "acl fake: 5000 violations (ACL_FAKE_REPORT=off silences this)" in ended.lines
    assert any(line.startswith("    5000  AB-RT-0006 error in") for line in ended.lines)


def test_leaks_are_told_by_place_without_finalize(program: Path) -> None:
    ended = end(program, "init", *["take"] * 50)
    assert ended.lines[:2] == ["acl fake: 51 things were not given back", DEVICE]
    assert ended.lines[3] == (
        "      50  device memory of 204800 bytes, made by aclrtMalloc (call 3) first"
    )
    assert re.fullmatch(r"          at take\+0x\w+ \(ending\+0x\w+\)", ended.lines[4])


def test_what_is_given_back_after_finalize_is_told(program: Path) -> None:
    ended = end(program, "init", "take", "finalize", "give", "reset", FAIL_ON="leak")
    assert ended == (
        FAILED, "", ["acl fake: 2 things were given back only after aclFinalize"],
    )  # fmt: skip


def test_a_handler_of_atexit_may_give_back(program: Path) -> None:
    ended = end(program, "init", "take", "atexit", "exit:0", FAIL_ON="leak", REPORT="exit")
    assert ended.lines[:2] == ["acl fake: 1 thing was not given back", DEVICE]


def test_off_is_silent_and_counts(program: Path) -> None:
    assert end(program, "init", "take", "sin:3", REPORT="off") == (0, "", [])
    assert end(program, "sin:3", REPORT="off", FAIL_ON="error") == (FAILED, "", [])


@pytest.mark.parametrize(
    ("fail_on", "words", "status"),
    [
        ("never", ("sin:1",), 0),
        ("error", (), 0),
        ("error", ("sin:1",), FAILED),
        ("error", ("init", "warn", "take"), 0),
        ("warning", ("init", "warn", "reset"), FAILED),
        ("warning", ("sin:1",), FAILED),
        ("warning", ("init", "take"), 0),
        ("leak", ("init",), FAILED),
        ("leak", ("init", "finalize"), FAILED),
        ("leak", ("init", "warn", "reset"), 0),
        ("leak", ("sin:1",), FAILED),
        ("leak,warning", ("init", "warn", "reset"), FAILED),
        ("warning,leak", ("init",), FAILED),
    ],
)
def test_what_fails_a_process(
    program: Path, fail_on: str, words: tuple[str, ...], status: int
) -> None:
    for last in ("return:0", "exit:0", "exit:256"):
        assert end(program, *words, last, FAIL_ON=fail_on).status == status


@pytest.mark.parametrize("last", ["return:3", "exit:3"])
def test_a_program_that_fails_keeps_its_status(program: Path, last: str) -> None:
    ended = end(program, "sin:1", last, FAIL_ON="error")
    assert (ended.status, len(ended.heads)) == (3, 1)


@pytest.mark.parametrize(
    ("last", "status"), [("_exit:0", 0), ("quick_exit:0", 0), ("abort", -6), ("kill:15", -15)]
)
def test_these_ends_have_no_table_and_their_own_status(
    program: Path, last: str, status: int
) -> None:
    assert end(program, "sin:1", last, FAIL_ON="error") == (status, "", [])
    live = end(program, "sin:1", last, FAIL_ON="error", REPORT="live")
    assert (live.status, len(live.heads)) == (status, 1)


def test_stdout_is_flushed_when_the_status_changes(program: Path) -> None:
    assert end(program, "sin:1", "print:all of it", FAIL_ON="error").out == "all of it\n"


@pytest.mark.parametrize("report", ["live", "exit"])
@pytest.mark.parametrize("word", ["unread", "close:2"])
def test_a_stderr_that_nobody_reads_changes_nothing(program: Path, report: str, word: str) -> None:
    ended = end(program, word, "sin:100", "print:on", "exit:0", REPORT=report, FAIL_ON="error")
    assert ended == (FAILED, "on\n", [])
    assert end(program, word, "sin:100", "exit:0", REPORT=report).status == 0


@pytest.mark.parametrize("report", ["live", "exit"])
def test_without_memory_it_is_told_all_the_same(program: Path, report: str) -> None:
    ended = end(
        program, "init", "take", "starve", "sin:20", "exit:0", REPORT=report, FAIL_ON="error"
    )
    assert ended.status == FAILED
    assert "acl fake: 20 violations (ACL_FAKE_REPORT=off silences this)" in ended.heads
    assert any(line.startswith("      20  AB-RT-0006 error in") for line in ended.lines)


def test_a_thread_that_goes_on_does_not_stop_the_end(program: Path) -> None:
    ended = end(program, "thread", "sin:1", "exit:0", FAIL_ON="error")
    assert ended.status == FAILED
    assert "more at other places" not in "".join(ended.lines)


def test_exit_from_a_handler_of_a_signal_ends(program: Path) -> None:
    """Wherever in the library the signal came."""
    ended = end(program, "alarm", FAIL_ON="error")
    assert ended.status == FAILED
    assert len(ended.heads) == 1


def test_a_fork_tells_what_it_did_itself(program: Path) -> None:
    ended = end(program, "sin:2", "fork", "init", "take", "sin:3", "exit:0", FAIL_ON="error")
    assert (ended.status, ended.out) == (FAILED, f"child {FAILED}\n")
    assert ended.heads == [
        "acl fake: 3 violations (ACL_FAKE_REPORT=off silences this)",
        "acl fake: 2 things were not given back",
        "acl fake: 2 violations (ACL_FAKE_REPORT=off silences this)",
    ]


def test_a_fork_has_not_what_its_parent_leaves(program: Path) -> None:
    ended = end(program, "init", "fork", "exit:0", FAIL_ON="leak")
    assert ended.out == "child 0\n"
    assert ended.heads == ["acl fake: 1 thing was not given back"]
    assert ended.status == FAILED


def test_what_a_name_holds_does_not_reach_the_terminal(_library: Acl, tmp_path: Path) -> None:
    (tmp_path / "a\x1b[31m.json").write_text("{}")
    source = tmp_path / "name.c"
    source.write_text(
        '#include <stddef.h>\n#include <stdint.h>\n#include "acl/acl_types.h"\n'
        '#include "acl/acl_api.h"\nint main(void)\n{\n    aclInit("a\\x1b[31m.json");\n'
        "    aclFinalize();\n    aclInit(NULL);\n    return 0;\n}\n"
    )
    program = source.with_suffix("")
    subprocess.run(
        [os.environ.get("CC", "cc"), "-I", ROOT / "csrc", source, "-o", program,
         "-L", _library.path.parent, "-lascendcl"],
        check=True, timeout=60,
    )  # fmt: skip
    for report in ("live", "exit"):
        (told,) = [x for x in end(program, REPORT=report).lines if "  AB-RT-0020" in x]
        assert "a\\x1b[31m.json" in told
    assert "\x1b" not in "".join(end(program, REPORT="live").lines)

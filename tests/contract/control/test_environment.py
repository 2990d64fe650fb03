"""Settings that a process is started with: ACL_FAKE_* (fakes/aclfake.h)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .. import codes
from ..face import Acl

# A program that knows nothing of the fake: it opens the library and runs. It
# prints the statuses of some calls.
PROGRAM = """
import ctypes, sys
acl = ctypes.CDLL(sys.argv[1])
acl.aclGetRecentErrMsg.restype = ctypes.c_char_p
acl.aclrtGetSocName.restype = ctypes.c_char_p
init = acl.aclInit(None)
text = (acl.aclGetRecentErrMsg() or b"").decode()
count, mode, pointer = ctypes.c_uint32(), ctypes.c_int(), ctypes.c_void_p()
free, total = ctypes.c_size_t(), ctypes.c_size_t()
acl.aclrtGetDeviceCount(ctypes.byref(count))
acl.aclrtGetRunMode(ctypes.byref(mode))
acl.aclrtSetDevice(0)
sizes = (1 << 20, 1 << 20, 1 << 20)
mallocs = [acl.aclrtMalloc(ctypes.byref(pointer), ctypes.c_size_t(n), 0) for n in sizes]
acl.aclrtGetMemInfo(1, ctypes.byref(free), ctypes.byref(total))
print([init, text, count.value, mode.value, acl.aclrtGetSocName().decode(), mallocs, total.value])
if "end" in sys.argv:
    print(acl.aclFinalize(), file=sys.stderr)
if "reset" in sys.argv:
    acl.aclfakeSet(b"devices", b"7")
    acl.aclfakeReset()
    acl.aclrtGetDeviceCount(ctypes.byref(count))
    print(count.value)
"""


def run(acl: Acl, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("ACL_")}
    env.update({f"ACL_FAKE_{key}": value for key, value in settings.items()})
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, acl.path, *words],
        env=env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def answers(acl: Acl, **settings: str) -> dict[str, Any]:
    values = eval(run(acl, **settings).stdout)
    names = ("init", "text", "devices", "mode", "soc", "mallocs", "memory")
    return dict(zip(names, values, strict=True))


def test_without_any_the_defaults_hold(acl: Acl) -> None:
    assert answers(acl) == {
        "init": 0, "text": "", "devices": 8, "mode": 1, "soc": "Ascend910B3",
        "mallocs": [0, 0, 0], "memory": 64 << 30,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "value", "what", "answer"),
    [
        ("DEVICES", "3", "devices", 3),
        ("RUN_MODE", "device", "mode", 0),
        ("SOC", "Ascend310P3", "soc", "Ascend310P3"),
        ("MEMORY", str(2 << 20), "memory", 2 << 20),
        ("MEMORY", str(3 << 20), "mallocs", [0, 0, codes.RT_MEMORY_ALLOCATION]),
        ("MEMORY_ENDS", str(3 << 20), "mallocs", [0, 0, codes.RT_MEMORY_ALLOCATION]),
        ("MEMORY_ENDS", "never", "mallocs", [0, 0, 0]),
        ("FAIL", "aclrtMalloc:2:207001", "mallocs", [0, 207001, 0]),
        ("FAIL", "aclInit:1:500000,aclrtMalloc:0:-1", "mallocs", [-1, -1, -1]),
        ("FAIL", "*:1:507899", "init", 507899),
    ],
)
def test_what_a_variable_does(
    acl: Acl, setting: str, value: str, what: str, answer: object
) -> None:
    assert answers(acl, **{setting: value})[what] == answer


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("DEVICE", "3", "ACL_FAKE_DEVICE: there is no such setting"),
        ("devices", "3", "ACL_FAKE_devices: there is no such setting"),
        ("DEVICES", "many", "ACL_FAKE_DEVICES: "),
        ("MODE", "", "strict or faithful"),
        ("FAIL", "aclrtMaloc:1:207001", "a function of AscendCL"),
        ("FAIL", "aclrtMalloc:1", "function:nth:code"),
        ("FAIL", "aclrtMalloc:1:0", "a code that is not 0"),
        ("LATENCY", "aclrtMalloc", "function:nanoseconds"),
        ("LATENCY", "*:1", "function:nanoseconds"),
        ("LATENCY", "aclrtMalloc:1:-2", "function:nanoseconds"),
        ("PROFILE", "fast", "none, atlas-300i or 910b"),
        ("HIDE", "aclNothing", "patterns that match"),
        ("TRACE", "/nowhere/trace.jsonl", "a file that can be written"),
        ("REPORT", "yes", "live, exit or off"),
        ("REPORT", "on", "live, exit or off"),
        ("FAIL_ON", "", "never, or of error, warning and leak"),
        ("FAIL_ON", "error,", "never, or of error, warning and leak"),
        ("FAIL_ON", "errors", "never, or of error, warning and leak"),
        ("FAIL_ON", "error leak", "never, or of error, warning and leak"),
        ("LINES", "1", "on or off"),
    ],
)
def test_bad_variables_are_refused_by_the_first_call(
    acl: Acl, setting: str, value: str, says: str
) -> None:
    given = answers(acl, **{setting: value})
    assert given["init"] == codes.INVALID_PARAM
    assert says in given["text"]
    assert given["devices"] == 8


def test_bad_variables_are_told_on_stderr_in_one_line(acl: Acl) -> None:
    """Once in a process, whatever is reset, for a client that ignores what aclInit returns."""
    done = run(acl, "reset", DEVICE="3", MODE="lax", REPORT="off")
    (line,) = done.stderr.splitlines()
    assert line.startswith("acl fake: environment variable ACL_FAKE_MODE: ")
    assert "should be strict or faithful" in line
    assert "; environment variable ACL_FAKE_DEVICE: there is no such setting" in line
    assert line.endswith("(aclInit refuses it)")


def test_good_variables_are_not(acl: Acl) -> None:
    assert "ACL_FAKE_DEVICES" not in run(acl, DEVICES="3").stderr


IGNORES = """
import ctypes, sys
acl = ctypes.CDLL(sys.argv[1])
acl.aclGetRecentErrMsg.restype = ctypes.c_char_p
acl.aclmdlCreateDesc.restype = ctypes.c_void_p
acl.aclInit(None)
acl.aclGetRecentErrMsg()
desc = ctypes.c_void_p(acl.aclmdlCreateDesc())
print([acl.aclmdlGetDesc(desc, 1), acl.aclGetRecentErrMsg().decode()])
work, weight, file = ctypes.c_size_t(), ctypes.c_size_t(), b"x" * 1000
print([acl.aclmdlQuerySizeFromMem(file, len(file), ctypes.byref(work), ctypes.byref(weight)),
       acl.aclGetRecentErrMsg().decode()])
"""


def test_what_needs_init_tells_the_variable_again_facts_1_1(acl: Acl) -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("ACL_")}
    done = subprocess.run(
        [sys.executable, "-I", "-c", IGNORES, acl.path], env=env | {"ACL_FAKE_DEVICES": "0"},
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    for line in done.stdout.splitlines():
        code, text = eval(line)
        assert code == codes.GE_EXEC_NOT_INIT
        assert "aclInit refuses to begin: environment variable ACL_FAKE_DEVICES: " in text


def test_a_profile_brings_its_machine(acl: Acl) -> None:
    given = answers(acl, PROFILE="atlas-300i")
    assert (given["soc"], given["memory"]) == ("Ascend310P3", 43693 << 20)


@pytest.mark.parametrize(
    ("setting", "value", "what", "answer"),
    [("SOC", "Ascend310P1", "soc", "Ascend310P1"), ("MEMORY", "9999999", "memory", 9999999)],
)
def test_what_is_chosen_beats_the_profile(
    acl: Acl, setting: str, value: str, what: str, answer: object
) -> None:
    chosen = {setting: value}
    given = answers(acl, PROFILE="atlas-300i", **chosen)
    machine = answers(acl, PROFILE="atlas-300i")
    assert given == machine | {what: answer, "mallocs": given["mallocs"]}


def test_every_setting_has_its_variable(acl: Acl) -> None:
    """The list in the message for an unknown key is complete and each works."""
    assert acl.aclfakeSet(b"no such", b"") == -1
    text = acl.message()
    assert text is not None
    keys = text.partition("there are ")[2].split(", ")
    assert len(keys) == 17
    values = {
        "mode": "faithful", "trace": "on", "run_mode": "host", "soc": "x", "devices": "2",
        "onnxruntime": "/x", "memory_ends": "never", "report": "off", "hide": "aclopLoad",
        "fail": "aclopLoad:1:5", "latency": "aclopLoad:1", "profile": "none", "memory": "9999999",
        "fail_on": "never", "lines": "on", "libjpeg": "/x", "libpng": "/x",
    }  # fmt: skip
    assert answers(acl, **{key.upper(): values[key] for key in keys})["init"] == 0


def test_a_latency_stands_on_top_of_a_profile(acl: Acl, tmp_path: Path) -> None:
    """Whatever their order in the environment."""
    path = tmp_path / "trace.jsonl"
    run(acl, LATENCY="aclInit:50000000", PROFILE="910b", TRACE=str(path))
    (init,) = [row for row in lines(path) if row["function"] == "aclInit"]
    assert init["ns"] >= 50_000_000


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_trace_into_a_file(acl: Acl, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    run(acl, TRACE=str(path), FAIL="aclrtMalloc:2:207001")
    rows = lines(path)
    assert [row["seq"] for row in rows] == [*range(1, len(rows) + 1)]
    mallocs = [row for row in rows if row["function"] == "aclrtMalloc"]
    assert [row["status"] for row in mallocs] == [0, 207001, 0]
    assert {*rows[0]} == {
        "seq", "function", "args", "status", "process", "thread", "thread_name", "start_ns", "ns",
    }  # fmt: skip
    assert "size=1048576" in mallocs[0]["args"]


def test_trace_into_a_file_is_appended_and_ends(acl: Acl, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    for _ in range(2):
        acl.set("trace", path)
        acl.aclrtGetRunMode(acl.new("aclrtRunMode *"))
        acl.set("trace", "off")
        acl.aclrtGetRunMode(acl.new("aclrtRunMode *"))
    assert [row["function"] for row in lines(path)] == ["aclrtGetRunMode"] * 2
    assert acl.read("trace") == []


def test_a_line_is_there_as_soon_as_the_call_ends(acl: Acl, tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    acl.set("trace", path)
    acl.aclmdlLoadFromFile(b'"\x01' * 300, acl.new("uint32_t *"))
    (row,) = lines(path)
    assert row["function"] == "aclmdlLoadFromFile"
    acl.message()


def test_reset_comes_back_to_the_environment(acl: Acl) -> None:
    assert run(acl, "reset", DEVICES="3").stdout.splitlines()[-1] == "3"

"""The environment CANN reads: ASCEND_RT_VISIBLE_DEVICES, and the table in docs/testing.md.

The lists are those of the runtime's own unit test (hicann/runtime,
GetVisibleDevicesByChipCloudTest0, three devices), and of its documentation (envref_07_0028).
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .. import codes
from ..control.test_environment import PROGRAM
from ..face import ROOT, Acl

VISIBLE = "ASCEND_RT_VISIBLE_DEVICES"
LISTS = {
    "": 0, ",0": 0, "0,1,5,7": 2, "1": 1, "1,,": 1, "1*": 1, "1,": 1, "0,1": 2, "0,1$0,": 2,
    "0#1,": 1,
    "-1,3": 0, "0,1,2": 3, "0,1,2,0": 3, "10,": 0, "10": 0, "10#": 0, "1,-1": 1, "0,1,1": 0,
    "1,0,1": 0, "1,1,0": 0, "0,1,3,4,5,6,7,8,9,1,2": 2, "1234567891012345678910123456789": 0,
    "1, 2": 1, " 1": 0, "2,1": 0, "1,0": 0, "0,2": 2, "01": 1, "3": 0, "+1": 0, "all": 0,
}  # fmt: skip


def count(acl: Acl) -> int:
    answer = acl.new("uint32_t *")
    status = acl.aclrtGetDeviceCount(answer)
    if status == codes.RT_NO_DEVICE:
        assert VISIBLE in (acl.message() or "")
        return 0
    assert status == codes.SUCCESS
    return int(answer[0])


@pytest.fixture
def three(acl: Acl, monkeypatch: pytest.MonkeyPatch) -> Acl:
    monkeypatch.delenv(VISIBLE, raising=False)
    acl.set("devices", 3)
    return acl


def test_without_the_variable_all_are_there(three: Acl) -> None:
    assert count(three) == 3


@pytest.mark.parametrize("given", LISTS)
def test_as_the_runtime_reads_it(three: Acl, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(VISIBLE, given)
    visible = LISTS[given]
    assert count(three) == visible
    for device in range(visible):
        assert three.aclrtSetDevice(device) == codes.SUCCESS
    for device in (visible, visible + 1, -1):
        assert three.aclrtSetDevice(device) == codes.RT_INVALID_DEVICEID
        assert f"{VISIBLE}={given}" in (three.message() or "")
    context = three.new("aclrtContext *")
    assert three.aclrtCreateContext(context, visible) == codes.RT_INVALID_DEVICEID
    three.message()


def test_devices_are_numbered_anew(three: Acl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VISIBLE, "1,2")
    device = three.new("int32_t *")
    assert three.aclrtSetDevice(1) == codes.SUCCESS
    assert three.aclrtGetDevice(device) == codes.SUCCESS
    assert device[0] == 1
    assert three.aclrtSetDevice(2) == codes.RT_INVALID_DEVICEID
    assert "not one of 0..1, the devices that ASCEND_RT_VISIBLE_DEVICES=1,2 leaves of 3" in (
        three.message() or ""
    )


def test_it_is_read_once_and_again_after_a_reset(
    three: Acl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime reads it when it begins, which a launcher may still come before."""
    monkeypatch.setenv(VISIBLE, "0")
    assert count(three) == 1
    monkeypatch.setenv(VISIBLE, "0,1")
    assert count(three) == 1
    three.reset()
    three.set("devices", 3)
    assert count(three) == 2


ROWS = re.findall(
    r"^\| (`[A-Z].*?) \| (.+) \|$", (ROOT / "docs/testing.md").read_text(), re.MULTILINE
)
NAMES = {name: what for names, what in ROWS for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", names)}
NOTHING = [name for name, what in NAMES.items() if what.startswith("Nothing")]


def run(acl: Acl, folder: Path, **given: str) -> tuple[str, str, list[Path]]:
    """Output, errors and files of a small program in a folder of its own."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ACL_", "ASCEND_"))}
    done = subprocess.run(
        [sys.executable, "-I", "-c", PROGRAM, acl.path],
        env={**env, "HOME": str(folder), "ACL_FAKE_REPORT": "off", **given}, cwd=folder,
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr, sorted(folder.rglob("*"))


def test_the_page_lists_the_environment() -> None:
    assert len(NOTHING) > 20
    assert {*NAMES} - {*NOTHING} == {VISIBLE}


def test_what_the_page_says_of_it_holds(acl: Acl, tmp_path: Path) -> None:
    """All of these at once change no answer, print nothing and write nothing."""
    plain = run(acl, tmp_path)
    for value in ("0", "1", str(tmp_path)):
        assert run(acl, tmp_path, **dict.fromkeys(NOTHING, value)) == plain
    assert plain[1:] == ("", [])
    assert run(acl, tmp_path, **{VISIBLE: "2,3"})[0] == plain[0].replace(", 8, 1,", ", 2, 1,")

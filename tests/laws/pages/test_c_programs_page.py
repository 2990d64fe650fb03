"""docs/c_programs.md: its programs compile and run in the order they stand in."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from acl_bundle import fake
from acl_bundle.cli.fake import toolkit

from .page import PROGRAM, ROOT, Page
from .test_shell_page import shell

PAGE = Page("docs/c_programs.md")
SESSION = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r"^```c\n(/\* (\w+\.c) \*/\n.*?)^```$", re.MULTILINE | re.DOTALL)
CMAKE = re.compile(r"^```cmake\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NEEDED = ("cc", "cmake", "make", "pkg-config")


@pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason=f"needs {', '.join(NEEDED)}")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = PROGRAM.findall(PAGE.text)
    exec(compile(program[0], "docs/c_programs.md", "exec"), {})
    for text, name in SOURCE.findall(PAGE.text):
        (tmp_path / name).write_text(text)
    (cmake,) = CMAKE.findall(PAGE.text)
    (tmp_path / "CMakeLists.txt").write_text(cmake)
    steps = [
        step.partition("\n")[::2]
        for session in SESSION.findall(PAGE.text)
        for step in session.removeprefix("$ ").split("\n$ ")
    ]
    assert len(steps) == 6
    for command, shown in steps:
        printed = shell(f"unset {' '.join(_settings())}\n{command}", tmp_path)
        assert printed.splitlines() == shown.splitlines(), command


def _settings() -> list[str]:
    names = [name for name in os.environ if name.startswith(("ACL_", "ASCEND"))]
    return [*names, "LD_LIBRARY_PATH"]


def test_what_the_page_lists_is_there() -> None:
    PAGE.check_links()
    libraries = PAGE.text.split("The libraries are")[1].split(";")[0]
    named = {f"lib{name}.so" for name in re.findall(r"`(\w+)`", libraries)}
    assert len(named) > 7
    assert named <= {path.name for path in fake.library_path().parent.glob("*.so")}
    listed = PAGE.text.split("## The headers")[1].split("They have")[0]
    for name in re.findall(r"`(?:acl/)?([\w/]+\.h)`", listed):
        assert (fake.include_path() / "acl" / name).exists(), name
    beneath = PAGE.text.split("beneath `runtime`")[1].split(". So")[0]
    assert {"runtime", *re.findall(r"`([\w-]+)`", beneath)} == {*toolkit.PARTS}
    named = PAGE.text.split("names it by")[1].split(";")[0]
    assert {*re.findall(r"`(\w+)`", named)} == {*toolkit.ROOTS, "NPU_HOST_LIB"}
    assert (ROOT / "docs" / "testing.md").read_text("utf-8").count("](c_programs.md)") == 1

"""docs/out_of_scope.md: what each function and each library that it names answers."""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import fake

from .page import ROOT, Page

TEXT = (ROOT / "docs" / "out_of_scope.md").read_text(encoding="utf-8")
FUNCTIONS = re.findall(r"^\|[^|]*\| `(acl\w+)` \| (\w+) \|$", TEXT, re.MULTILINE)
LIBRARIES = [
    (library, row[2])
    for row in re.findall(r"^\|([^|]+)\| ([^|]+) \| (cannot [^|]+) \|$", TEXT, re.MULTILINE)
    for library in re.findall(r"`(lib\w+\.so)`", row[1])
]
SENTENCE = "is not simulated by the fake"


@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = Page("docs/out_of_scope.md")
    page.run({})
    page.check_links()


def test_the_tables_are_read() -> None:
    assert len(FUNCTIONS) > 15
    assert [name for name, _ in LIBRARIES][:3] == ["libopapi.so", "libnnopbase.so", "libhccl.so"]
    assert f"\n    <function> {SENTENCE}\n" in TEXT


@pytest.mark.parametrize(("name", "answer"), FUNCTIONS)
def test_a_function_answers_as_the_page_says(fake_acl: Any, name: str, answer: str) -> None:
    library = ctypes.CDLL(str(fake_acl.path))
    library.aclGetRecentErrMsg.restype = ctypes.c_char_p
    call = getattr(library, name)
    call.restype = ctypes.c_void_p if answer == "NULL" else ctypes.c_int
    assert call() == (None if answer == "NULL" else int(answer))
    assert library.aclGetRecentErrMsg() == f"{name} {SENTENCE}".encode()
    assert fake.calls()[name] == 1


@pytest.mark.parametrize(("name", "told"), LIBRARIES)
def test_a_library_is_not_there(name: str, told: str) -> None:
    folder = fake.library_path().parent
    assert not (folder / name).exists()
    with pytest.raises(OSError, match=f"^{re.escape(name)}: {re.escape(told)}$"):
        ctypes.CDLL(name)

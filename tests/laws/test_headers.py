"""The surface is written once, and can be held against CANN's own headers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle._acl import lib
from acl_bundle.errors.codes import CODES

ROOT = Path(__file__).parents[2]
ACL = ROOT / "csrc" / "acl"


def test_the_surface_has_no_preprocessor_line() -> None:
    """The fake, the tests and cffi read it as it stands, each with types of its own."""
    lines = (ACL / "acl_api.h").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.lstrip().startswith("#")] == []


def test_the_stub_says_what_the_headers_do() -> None:
    """Where they differ: `python csrc/stub.py > acl_bundle/_acl.pyi`."""
    command = [sys.executable, ROOT / "csrc" / "stub.py"]
    made = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert made == (ROOT / "acl_bundle" / "_acl.pyi").read_text(encoding="utf-8")


def test_statuses_have_the_numbers_of_their_names() -> None:
    """C has a few of them; the table of all is Python's."""
    told = {name: number for number, (name, _) in CODES.items()}
    names = [name for name in dir(lib) if name.startswith("ACL_ERROR_")]
    assert len(names) > 2
    assert {name: getattr(lib, name) for name in names} == {name: told[name] for name in names}


@pytest.fixture
def cann(tmp_path: Path) -> Path:
    """An include folder that stands in for CANN's: our own headers under its names."""
    folder = tmp_path / "acl"
    folder.mkdir()
    types, api = ((ACL / name).read_text() for name in ("acl_types.h", "acl_api.h"))
    (folder / "acl.h").write_text(types)
    (folder / "acl_mdl.h").write_text(f'#include "acl.h"\n{api}')
    (folder / "acl_prof.h").write_text('#include "acl.h"\n')
    return tmp_path


def headers(cann: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "-s", "headers", f"CANN={cann}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_make_headers_accepts_headers_that_agree(cann: Path) -> None:
    done = headers(cann)
    assert done.returncode == 0, done.stderr


def test_make_headers_stops_at_one_that_differs(cann: Path) -> None:
    mdl = cann / "acl" / "acl_mdl.h"
    text = mdl.read_text()
    assert "uint32_t bundleId, size_t *modelNum" in text
    mdl.write_text(text.replace("uint32_t bundleId, size_t *modelNum", "uint64_t b, size_t *n"))
    done = headers(cann)
    assert done.returncode != 0
    assert "conflicting types for" in done.stderr
    assert "aclmdlBundleGetModelNum" in done.stderr


def test_make_headers_says_what_it_needs(tmp_path: Path) -> None:
    done = headers(tmp_path)
    assert done.returncode != 0
    assert "CANN=<the folder that holds acl/acl.h" in done.stdout

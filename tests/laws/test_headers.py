"""The surface is written once, and can be held against CANN's own headers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEADERS = sorted((ROOT / "csrc").glob("*.h"))
SHARED = "#include <stddef.h>\n#include <stdint.h>\n"


@pytest.mark.parametrize("header", HEADERS, ids=lambda path: path.name)
def test_a_header_has_no_preprocessor_line(header: Path) -> None:
    lines = header.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.lstrip().startswith("#")] == []


@pytest.fixture
def cann(tmp_path: Path) -> Path:
    """An include folder that stands in for CANN's: our own headers under its names."""
    folder = tmp_path / "acl"
    folder.mkdir()
    types, api = ((ROOT / "csrc" / name).read_text() for name in ("acl_types.h", "acl_api.h"))
    (folder / "acl.h").write_text(f"#ifndef ACL\n#define ACL\n{SHARED}{types}\n#endif\n")
    (folder / "acl_mdl.h").write_text(f'#include "acl.h"\n{api}')
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

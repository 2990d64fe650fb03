"""What the compiled files need, read with binutils; tests/contract/call/test_exports.py has what
the fake offers."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import acl_bundle
from acl_bundle import fake

SHIM = Path(acl_bundle.__file__).parent / "_acl.abi3.so"
C_LIBRARY = re.compile(r"lib(c|dl|pthread)\.so\.\d+|ld-linux.*\.so\.\d+")


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(path: Path) -> set[str]:
    lines = output("nm", "-D", "--defined-only", path).splitlines()
    return {line.split()[-1].partition("@")[0] for line in lines}


def test_the_shim_needs_the_c_library_alone() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", SHIM))
    assert needed
    assert [name for name in needed if not C_LIBRARY.fullmatch(name)] == []


def test_the_shim_offers_nothing_of_acl() -> None:
    assert not [name for name in exported(SHIM) if name.startswith(("acl", "ab_"))]


def test_the_fake_does_not_need_python() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", fake.library_path()))
    assert not [name for name in needed if "python" in name or "onnx" in name]

"""What the compiled files need and offer, read with binutils."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import acl_bundle
from acl_bundle import fake

ROOT = Path(__file__).parents[2]
SHIM = Path(acl_bundle.__file__).parent / "_acl.abi3.so"
C_LIBRARY = re.compile(r"lib(c|dl|pthread)\.so\.\d+|ld-linux.*\.so\.\d+")
ANSWERED = re.compile(r"^    FUNCTION\((\w+), \w+\)", re.MULTILINE)
PROTOTYPE = re.compile(r"^\w[\w ]*?[ *]+(acl\w+)\(", re.MULTILINE)


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def exported(path: Path) -> set[str]:
    lines = output("nm", "-D", "--defined-only", path).splitlines()
    return {line.split()[-1].partition("@")[0] for line in lines}


def declared(*headers: str) -> set[str]:
    return {name for h in headers for name in PROTOTYPE.findall((ROOT / h).read_text())}


def answered() -> set[str]:
    """The functions that only answer that they are not simulated."""
    return {*ANSWERED.findall((ROOT / "fakes/call/unsimulated.h").read_text())}


def test_the_shim_needs_the_c_library_alone() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", SHIM))
    assert needed
    assert [name for name in needed if not C_LIBRARY.fullmatch(name)] == []


def test_the_shim_offers_nothing_of_acl() -> None:
    assert not [name for name in exported(SHIM) if name.startswith(("acl", "ab_"))]


def test_the_fake_exports_exactly_what_the_headers_declare() -> None:
    promised = declared("csrc/acl/acl_api.h", "fakes/aclfake.h") | answered()
    assert len(promised) > 100
    assert exported(fake.library_path()) == promised


def test_the_fake_has_the_real_librarys_soname() -> None:
    assert "[libascendcl.so]" in output("readelf", "-d", fake.library_path())


def test_the_fake_does_not_need_python() -> None:
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", fake.library_path()))
    assert not [name for name in needed if "python" in name or "onnx" in name]

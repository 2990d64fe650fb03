"""acl_bundle/fake/include: what a program is compiled with, by gcc and clang, in C11 and C++11."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from acl_bundle import fake

ROOT = Path(__file__).parents[2]
INCLUDE = ROOT / "acl_bundle" / "fake" / "include"
MADE: dict[str, str] = runpy.run_path(str(ROOT / "csrc" / "include.py"))["texts"]()
STRICT = ("-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only")
COMPILERS = {
    language: sorted({*filter(shutil.which, (os.environ.get(variable, default), *others))})
    for language, variable, default, others in (
        ("c11", "CC", "cc", ("gcc", "clang")), ("c++11", "CXX", "c++", ("g++", "clang++")),
    )
}  # fmt: skip
EACH = pytest.mark.parametrize(
    ("standard", "compiler"),
    [(standard, one) for standard, found in COMPILERS.items() for one in found],
)
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
FUNCTION = re.compile(r"^\w[\w *]*?\b(acl\w+)\(.*\);$", re.MULTILINE)


def compiled(
    compiler: str, standard: str, source: str, *flags: str | Path
) -> subprocess.CompletedProcess[str]:
    """The source looked at by a compiler, from a folder where nothing else lies."""
    language = "c++" if "++" in standard else "c"
    command = [compiler, f"-std={standard}", *STRICT, *flags, "-x", language, "-"]
    return subprocess.run(
        command, input=source, cwd="/", capture_output=True, text=True, timeout=120, check=False
    )


def test_what_lies_there_is_what_csrc_says() -> None:
    """Else a build is needed."""
    found = {
        str(path.relative_to(INCLUDE)): path.read_text(encoding="utf-8")
        for path in INCLUDE.rglob("*.h")
    }
    assert found == MADE


@EACH
def test_each_header_stands_alone(standard: str, compiler: str) -> None:
    for name in MADE:
        source = f"#include <{name}>\n"
        done = compiled(compiler, standard, source, "-DENABLE_DVPP_INTERFACE", "-I", INCLUDE)
        assert (name, done.returncode, done.stderr) == (name, 0, "")


@EACH
def test_all_go_together_in_any_order_and_from_any_folder(standard: str, compiler: str) -> None:
    """Programs have include/acl on their path too, and write "acl.h"."""
    names = [*reversed(MADE), *MADE]
    lines = [f'#include "{name}"' for name in names]
    lines += [f'#include "{name.removeprefix("acl/")}"' for name in names]
    flags = ("-DENABLE_DVPP_INTERFACE", "-I", INCLUDE, "-I", INCLUDE / "acl")
    done = compiled(compiler, standard, "\n".join([*lines, ""]), *flags)
    assert (done.returncode, done.stderr) == (0, "")


@EACH
def test_media_want_their_macro_as_with_cann(standard: str, compiler: str) -> None:
    done = compiled(compiler, standard, "#include <acl/ops/acl_dvpp.h>\n", "-I", INCLUDE)
    assert done.returncode != 0
    assert "define ENABLE_DVPP_INTERFACE before acl/ops/acl_dvpp.h is included" in done.stderr


def shown() -> list[str]:
    """The functions that the headers declare."""
    return [name for text in MADE.values() for name in FUNCTION.findall(COMMENT.sub("", text))]


def test_no_declaration_is_lost_on_the_way() -> None:
    """Each function of csrc/acl is in one header, and none is in two."""
    files = ("acl_api.h", "acl_dvpp.h", "unsimulated_api.h")
    texts = [(ROOT / "csrc" / "acl" / name).read_text(encoding="utf-8") for name in files]
    stated = {name for text in texts for name in FUNCTION.findall(COMMENT.sub("", text))}
    assert len(stated) > 800
    assert sorted(shown()) == sorted(stated)


def test_what_the_library_has_is_declared_and_the_other_way_round() -> None:
    """Whether the functions of media are there is a matter of contract/call/test_exports.py."""
    nm = ["nm", "-D", "--defined-only", fake.library_path()]
    listed = subprocess.run(nm, capture_output=True, text=True, check=True).stdout
    exported = {line.split()[-1].partition("@")[0] for line in listed.splitlines()}
    assert len(exported) > 600
    assert {name for name in exported if not name.startswith("aclfake")} <= {*shown()}
    lacking = {*shown()} - exported
    assert {name for name in lacking if not re.match("acl(dvpp|vdec|venc)", name)} == set()

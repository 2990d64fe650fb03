"""CANN's own headers against ours: values, sizes, offsets and prototypes of all that both have.

``CANN_INCLUDE=<the folder that holds acl/acl.h>`` names headers of a toolkit. Without it those in
torch_npu's wheel are fetched, which takes a package index: pytest -m nightly tests/strangers
"""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build, fake
from tests.programs.program import COMPILERS, HERE, in_shell

COMPILER = (os.environ.get("CXX", "c++"), "-std=c++11")
WHEEL = "torch_npu==2.14.0"
FOLDER = "torch_npu/include/third_party/acl/inc/"
INCLUDE: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "csrc" / "include.py"))
DECLARED: dict[str, tuple[str, str]] = INCLUDE["declarations"]()
ENUMERATOR = re.compile(r"^    (ACL_\w+|\w+_\w+) = ", re.MULTILINE)
STATUS = re.compile(r"\b(ACL_\w+) ?=? ?\d+", re.MULTILINE)
MEMBER = re.compile(r"^    [^{}]*?(\w+)(?:\[\w+\])*;$", re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
NUMBER = re.compile(r"^#define \w+ (?:0x)?\w+$")
DIFFER = {"ACL_ERROR_RT_SUB_ACLGRAPH_IS_CAPTURING"}  # 107045 or 107046: CANN's releases disagree
LEFT_OUT = {
    "ACL_ERROR_RT_STREAM_NOT_SUPPORT_OPERA",  # the other one's 107045
    "ACL_PROF_TENSOR_INFO_DEFINED",  # a guard
}

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def cann(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds CANN's acl/acl.h."""
    given = os.environ.get("CANN_INCLUDE")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("cann")
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, WHEEL]
    subprocess.run(fetch, check=True, timeout=600)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [one for one in archive.namelist() if one.startswith(FOLDER)])
    return folder / FOLDER


@pytest.fixture(scope="module")
def both(cann: Path) -> list[str]:
    """The headers that both have."""
    found = [name for name in INCLUDE["HEADERS"] if (cann / name).exists()]
    assert len(found) > 12
    return found


@pytest.fixture(scope="module")
def theirs(cann: Path, both: list[str]) -> set[str]:
    """Every word of CANN's headers."""
    text = "\n".join((cann / name).read_text(encoding="utf-8", errors="replace") for name in both)
    return {*re.findall(r"\w+", COMMENT.sub("", text))}


def source(headers: list[str], *lines: str) -> str:
    """A program of C++ that includes the headers."""
    included = [f"#include <{name}>" for name in ("cstddef", "cstdint", "cstdio", *headers)]
    return "\n".join(["#define ENABLE_DVPP_INTERFACE", *included, *lines, ""])


def printed(include: Path, folder: Path, headers: list[str], rows: dict[str, str]) -> str:
    """What each expression is where these headers lie."""
    puts = [f'std::printf("{name} %lld\\n", (long long)({row}));' for name, row in rows.items()]
    path = folder / f"{len(rows)}.cc"
    path.write_text(source(headers, "int main() {", *puts, "}"))
    program = path.with_suffix("")
    command = [*COMPILER, "-w", "-I", include, path, "-o", program]
    subprocess.run(command, check=True, timeout=120)
    return subprocess.run([program], check=True, capture_output=True, text=True).stdout


def same(rows: dict[str, str], cann: Path, both: list[str], folder: Path) -> None:
    ours = printed(fake.include_path(), folder, both, rows)
    assert ours.count("\n") == len(rows)
    assert ours.splitlines() == printed(cann, folder, both, rows).splitlines()


def test_nothing_of_cann_s_is_missing(theirs: set[str]) -> None:
    texts = INCLUDE["texts"]().values()
    ours = {word for text in texts for word in re.findall(r"\w+", COMMENT.sub("", text))}
    wanted = {word for word in theirs if re.match(r"acl[a-z]*[A-Z]|ACL_", word)}
    assert len(wanted) > 1500
    assert wanted - ours == LEFT_OUT


def test_constants_have_cann_s_values(
    cann: Path, both: list[str], theirs: set[str], tmp_path: Path
) -> None:
    made = INCLUDE["statuses"]().values()
    names = {name for text in made for name in STATUS.findall(text)}
    for name, (_, text) in DECLARED.items():
        names |= {*ENUMERATOR.findall(text)} if "enum" in text else set()
        names |= {name} if NUMBER.match(text) else set()
    rows = {name: name for name in sorted((names & theirs) - DIFFER)}
    assert len(rows) > 700
    same(rows, cann, both, tmp_path)


def test_structs_have_cann_s_layout(
    cann: Path, both: list[str], theirs: set[str], tmp_path: Path
) -> None:
    rows = {}
    for name, (_, text) in DECLARED.items():
        body = re.search(r"(?:struct|union)[^{]*\{(.*)\}", text, re.DOTALL)
        if body is None or name not in theirs:
            continue
        rows[name] = f"sizeof({name})"
        plain = re.sub(r"union[^{]*\{[^}]*\}", "union", body[1])
        for member in MEMBER.findall(plain):
            if member != "union":
                rows[f"{name}.{member}"] = f"offsetof({name}, {member})"
    assert len(rows) > 250
    same(rows, cann, both, tmp_path)


def test_functions_have_cann_s_prototypes(
    cann: Path, both: list[str], theirs: set[str], tmp_path: Path
) -> None:
    """A second declaration of other types is an error in C++, where the first is `extern "C"`."""
    lines = [
        text
        for name, (header, text) in DECLARED.items()
        if text.endswith(");") and "typedef" not in text and header in both and name in theirs
    ]
    assert len(lines) > 500
    path = tmp_path / "prototypes.cc"
    path.write_text(source(both, 'extern "C" {', *lines, "}"))
    command = [*COMPILER, "-w", "-fsyntax-only", "-I", cann, path]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["bundle.c", "serving.cc"])
def test_programs_compiled_with_cann_s_headers_run(name: str, cann: Path, tmp_path: Path) -> None:
    net = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["": 17]>
        net (float[1, 2] x) => (float[1, 2] y) <float[2] w = {1, 2}> { y = Add(x, w) }
    """)
    np.float32([1, 1, 5, 6]).tofile(tmp_path / "floats")
    build.model(net).save(tmp_path / "model.om")
    build.from_onnx(net, weights=["w"]).save(tmp_path / "bundle.om")
    variable, default, standard = COMPILERS[Path(name).suffix]
    command = [os.environ.get(variable, default), standard, "-w", "-I", cann, HERE / name]
    linked = ["-L", fake.library_path().parent, "-lascendcl", "-lpthread", "-o", tmp_path / "main"]
    subprocess.run([*command, *linked], check=True, timeout=120)
    given = ("bundle.om", "w", "floats") if name == "bundle.c" else ("model.om", "2", "1", "floats")
    done = in_shell([tmp_path / "main", *given], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    shown = ["2 3", "6 7"] if name == "bundle.c" else ["2 3", "6 8"]
    assert [line.strip() for line in done.stdout.splitlines()[:2]] == shown

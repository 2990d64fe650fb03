"""A library that lacks a function which C calls: an error that names it at first need, no crash."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import build

from ..shapes.models import IMAGE, NET

ROOT = Path(__file__).parents[3]
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CALL = re.compile(r"\b(acl[a-z]*[A-Z]\w*)\(")
PROGRAM = Path(__file__).with_name("lacking.py")
OPTIONAL = {"aclGetRecentErrMsg", "aclrtSynchronizeEvent"}
"""C asks whether the first is there; the second is needed, and asked for, by `ready=` alone."""
GIVING_BACK = ("aclrtFree", "aclDestroy")


def called() -> list[str]:
    """Every function of ACL's that the shim's C calls."""
    texts = [COMMENT.sub("", one.read_text()) for one in (ROOT / "csrc").glob("*/*.c")]
    return sorted({name for text in texts for name in CALL.findall(text)})


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, mlp: Any) -> list[Path]:
    """A bundle with weights; plain models with gears of each kind and with open shapes."""
    folder = tmp_path_factory.mktemp("lacking")
    made: dict[str, Any] = {
        "batch": build.model(NET, dynamic_batch=[1, 4]),
        "hw": build.model(IMAGE, dynamic_hw=[(4, 4), (6, 8)]),
        "dims": build.model(NET, dynamic_dims={"x": [(1, 4), (4, 4)]}),
        "open": build.model(NET, dynamic_shape=True),
    }
    for name, model in made.items():
        model.save(folder / f"{name}.om")
    return [mlp.path, *(folder / f"{name}.om" for name in made)]


def run(models: list[Path], hidden: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ACL_", "ASCEND_"))}
    return subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, models)],
        capture_output=True, text=True, timeout=120, check=False,
        env={**clean, "ACL_FAKE_HIDE": hidden},
    )  # fmt: skip


def test_nothing_is_refused_where_nothing_lacks(models: list[Path]) -> None:
    done = run(models, "")
    assert (done.returncode, done.stderr) == (0, "")
    told = {line.partition(": ")[0] for line in done.stdout.splitlines()}
    assert told == {"infer 0 (net) is dynamic"}


def test_what_c_calls_is_found() -> None:
    assert {"aclmdlExecute", "aclrtMemcpy", "aclmdlSetDynamicHWSize"} <= {*called()}
    assert len(called()) > 20


@pytest.mark.parametrize("hidden", sorted({*called()} - OPTIONAL))
def test_a_function_that_lacks_is_named(models: list[Path], hidden: str) -> None:
    done = run(models, hidden)
    assert done.returncode == 0, done
    assert done.stderr == "" or hidden.startswith(GIVING_BACK)  # at the end something is left
    (line, *_) = [one for one in done.stdout.splitlines() if f"has no {hidden}" in one]
    assert "libascendcl.so (AscendCL " in line
    assert "this CANN is too old" in line

"""docs/testing_ci.md: both recipes are YAML of the right form, and their commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from .page import Page

PAGE = Page("docs/testing_ci.md")
ACTIONS, GITLAB = (
    yaml.safe_load(text)
    for text in re.findall(r"^```yaml\n(.*?)^```$", PAGE.text, re.MULTILINE | re.DOTALL)
)
INSTALL = "pip install './acl_bundle[fake,cli]' pytest"
TEST = """
import numpy as np

import acl_bundle as ab


def test_it_adds(fake_acl, make_bundle):
    x = np.zeros(3, np.float32)
    with ab.Bundle.load(make_bundle(lambda x: {"y": x + 1}, inputs={"x": x})) as bundle:
        assert bundle.infer(x).tolist() == [1, 1, 1]
"""


def steps() -> list[str]:
    """What GitHub's runner runs in a shell."""
    (job,) = ACTIONS["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def test_both_recipes_run_the_same() -> None:
    (job,) = GITLAB.values()
    assert steps() == [*job["before_script"], *job["script"]]
    assert steps()[0] == INSTALL
    assert job["artifacts"]["reports"]["junit"] in steps()[-1]


def test_the_recipe_of_github_is_a_workflow() -> None:
    assert {"name", "jobs"} < {*ACTIONS}
    assert ACTIONS[True] == ["push", "pull_request"]  # YAML 1.1 reads the key "on" so
    (job,) = ACTIONS["jobs"].values()
    assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    assert job["strategy"]["matrix"]["python"][0] == "3.10"


@pytest.mark.parametrize("command", steps()[1:])
def test_a_command_runs(command: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "test_adding.py").write_text(TEST, encoding="utf-8")
    (tmp_path / "bin").mkdir()
    for name, words in {"python": "", "acl-bundle": "-m acl_bundle.cli"}.items():
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {words} "$@"\n')
        program.chmod(0o755)
    env: dict[str, Any] = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("ACL_", "ASCEND", "PYTEST_"))
    }
    env["PATH"] = f"{tmp_path / 'bin'}:{env['PATH']}"
    done = subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "junitxml" in command:
        assert 'tests="1"' in (tmp_path / "report.xml").read_text(encoding="utf-8")

"""docs/shell.md: its commands run in the order they stand in, and print what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import click
import numpy as np
import onnx
import pytest
import typer
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from acl_bundle import build, weights
from acl_bundle.cli.app import app

PAGE = (Path(__file__).parents[3] / "docs" / "shell.md").read_text(encoding="utf-8")
SESSIONS = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
STEPS = [
    step.partition("\n")[::2]
    for session in SESSIONS
    for step in session.removeprefix("$ ").split("\n$ ")
]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}
SHAPES = {"fc1.weight": (8, 16), "fc1.bias": (16,), "fc2.weight": (16, 3), "fc2.bias": (3,)}


def random(seed: int) -> dict[str, NDArray[Any]]:
    rng = np.random.default_rng(seed)
    return {name: rng.standard_normal(one).astype(np.float32) for name, one in SHAPES.items()}


def model() -> onnx.ModelProto:
    """y = tanh(x @ fc1.weight + fc1.bias) @ fc2.weight + fc2.bias, of an open batch."""
    graph = helper.make_graph(
        [
            helper.make_node("Gemm", ["x", "fc1.weight", "fc1.bias"], ["h"]),
            helper.make_node("Tanh", ["h"], ["a"]),
            helper.make_node("Gemm", ["a", "fc2.weight", "fc2.bias"], ["y"]),
        ],
        "policy",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])],
        [numpy_helper.from_array(value, name) for name, value in random(0).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files that the page says are there."""
    folder = tmp_path
    onnx.save(model(), folder / "policy.onnx")
    build.from_onnx(model(), weights=list(SHAPES), input_shapes={"x": (1, 8)}).save(
        folder / "policy.om"
    )
    trained = {f"model.{name}": np.ascontiguousarray(w.T) for name, w in random(1).items()}
    trained["model.fc2.bias"][0] = 1e6
    weights.save(trained, folder / "trained.safetensors")
    return folder


def shell(command: str, folder: Path) -> str:
    """Run a line in bash, and return what a terminal would show."""
    alias = f'acl-bundle() {{ {sys.executable} -m acl_bundle.cli "$@"; }}\n'
    done = subprocess.run(
        ["bash", "-c", alias + command],
        cwd=folder,
        env=CLEAN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def lines(text: str) -> list[str]:
    """Lines without blank ones, and without what differs: times, sizes, widths, places."""
    loose = re.sub(r"\(\S*libascendcl.so\)", "(library)", text)
    loose = re.sub(r"\d[\d,.]*(e[+-]\d+)?×?", "0", loose).replace("─", "")
    return [" ".join(line.split()) for line in loose.splitlines() if line.strip()]


def commands(group: click.Group, *before: str) -> Iterator[str]:
    """All that a person can type behind ``acl-bundle``: ``weights list`` and so on."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join([*before, name])


def test_the_page_shows_every_command_but_the_demo_which_it_names() -> None:
    shown = "\n".join(command for command, _ in STEPS)
    every = {*commands(cast(click.Group, typer.main.get_command(app)))}
    assert {one for one in every if f"acl-bundle {one} " not in shown.replace(")", " ")} == {"demo"}
    assert "`acl-bundle demo`" in PAGE


def test_the_page_runs(folder: Path) -> None:
    for command, shown in STEPS:
        assert lines(shell(command, folder)) == lines(shown), command

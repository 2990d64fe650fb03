"""A user's program as mypy and pyright see it: it passes, and what is wrong in it is told."""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import follow
from acl_bundle._pair.options import LoadOptions
from acl_bundle._update._transaction import options
from acl_bundle._update._transaction.update import UpdateGraph
from acl_bundle.bundle import Bundle
from acl_bundle.follow._follower.options import FollowOptions
from acl_bundle.follow._follower.public import Public
from acl_bundle.pair import Pair

ROOT = Path(__file__).parents[2]
USER = Path(__file__).with_name("user.py")
WRONG = {
    "stale_after=60": "stale_aftr=60",
    "threads=2": 'threads="2"',
    "(bundle, source,": "(3, source,",
    "ab.follow.publish_directory(": "ab.follow.publish_dir(",
    "ab.build.from_onnx(": "ab.build.from_onyx(",
    "ab.weights.rename(": "ab.weights.renamed(",
    "metrics.applied": "metrics.aplied",
    ".infer(x), NDArray[Any]": ".infer(x), int",
    "submit(x).result(), NDArray[Any]": "submit(x).result(), int",
    "report: ab.UpdateReport": "report: ab.UpdateReprt",
    'roles={"infer"': 'rolls={"infer"',
    "finite=np.True_": "finit=np.True_",
    "assert_type(outputs, ab.Outputs)": "assert_type(outputs, int)",
}


def mypy(folder: Path, program: str) -> str:
    (folder / "user.py").write_text(program)
    options = [
        "--strict",
        "--config-file=",
        "--follow-imports=silent",
    ]
    command = [sys.executable, "-m", "mypy", *options, "user.py"]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def pyright(folder: Path, program: str) -> list[str]:
    """What pyright's strict mode tells, in which every Unknown is an error."""
    (folder / "user.py").write_text(program)
    rules = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT)], "include": ["user.py"]}
    (folder / "pyrightconfig.json").write_text(json.dumps(rules))
    command = [_pyright(), "--outputjson", "--pythonpath", sys.executable, "-p", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [one["message"] for one in json.loads(done.stdout)["generalDiagnostics"]]


def _pyright() -> str:
    beside = str(Path(sys.executable).parent)
    found = shutil.which("basedpyright", path=beside) or shutil.which("basedpyright")
    return found or pytest.skip("basedpyright is not installed")


def test_mypy_passes_it(tmp_path: Path) -> None:
    assert "Success" in (told := mypy(tmp_path, USER.read_text())), told


def test_pyright_passes_it(tmp_path: Path) -> None:
    assert pyright(tmp_path, USER.read_text()) == []


def _spoilt() -> str:
    program = USER.read_text()
    for right, wrong in WRONG.items():
        assert program.count(right) == 1, right
        program = program.replace(right, wrong)
    return program


def test_mypy_tells_each_mistake(tmp_path: Path) -> None:
    told = mypy(tmp_path, _spoilt())
    lines = {int(line.split(":")[1]) for line in told.splitlines() if ": error:" in line}
    assert lines == _changed(), told


def test_pyright_tells_each_mistake(tmp_path: Path) -> None:
    assert len(pyright(tmp_path, _spoilt())) >= len(WRONG)


def _changed() -> set[int]:
    pairs = zip(USER.read_text().splitlines(), _spoilt().splitlines(), strict=True)
    return {number for number, (right, wrong) in enumerate(pairs, 1) if right != wrong}


def test_the_options_of_follow_are_those_of_an_update() -> None:
    update = {*UpdateGraph.__call__.__kwdefaults__} | {"probe"}
    assert "probe" in Pair.update.__kwdefaults__
    every = {*options.EveryUpdate.__annotations__}
    assert {*FollowOptions.__annotations__} | every == update - {"version", "tokens", "ready"}
    own = {*options.UpdateOptions.__annotations__}
    assert own | every | {*Pair.update.__kwdefaults__} == update
    assert {*LoadOptions.__annotations__} == {*Bundle.load.__kwdefaults__}


def test_ab_follow_has_the_names_of_the_module() -> None:
    public = {name for name in vars(Public) if not name.startswith("_")}
    assert public == set(follow.__all__)
    for name in public:
        shown, there = getattr(Public, name), getattr(follow, name)
        assert shown is there or inspect.signature(shown) == inspect.signature(there)

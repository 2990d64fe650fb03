"""examples/: each file runs by itself, is listed, and does what it says."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .page import SHOWN, check_shown

FOLDER = Path(__file__).parents[2] / "examples"
LISTED = re.findall(r"^\| \[([\w.]+)\]", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}
SAID = {
    "chained_models.py": (
        "detector: 2 copies (the image, the scores)",
        "recogniser: 1 copy (the logits)",
        "ten rounds of two bindings: 20 copies, all of results",
    ),
    "partial_update.py": (
        "changed ('b2',), kept ('w1', 'b1', 'w2'), 12 bytes sent",
        "refused: weight 'w2' has shape (3, 16); it must be (16, 3)",
        "kept since version 0: ['b1']",
    ),
    "freeze_model.py": (
        "policy.om: 4 of 4 constants are replaced",
        "policy.onnx: 4 of 4 constants are replaced",
        "weights diff: 4 of 4 weights differ",
    ),
    "half_precision.py": (
        "0 of 122 weights overflow float16",
        "float32 reads 'weights come and go', float16 'weights come and go'",
        "not device numbers",
        "speed-up",
        "size on disk: float32",
    ),
    "sparse_updates.py": (
        "2 of 3 weights are 2:4 sparse",
        "step 5: 2 of 2 weights break the pattern before, 0 of 2",
    ),
    "tensorflow_online.py": (
        "fc1/W: float32[8, 16]",
        "version 10: ",
        "a whole checkpoint: 4 variables",
        "4 of 4 constants are replaced",
    ),
    "torch_module.py": (
        "8 weights, of 10 names in the state dict",
        "conv.weight, norm.weight, norm.running_var -> ",
        "epoch 4: ",
        "passed over: norm.num_batches_tracked",
    ),
}
NEEDS = {
    "tensorflow_online.py": ("tensorflow", "tf2onnx"),
    "torch_module.py": ("torch", "onnxscript"),
}


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", FOLDER / name, *arguments],
        env=CLEAN,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("name", SAID)
def test_an_example_runs_and_leaves_nothing(name: str) -> None:
    if name == "half_precision.py":
        missing = "its wheel holds the model, and is for Python before 3.13"
        pytest.importorskip("PIL", reason=missing)
        if find_spec("rapidocr_onnxruntime") is None:
            pytest.skip(missing)
    for library in NEEDS.get(name, ()):
        if find_spec(library) is None:
            pytest.skip(f"{library} is not installed")
    done = run(name)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    for text in (*SAID[name], "live objects: [], violations: []"):
        assert text in done.stdout, done.stdout
    check_shown(name, done.stdout)


def test_the_readme_lists_every_example() -> None:
    assert sorted(LISTED) == sorted(path.name for path in FOLDER.glob("*.py"))
    assert sorted(LISTED) == sorted(SHOWN), "a page shows each"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_an_example_says_what_it_shows(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    assert len(text.splitlines()) > 3
    assert f"examples/{path.name}" in text


def test_a_checkpoint_of_ones_own_is_frozen_as_well(tmp_path: Path) -> None:
    import numpy as np  # noqa: PLC0415

    shapes = {"fc1_weight": (8, 16), "fc1_bias": (16,), "fc2_weight": (16, 3), "fc2_bias": (3,)}
    path = tmp_path / "mine.npz"
    np.savez(path, **{f"model.{n}": np.full(s, 0.5, np.float32) for n, s in shapes.items()})
    done = run("freeze_model.py", path)
    assert done.returncode == 0, done.stderr
    assert "<npz" in done.stdout

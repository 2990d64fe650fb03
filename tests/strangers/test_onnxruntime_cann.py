"""The unmodified onnxruntime-cann wheel, whose provider calls GE, on the fake and the stand-in.

It needs a package index, and some minutes: pytest -m nightly tests/strangers
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from acl_bundle.cli.fake import env as command

from . import models

WHEELS = ("onnxruntime-cann==1.24.4", "numpy<2")
SESSION = Path(__file__).with_name("cann_session.py")

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel and nothing of ours."""
    folder = tmp_path_factory.mktemp("strangers")
    venv.create(folder, with_pip=True)
    made = folder / "bin" / "python"
    subprocess.run([made, "-m", "pip", "install", "--quiet", *WHEELS], check=True, timeout=600)
    return made


def test_its_models_compute_on_the_fake_as_on_the_processor(python: Path, tmp_path: Path) -> None:
    kinds = (models.mlp, models.convolutions, models.attention, models.embedding)
    paths = [make(tmp_path) for make in kinds]
    shell = "\n".join([*command.lines(), 'exec "$@"'])
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        ["sh", "-c", shell, "sh", python, SESSION, *paths],
        cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    print(done.stdout, file=sys.stderr)
    assert [row["model"] for row in rows] == [str(path) for path in paths]
    assert all(row["worst"] < 1e-6 for row in rows)
    compiled = [one.name for one in tmp_path.glob("CANNExecutionProvider_*.om")]
    assert len(compiled) == len(paths)  # each went through the compiler, whole

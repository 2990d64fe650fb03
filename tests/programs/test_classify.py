"""A program of C++ in the shape of samples: JPEG, decode, cut and scale, model, class."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from acl_bundle import build, fake
from acl_bundle.cli.fake import env as command
from tests.pyacl.test_programs import classifier, computed

HERE = Path(__file__).parent
LIBRARIES = fake.library_path().parent
INCLUDE = HERE.parents[1] / "acl_bundle" / "fake" / "include"
CXX = os.environ.get("CXX", "c++")

pytestmark = pytest.mark.skipif(shutil.which(CXX) is None, reason="no C++ compiler")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program, compiled as samples are: against CANN's names, linked with libacl_dvpp."""
    made = tmp_path_factory.mktemp("classify") / "classify"
    flags = ("-std=c++11", "-Wall", "-Wextra", "-Werror", "-I", INCLUDE, "-L", LIBRARIES)
    source = HERE / "classify.cc"
    command = [CXX, *flags, source, "-o", made, "-lascendcl", "-lacl_dvpp"]
    subprocess.run(command, check=True, timeout=120)
    return made


def in_a_shell(program: Path, *words: Path, **environment: str) -> tuple[int, str, str]:
    """Status, output and errors, where leaks are, after `eval "$(acl-bundle fake env)"`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ACL_")}
    script = "\n".join([*command.lines(), shlex.join(map(str, (program, *words)))])
    done = subprocess.run(
        ["sh", "-euc", script], env={**kept, **environment}, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def picture(width: int = 400, height: int = 300) -> bytes:
    y, x = np.mgrid[0:height, 0:width]
    planes = [128 + 90 * np.sin(x / (40 + 30 * i)) * np.cos(y / (60 + 9 * i)) for i in range(3)]
    file = io.BytesIO()
    Image.fromarray(np.stack(planes, -1).astype(np.uint8)).save(file, "JPEG", quality=95)
    return file.getvalue()


def test_the_class_is_that_of_pillow_and_opencv(program: Path, tmp_path: Path) -> None:
    cv2: Any = pytest.importorskip("cv2")
    model, data = classifier(), picture()
    path = build.model(model).save(tmp_path / "net.om")
    (tmp_path / "picture.jpg").write_bytes(data)
    status, out, errors = in_a_shell(program, path, tmp_path / "picture.jpg")
    assert (status, errors) == (0, "")
    pixels = np.asarray(Image.open(io.BytesIO(data)))[:, 50:350]
    small = cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_LINEAR)
    wanted = computed(model, small[None])[0]
    first, *scores = out.splitlines()
    assert first == f"class {wanted.argmax()}"
    found = np.array(scores, np.float32)
    np.testing.assert_allclose(found, wanted, atol=0.02 * np.abs(wanted).max())


def test_an_odd_height_goes_through_and_is_told_facts_11_5(program: Path, tmp_path: Path) -> None:
    path = build.model(classifier()).save(tmp_path / "net.om")
    (tmp_path / "picture.jpg").write_bytes(picture(height=301))
    status, out, errors = in_a_shell(program, path, tmp_path / "picture.jpg")
    assert status == 0
    assert out.startswith("class ")
    assert {*re.findall(r"AB-\w+-\d+", errors)} <= {"AB-DVPP-0008"}


def test_a_damaged_file_ends_the_program_with_what_libjpeg_says(
    program: Path, tmp_path: Path
) -> None:
    path = build.model(classifier()).save(tmp_path / "net.om")
    (tmp_path / "picture.jpg").write_bytes(picture()[:9000])
    status, _, errors = in_a_shell(program, path, tmp_path / "picture.jpg", ACL_FAKE_REPORT="off")
    assert status == 1
    assert errors.startswith("aclrtSynchronizeStream: 507018 ")
    assert "libjpeg says" in errors


FAULTY = (
    "acldvppMalloc", "acldvppCreateChannel", "acldvppJpegGetImageInfo",
    "acldvppJpegPredictDecSize", "acldvppJpegDecodeAsync", "acldvppVpcCropResizeAsync",
    "acldvppVpcConvertColorAsync", "aclrtSynchronizeStream", "aclmdlExecute",
)  # fmt: skip


@pytest.mark.parametrize("function", FAULTY)
def test_a_call_that_fails_is_named(program: Path, tmp_path: Path, function: str) -> None:
    path = build.model(classifier()).save(tmp_path / "net.om")
    (tmp_path / "picture.jpg").write_bytes(picture())
    status, out, errors = in_a_shell(
        program, path, tmp_path / "picture.jpg",
        ACL_FAKE_REPORT="off", ACL_FAKE_FAIL=f"{function}:1:500000",
    )  # fmt: skip
    assert (status, out) == (1, "")
    assert errors.startswith(f"{function}: 500000")

"""Publishing in a directory: whole or not at all, once, and not for ever."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle._base.atomic import replacing

from .. import policy


def test_what_is_published_can_be_read_by_anything(tmp_path: Path) -> None:
    file = follow.publish_directory(tmp_path / "new", policy.weights(3), 3)
    assert file == tmp_path / "new" / "weights-3.safetensors"
    with files.open(file) as found:
        np.testing.assert_array_equal(found["w"], policy.weights(3)["w"])


def test_names_latest_and_keep(tmp_path: Path) -> None:
    for version in range(1, 6):
        follow.publish_directory(
            tmp_path, policy.weights(version), version,
            name="step-{version}.fp16.safetensors", latest="LATEST", keep=2,
        )  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == [
        "LATEST", "step-4.fp16.safetensors", "step-5.fp16.safetensors",
    ]  # fmt: skip
    assert (tmp_path / "LATEST").read_text() == "step-5.fp16.safetensors\n"


def test_a_version_is_published_once(tmp_path: Path) -> None:
    follow.publish_directory(tmp_path, policy.weights(5), 5)
    for version in (5, 4):
        with pytest.raises(ValueError, match=f"version {version} is not newer than 5.*6 or more"):
            follow.publish_directory(tmp_path, policy.weights(version), version)
    assert os.listdir(tmp_path) == ["weights-5.safetensors"]


def test_what_a_killed_publisher_left_goes_after_an_hour(tmp_path: Path) -> None:
    with replacing(tmp_path / "weights-7.safetensors"):
        (left,) = tmp_path.iterdir()
    (tmp_path / "weights-7.safetensors").unlink()
    fresh = tmp_path / ".weights-8.safetensors.0123456789ab"
    others = [tmp_path / one for one in (".policy-7.safetensors.0123456789ab", ".weights-7.old")]
    for one in (left, fresh, *others):
        one.write_bytes(b"half")
        if one is not fresh:
            os.utime(one, (1e9, 1e9))
    published = follow.publish_directory(tmp_path, policy.weights(9), 9)
    assert set(tmp_path.iterdir()) == {published, fresh, *others}


def test_weights_that_cannot_be_written_publish_nothing(tmp_path: Path) -> None:
    with pytest.raises(ab.WeightError):
        follow.publish_directory(tmp_path, {"w": np.zeros(2, np.complex128)}, 1)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("weights.safetensors", "one with {version} in it is right"),
        ("../{version}", "a glob of names in the directory is right"),
        (".{version}.safetensors", "a follower would take"),
        ("{version}.tmp", "a follower would take"),
    ],
)
def test_names_that_cannot_be(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        follow.publish_directory(tmp_path, policy.weights(1), 1, name=name)


def test_a_trainer_needs_no_runtime(tmp_path: Path) -> None:
    program = (
        "import sys, numpy as np\n"
        "sys.modules['redis'] = sys.modules['watchfiles'] = sys.modules['onnx'] = None\n"
        "from acl_bundle import follow\n"
        "print(follow.publish_directory(sys.argv[1], {'w': np.ones(3, 'f4')}, 1))\n"
        "assert not {'acl_bundle._binding.shim', 'acl_bundle.bundle'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == str(tmp_path / "weights-1.safetensors"), done.stderr


def test_a_step_counter_of_numpys_is_a_version(tmp_path: Path) -> None:
    weights = {"w": np.ones(3, "f4")}
    file = follow.publish_directory(tmp_path, weights, np.int64(7))  # type: ignore[arg-type]
    assert file.name == "weights-7.safetensors"
    with pytest.raises(TypeError, match="version is an int, not True"):
        follow.publish_directory(tmp_path, weights, True)

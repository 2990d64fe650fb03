"""``acl-bundle follow``: a line for each version, JSON, wrong arguments, Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from acl_bundle import fake, follow, weights

ENGINE = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1.*"))
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}


def start(*arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "acl_bundle.cli", "follow", *arguments],
        env={
            **CLEAN, "PYTHONIOENCODING": "utf-8:strict",
            "ACL_BUNDLE_LIBRARY": str(fake.library_path()),
            "ACL_FAKE_ONNXRUNTIME": str(ENGINE),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def cli(*arguments: str | Path) -> tuple[int, str, str]:
    process = start(*arguments)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@pytest.fixture
def published(mlp: Any, tmp_path: Path) -> Path:
    follow.publish_directory(tmp_path, mlp.weights, 1)
    follow.publish_directory(tmp_path, {"w1": np.zeros(2, np.float32)}, 2)
    follow.publish_directory(tmp_path, mlp.random(3), 3)
    return tmp_path


def test_a_line_for_each_version(mlp: Any, published: Path) -> None:
    status, out, err = cli(mlp.path, published, "--after", "0", "--count", "2")
    first, second, third, last = out.splitlines()
    assert first.startswith("applied 1: 4 weights, 780 bytes in ")
    assert second.startswith("refused 2: weight 'w1' has shape (2,)")
    assert third.startswith("applied 3: 4 weights")
    assert third.endswith(" s after its publication")
    assert last == "2 applied, 1 refused, 0 passed by, 0 errors; the last version is 3"
    assert (status, err) == (1, "")


def test_json_is_a_line_each(mlp: Any, published: Path) -> None:
    status, out, _ = cli(mlp.path, published, "--count", "1", "--json")
    applied, ended = map(json.loads, out.splitlines())
    assert status == 0
    assert applied.keys() == {"schema", "event", "version", "changed", "nbytes", "seconds", "lag"}
    assert (applied["event"], applied["version"], applied["nbytes"]) == ("applied", 3, 780)
    assert (ended["event"], ended["applied"], ended["last_error"]) == ("ended", 1, None)


def test_a_url(mlp: Any, published: Path, tmp_path: Path) -> None:
    status, out, _ = cli(mlp.path, published.as_uri(), "--count", "1")
    assert (status, out.partition(":")[0]) == (0, "applied 3")
    status, out, err = cli(mlp.path, "ftp://host/policy")
    assert (status, out) == (2, "")
    assert "the URL's scheme is 'ftp'" in " ".join(err.replace("│", " ").split())
    status, out, err = cli(mlp.path, published.as_uri(), "--pattern", "weights-{version}.*")
    assert (status, out) == (2, "")
    assert "give the directory as a path" in " ".join(err.replace("│", " ").split())


def test_a_cache_of_hugging_face_s(mlp: Any, tmp_path: Path) -> None:
    commit = "0" * 40
    (tmp_path / "refs").mkdir()
    (tmp_path / "snapshots" / commit).mkdir(parents=True)
    weights.save(mlp.weights, tmp_path / "snapshots" / commit / "model.safetensors")
    (tmp_path / "refs" / "main").write_text(commit)
    status, out, _ = cli(mlp.path, tmp_path, "--count", "1")
    assert (status, out.partition("@")[0]) == (0, f"applied {commit}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_print_what_was_done(
    mlp: Any, published: Path, number: signal.Signals
) -> None:
    process = start(mlp.path, published, "--stale-after", "0.3")
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    assert any(line.startswith("applied 3") for line in lines)
    assert any(re.match(r"stale: nothing new for \d+\.\d s$", line) for line in lines)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert out == "1 applied, 0 refused, 0 passed by, 0 errors; the last version is 3\n"
    assert (process.returncode, err) == (0, "")


def test_a_name_cannot_steer_the_terminal(mlp: Any, tmp_path: Path) -> None:
    made = follow.publish_directory(tmp_path, mlp.weights, 1)
    os.rename(made, tmp_path / "policy\x1b[m.safetensors")
    status, out, err = cli(mlp.path, tmp_path, "--count", "1")
    assert (status, err) == (0, "")
    assert out.startswith("applied policy\\x1b[m.safetensors@")


def test_a_name_that_is_no_text_is_printed_all_the_same(mlp: Any, tmp_path: Path) -> None:
    made = follow.publish_directory(tmp_path, mlp.weights, 1)
    os.rename(made, os.fsencode(tmp_path) + b"/policy\xff.safetensors")
    status, out, err = cli(mlp.path, tmp_path, "--count", "1")
    assert (status, "Traceback" in err) == (0, False)
    assert out.startswith("applied policy\\udcff.safetensors@")


@pytest.mark.parametrize(
    ("wrong", "status", "message"),
    [
        (("--pattern", "../*"), 2, "a glob of names"),
        (("--cast", "any"), 2, "cast is 'safe'"),
        (("--after", "best"), 2, "has no number"),
        (("--stale-after", "-1"), 2, "a positive number"),
        (("--count", "0"), 2, "greater than or equal to 1"),
    ],
)
def test_wrong_arguments(
    mlp: Any, tmp_path: Path, wrong: tuple[str, ...], status: int, message: str
) -> None:
    code, _, err = cli(mlp.path, tmp_path, *wrong)
    assert code == status
    assert message in " ".join(err.replace("│", " ").split())
    assert "Traceback" not in err


def test_a_bundle_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.om").write_bytes(b"x")
    status, _, err = cli(tmp_path / "x.om", tmp_path)
    assert (status, err.startswith("acl-bundle: ")) == (2, True)


KEY = b"a key of the tests of the shell"


def test_only_what_a_key_signs(mlp: Any, tmp_path: Path) -> None:
    folder, file, newer = tmp_path / "versions", tmp_path / "key", tmp_path / "newer"
    file.write_bytes(KEY + b"\n")
    newer.write_bytes(KEY[::-1] + b"\r\n")
    follow.publish_directory(folder, mlp.weights, 1, signing_key=KEY)
    follow.publish_directory(folder, mlp.random(2), 2, signing_key=KEY[::-1])
    follow.publish_directory(folder, mlp.random(3), 3)
    one = ("--signing-key-file", file)
    for options, version, refused in (
        (("--count", "1", *one), 1, 2),
        (("--count", "1", *one, "--signing-key-file", newer), 2, 1),
    ):
        status, out, err = cli(mlp.path, folder, *options)
        assert (status, err) == (1, "")
        assert out.startswith("refused 3: directory:weights-3.safetensors: it is not signed")
        assert f"applied {version}: 4 weights" in out
        assert f"1 applied, {refused} refused" in out
        assert KEY.decode() not in out


@pytest.mark.parametrize(
    ("content", "status", "message"),
    [
        (b"fifteen bytes..\n", 2, "has 15 bytes; 16 or more are right"),
        (b"", 2, "has 0 bytes"),
        (bytes(5000), 2, "it is larger than 4096 bytes"),
        (None, 2, "No such file"),
        ("fifo", 2, "a FIFO; a regular file is right"),
    ],
)
def test_files_that_hold_no_key(
    mlp: Any, tmp_path: Path, content: bytes | str | None, status: int, message: str
) -> None:
    file = tmp_path / "k"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content is not None:
        os.mkfifo(file)
    code, _, err = cli(mlp.path, tmp_path, "--signing-key-file", file)
    assert code == status
    assert message in " ".join(err.replace("│", " ").split())
    assert "fifteen" not in err
    assert "Traceback" not in err

"""What a follower tells without any callback: warnings of the standard logger, each once."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow

from .. import policy
from ..following import QUICK, following, publish, until
from ..memory import Memory


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [one for one in caplog.records if one.name == "acl_bundle.follow"]
    assert {one.levelno for one in found} <= {logging.WARNING}
    return [one.getMessage() for one in found]


@pytest.mark.timed
def test_a_refused_version_is_a_warning(
    bundle: ab.Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with following(bundle, tmp_path) as follower:
        publish(tmp_path, 1)
        follower.wait_for(1, 10)
        publish(tmp_path, 2, {"nobody": np.zeros(1, np.float32)})
        with pytest.raises(ab.WeightError):
            follower.wait_for(2, 10)
        until(lambda: warned(caplog))
        time.sleep(0.2)
    (told,) = warned(caplog)
    assert f"<Directory '{tmp_path}', '*'>: version 2 is refused: " in told
    assert "nobody" in told


@pytest.mark.timed
def test_a_missing_directory_is_one_warning_and_a_count_when_it_is_there(
    bundle: ab.Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "checkpoints"
    with following(bundle, folder) as follower:
        until(lambda: follower.metrics.errors >= 5)
        (told,) = warned(caplog)
        assert "No such file or directory" in told
        assert told.endswith("; it is tried again")
        publish(folder, 1)
        follower.wait_for(1, 10)
        until(lambda: len(warned(caplog)) == 2)
        errors = follower.metrics.errors
        time.sleep(0.3)
    last = warned(caplog)[1:]
    assert len(last) == 1
    assert f"over, after {errors} failures: " in last[0]


@pytest.mark.timed
def test_a_stale_trainer_is_a_warning(
    bundle: ab.Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with following(bundle, tmp_path, stale_after=0.1) as follower:
        until(lambda: warned(caplog))
        publish(tmp_path, 1)
        follower.wait_for(1, 10)
        until(lambda: len(warned(caplog)) == 2)
        time.sleep(0.3)
    first, second = warned(caplog)
    assert "there is no version: nothing new for 0." in first
    assert "version 1 is stale: nothing new for 0." in second


def test_a_version_that_is_not_whole_is_one_warning(
    bundle: ab.Bundle, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with following(bundle, tmp_path) as follower:
        (tmp_path / "weights-1.safetensors").write_bytes(b"half")
        until(lambda: follower.metrics.errors >= 3)
        assert len(warned(caplog)) == 1
        publish(tmp_path, 2)
        follower.wait_for(2, 10)
        until(lambda: len(warned(caplog)) == 2)
    assert "over, after " in warned(caplog)[1]


class Changing(Memory):
    """Each look fails, each time for another reason."""

    def versions(self) -> Any:
        self.looks += 1
        raise ConnectionError(f"reason {self.looks}\n\x1b[31mWARNING forged")


def test_reasons_that_always_change_are_not_told_for_ever_and_forge_nothing(
    bundle: ab.Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    source = Changing()
    with ab.follow(bundle, source, backoff=follow.Backoff(0.001, 0.002)):
        until(lambda: source.looks > 40)
    told = warned(caplog)
    assert len(told) == 16
    assert "reason 1\n    \\x1b[31mWARNING forged" in told[0]


def test_python_prints_them_without_any_configuration(policy_file: Path, tmp_path: Path) -> None:
    """Nothing here may take the last resort away, such as a handler that drops all."""
    program = (
        "import sys, time\n"
        "import acl_bundle as ab\n"
        "class Bundle:\n"
        "    version = 1\n"
        "    def update(self, weights, *, version): raise ab.WeightError('it does not fit')\n"
        "with ab.follow(Bundle(), ab.follow.Directory(sys.argv[1], poll=0.05)) as follower:\n"
        "    while not follower.metrics.refused: time.sleep(0.01)\n"
        "    time.sleep(0.1)\n"
    )
    publish(tmp_path, 7)
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    (line,) = done.stderr.splitlines()
    assert line.endswith("version 7 is refused: it does not fit")


@pytest.mark.timed
def test_a_recovery_without_repetition_says_nothing(
    bundle: ab.Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    source = Memory()
    versions, failed = source.versions, []

    def once() -> Any:
        if not failed:
            failed.append(True)
            raise ConnectionError("once")
        return versions()

    source.versions = once  # type: ignore[method-assign]
    with ab.follow(bundle, source, backoff=QUICK) as follower:
        source.put(1, policy.weights(1))
        follower.wait_for(1, 10)
        time.sleep(0.1)
    (told,) = warned(caplog)
    assert "once; it is tried again" in told

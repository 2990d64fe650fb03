"""Ctrl-C, interpreter exit, forks, and followers that nobody closed."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

BEGIN = """
import os, sys, time, warnings
from acl_bundle import fake, follow
import acl_bundle as ab
fake.activate()
import atexit
bundle = ab.Bundle.load(sys.argv[1])
bundle.init()
follower = ab.follow(bundle, follow.Directory(sys.argv[2], poll=100))
follower.wait_for(1, 10)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    from acl_bundle import follow  # noqa: PLC0415

    from .. import policy  # noqa: PLC0415

    follow.publish_directory(tmp_path, policy.weights(1), 1)
    return tmp_path


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", BEGIN + textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )


def finished(code: str, *arguments: object) -> tuple[str, str]:
    process = start(code, *arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out, err


def test_exit_with_everything_open(policy_file: Path, folder: Path) -> None:
    code = """
    warnings.simplefilter("ignore", ResourceWarning)
    start = time.monotonic()
    atexit.register(lambda: print(time.monotonic() - start < 5))
    """
    out, err = finished(code, policy_file, folder)
    assert (out.strip(), err) == ("True", "")


def test_exit_during_an_update(policy_file: Path, folder: Path) -> None:
    code = """
    warnings.simplefilter("ignore", ResourceWarning)
    fake.latency("aclmdlExecute", 0.5)
    import numpy as np
    follow.publish_directory(sys.argv[2], {"b": np.ones(256, "f4")}, 2)
    while follower.metrics.seen < 2:
        time.sleep(0.01)
    """
    assert finished(code, policy_file, folder) == ("", "")


def test_one_that_was_forgotten_is_stopped_and_told(policy_file: Path, folder: Path) -> None:
    code = """
    import gc, threading
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del follower
        gc.collect()
    print(*(str(one.message) for one in caught))
    print([one.name for one in threading.enumerate()])
    bundle.close()
    """
    out, _ = finished(code, policy_file, folder)
    assert out.splitlines() == ["unclosed Follower: call close() or use with", "['MainThread']"]


def test_a_fork_says_what_to_do(policy_file: Path, folder: Path) -> None:
    code = """
    warnings.simplefilter("ignore")
    child = os.fork()
    if child == 0:
        try:
            follower.wait_for(2, 10)
        except ab.ClosedError as error:
            print(error, follower.running, flush=True)
        follower.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert follower.running
    follower.close()
    bundle.close()
    """
    out, _ = finished(code, policy_file, folder)
    assert "this Follower was made in process" in out
    assert "load it here, or use spawn False" in out


@pytest.mark.timed
@pytest.mark.parametrize("doing", ["follower.wait_for(2)", "time.sleep(60)"])
def test_ctrl_c_ends_the_program(policy_file: Path, folder: Path, doing: str) -> None:
    code = f"""
    with bundle, follower:
        print("here", flush=True)
        {doing}
    """
    process = start(code, policy_file, folder)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    started = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - started < 5
    assert err.strip().endswith("KeyboardInterrupt")

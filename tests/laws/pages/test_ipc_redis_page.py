"""The page of memory that is announced in Redis: its examples run on a real server."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from acl_bundle import fake

from .page import Page, small_policy

redis = pytest.importorskip("redis", reason="redis-py is not installed")
PAGE = Page("docs/ipc_redis.md")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The URL of a redis-server on a socket."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here; Debian's package redis-server has it")
    command = [program, "--port", "0", "--unixsocket", "redis.sock", "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        while not (tmp_path / "redis.sock").exists():
            assert process.poll() is None
            time.sleep(0.01)
        yield f"unix://{tmp_path}/redis.sock"
        process.kill()


@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_policy(tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    PAGE.run({"server": server})
    assert fake.live() == []


def test_its_links() -> None:
    PAGE.check_links()

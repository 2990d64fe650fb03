"""deploy/: what the Dockerfile and the compose file run, run here as processes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .conftest import ask, numbers

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
DEPLOY = Path(__file__).parents[2] / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def listed(instruction: str) -> list[str]:
    """The last instruction of a kind, in its form of a list."""
    found: list[str] = json.loads(re.findall(rf"^{instruction} (\[.*\])$", DOCKERFILE, re.M)[-1])
    return found


def test_the_files_name_what_is_there() -> None:
    for source in re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.M):
        assert (DEPLOY.parent / source).exists(), source
    services = COMPOSE["services"]
    assert services.keys() == {"redis", "trainer", "server"}
    for name in ("trainer", "server"):
        build = services[name]["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).samefile(DEPLOY / "Dockerfile")
        assert services[name]["depends_on"] == {"redis": {"condition": "service_healthy"}}
    drain = next(one for one in services["server"]["command"] if one.startswith("--drain="))
    assert int(drain.partition("=")[2]) < int(services["server"]["stop_grace_period"][:-1])
    extras = re.search(r"\[([a-z,]+)\]\"", DOCKERFILE)
    project = (DEPLOY.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert extras is not None
    assert all(re.search(rf"^{one} = \[", project, re.M) for one in extras[1].split(","))
    assert listed("CMD")[0] == services["server"]["command"][0] == "policy.om"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


@contextmanager
def running(*command: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, cwd=cwd, env={**CLEAN, "PATH": PATH}, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def until(true: Any) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.1)


def answers(port: int) -> Any:
    try:
        return ask(port, "GET", "/v2/health/ready").status == 200
    except ConnectionError:
        return False


@pytest.mark.timed
@pytest.mark.skipif(shutil.which("redis-server") is None, reason="no redis-server here")
def test_a_trainer_improves_what_is_served(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "policy.py", tmp_path)
    (built,) = re.findall(r"(python policy\.py build policy\.om)", DOCKERFILE)
    subprocess.run(built.split(), cwd=tmp_path, env={**CLEAN, "PATH": PATH}, check=True)
    services, redis, http, rpc = COMPOSE["services"], free_port(), free_port(), free_port()
    places = {"redis:6379": f"127.0.0.1:{redis}", "8000": str(http), "8001": str(rpc)}

    def here(words: list[str]) -> list[str]:
        for old, new in places.items():
            words = [word.replace(old, new) for word in words]
        return words

    x = np.ones((3, 4), np.float32)

    def answer() -> Any:
        return ask(http, "POST", "/v2/models/policy/infer", numbers(x)).json

    with ExitStack() as stack:

        def start(words: list[str]) -> subprocess.Popen[str]:
            return stack.enter_context(running(*words, cwd=tmp_path))

        start([*services["redis"]["command"], "--port", str(redis)])
        server = start(here([*listed("ENTRYPOINT"), *services["server"]["command"]]))
        until(lambda: answers(http))
        assert answer()["outputs"][0]["data"] == [0.0] * 6
        start(here([*services["trainer"]["entrypoint"], *services["trainer"]["command"]]))
        until(lambda: answer()["model_version"] != "0")
        first = answer()
        until(lambda: answer()["model_version"] != first["model_version"])
        assert answer()["outputs"][0]["data"] != first["outputs"][0]["data"]
        command = here(listed("HEALTHCHECK .*CMD"))
        subprocess.run(command, env={**CLEAN, "PATH": PATH}, check=True, timeout=30)
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0

"""``acl-bundle serve`` as a process: it serves, follows, drains, and says why not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tritonclient.grpc

from acl_bundle import build, fake, follow
from acl_bundle.server import post_weights

from .conftest import TOKEN, array_of, ask, numbers, waiting

ENGINE = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1.*"))
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}
INFER = "/v2/models/mlp/infer"


class Process:
    """The command, and the lines that it has printed."""

    def __init__(self, *arguments: str | Path, **env: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "acl_bundle.cli", "serve", *arguments],
            env={
                **CLEAN, "ACL_BUNDLE_LIBRARY": str(fake.library_path()),
                "ACL_FAKE_ONNXRUNTIME": str(ENGINE), **env,
            },
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.lines: list[str] = []

    def until(self, event: str) -> dict[str, Any]:
        """Read until a line tells an event."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.lines.append(line)
            found: dict[str, Any] = json.loads(line)
            if found["event"] == event:
                return found
        raise AssertionError(f"it ended without {event!r}: {self.lines}")

    def end(self) -> tuple[int, str]:
        """Wait for the end; the rest that it prints."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out + err


@contextmanager
def served(*arguments: str | Path, **env: str) -> Iterator[tuple[Process, dict[str, Any]]]:
    one = Process(*arguments, "--port", "0", **env)
    try:
        yield one, one.until("serving")
    finally:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("pair", [[], ["--pair"]])
def test_it_serves_what_a_trainer_publishes(
    mlp: Any, tmp_path: Path, number: signal.Signals, pair: list[str]
) -> None:
    follow.publish_directory(tmp_path, mlp.random(1), 1)
    with served(mlp.path, "--follow", tmp_path, "--grpc-port", "0", *pair) as (one, told):
        one.until("applied")
        reply = ask(told["port"], "POST", INFER, numbers(mlp.x))
        np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(1)), rtol=1e-4, atol=1e-5)
        assert reply.json["model_version"] == "1"
        follow.publish_directory(tmp_path, mlp.random(2), 2)
        assert one.until("applied")["version"] == 2
        client = tritonclient.grpc.InferenceServerClient(f"127.0.0.1:{told['grpc_port']}")
        assert client.get_model_metadata("mlp").versions == ["2"]
        client.close()
        one.process.send_signal(number)
        one.until("draining")
        status, rest = one.end()
        assert (status, json.loads(rest)["event"]) == (0, "ended")


def test_sigterm_lets_answers_end(mlp: Any) -> None:
    with served(mlp.path, ACL_FAKE_LATENCY="aclmdlExecute:3000000000") as (one, told):
        with ThreadPoolExecutor(2) as pool:
            asked = [pool.submit(ask, told["port"], "POST", INFER, numbers(mlp.x)) for _ in "ab"]
            waiting(told["port"], 1)
            one.process.send_signal(signal.SIGTERM)
            one.until("draining")
            assert ask(told["port"], "GET", "/v2/health/ready").status == 503
            assert [reply.result().status for reply in asked] == [200, 200]
        status, rest = one.end()
        assert (status, "Traceback" in rest) == (0, False)


def test_a_second_sigterm_does_not_wait(mlp: Any, tmp_path: Path) -> None:
    path = tmp_path / "mlp.om"
    build.model(mlp.onnx).save(path)  # no init graph, whose run would take as long
    with (
        served(path, ACL_FAKE_LATENCY="aclmdlExecute:300000000000") as (one, told),
        ThreadPoolExecutor(2) as pool,
    ):
        asked = [pool.submit(ask, told["port"], "POST", INFER, numbers(mlp.x)) for _ in "ab"]
        waiting(told["port"], 1)
        one.process.send_signal(signal.SIGTERM)
        one.until("draining")
        one.process.send_signal(signal.SIGTERM)
        status, rest = one.end()  # long before the run's five minutes
        assert (status, "ended early" in rest) == (1, True), rest
        assert [reply.result().status for reply in asked] == [503, 503]


def test_posts_by_a_token(mlp: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    with served(mlp.path, "--token-file", tmp_path / "token", "--name", "m") as (one, told):
        url = f"http://127.0.0.1:{told['port']}"
        post_weights(url, mlp.random(3), 3, model="m", token=TOKEN)
        reply = ask(told["port"], "POST", "/v2/models/m/infer", numbers(mlp.x))
        np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(3)), rtol=1e-4, atol=1e-5)
        headers = {"Authorization": f"Bearer {TOKEN}"}
        for what in ("unload", "load"):
            path = f"/v2/repository/models/m/{what}"
            assert ask(told["port"], "POST", path, headers=headers).status == 200
        reply = ask(told["port"], "POST", "/v2/models/m/infer", numbers(mlp.x))
        assert reply.json["model_version"] == "0"  # it was loaded anew
        assert TOKEN not in "".join(one.lines)


@pytest.mark.parametrize("processes", [[], ["--processes"]])
def test_a_fleet(mlp: Any, tmp_path: Path, processes: list[str]) -> None:
    fleet = "--devices", "0,0", "--consistency", "strict", *processes
    with served(mlp.path, *fleet, "--follow", tmp_path) as (one, told):
        follow.publish_directory(tmp_path, mlp.random(1), 1)
        assert one.until("applied")["version"] == 1
        reply = ask(told["port"], "POST", INFER, numbers(mlp.x))
        np.testing.assert_allclose(array_of(reply), mlp.answer(mlp.random(1)), rtol=1e-4, atol=1e-5)
        assert reply.json["model_version"] == "1"
        text = ask(told["port"], "GET", "/metrics").body.decode()
        for name in ("replica-0", "replica-1"):
            assert f'acl_bundle_replica_open{{model="mlp",replica="{name}"}} 1.0' in text
        one.process.send_signal(signal.SIGTERM)
        one.until("draining")
        status, rest = one.end()
        assert (status, json.loads(rest)["event"]) == (0, "ended"), rest


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (("missing.om",), 2, "missing.om"),
        (("none.om",), 2, "none.om"),
        (("{mlp}", "--port", "{taken}"), 2, "Address already in use: 127.0.0.1 port"),
        (("{mlp}", "--port", "0", "--grpc-port", "{taken}"), 2, "Address already in use"),
        (("{mlp}", "--token-file", "short"), 2, "at least 16 characters"),
        (("{mlp}", "--token-file", "missing"), 2, "No such file"),
        (("{mlp}", "--signing-key-file", "short"), 2, "16 or more are right"),
        (("{mlp}", "--follow", "gopher://x"), 2, "redis://"),
        (("{mlp}", "--follow", ".", "--pattern", "../*"), 2, "a glob of names"),
        (("{mlp}", "--name", "a/b"), 2, "a model's name is 'a/b'"),
        (("{mlp}", "--device", "99", "--port", "0"), 2, "99"),
        (("{mlp}", "--devices", "0,a"), 2, "--devices is '0,a'; numbers of devices"),
        (("{mlp}", "--devices", "0", "--device", "1"), 2, "one of both is right"),
        (("{mlp}", "--processes"), 2, "give --devices 0,1"),
        (("{mlp}", "--after", "3"), 2, "--after says how a trainer is followed; give --follow"),
        (("{mlp}", "--posted-file", "short"), 2, "is no file of posted versions"),
        (("{mlp}", "--drain", "-1"), 2, "drain is -1.0 seconds"),
    ],
)
def test_what_cannot_be_served(
    mlp: Any, tmp_path: Path, arguments: tuple[str, ...], status: int, message: str
) -> None:
    (tmp_path / "none.om").write_bytes(b"none")
    (tmp_path / "short").write_text("short")
    with socket.create_server(("127.0.0.1", 0)) as other:
        given = [one.format(mlp=mlp.path, taken=other.getsockname()[1]) for one in arguments]
        paths = [str(tmp_path / one) if (tmp_path / one).is_file() else one for one in given]
        code, told = Process(*paths).end()
    plain = " ".join(told.replace("│", " ").split())
    assert (code, message in plain) == (status, True), told
    assert "Traceback" not in told

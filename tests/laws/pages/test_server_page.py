"""docs/server.md: its programs and its session run, and its tables name what there is."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import fake, follow
from acl_bundle.server import ServerLimits
from acl_bundle.server._protocol.refusal import Why

from .page import Page, small_policy

PAGE = Page("docs/server.md")
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}


@pytest.mark.usefixtures("fake_acl")
def test_the_programs_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_policy(tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    PAGE.run(names)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return str(one.getsockname()[1])


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_session_runs(tmp_path: Path) -> None:
    small_policy(tmp_path / "policy.om")
    trained = {"w": np.full((4, 2), 7, np.float32), "b": np.zeros(2, np.float32)}
    follow.publish_directory(tmp_path / "checkpoints", trained, 7)
    (session,) = re.findall(r"^```console\n(.*?)^```$", PAGE.text, re.M | re.S)
    steps = [step.partition("\n") for step in session.removeprefix("$ ").split("\n$ ")]
    ports = {"8000": free_port(), "8001": free_port()}
    lines = [
        "set -m",
        f'acl-bundle() {{ exec {sys.executable} -m acl_bundle.cli "$@"; }}',
        *(command for command, _, _ in steps),
    ]
    ready = "until curl -sf localhost:8000/v2/models/policy/versions/7; do sleep 0.1; done >ready"
    lines.insert(3, ready)
    lines.append('wait %1; echo "status $?"')
    script = "\n".join(lines)
    for old, new in ports.items():
        script = script.replace(old, new)
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**CLEAN, "ACL_BUNDLE_LIBRARY": str(fake.library_path()), **engine()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = "".join(printed.strip() for _, _, printed in steps)
    assert done.stdout.strip() == f"{shown}status 0", done
    assert '"event": "ended"' in done.stderr


def engine() -> dict[str, str]:
    import onnxruntime  # noqa: PLC0415  only here

    found = next((Path(onnxruntime.__file__).parent / "capi").glob("libonnxruntime.so.1.*"))
    return {"ACL_FAKE_ONNXRUNTIME": str(found)}


def test_every_status_and_code_stands_in_the_table() -> None:
    table = PAGE.text.partition("## When there is no answer")[2].partition("\n`ServerLimits`")[0]
    for why in Why:
        if why not in (Why.NO_METHOD, Why.ENCODING, Why.UNSUPPORTED):
            assert str(why.status) in table
    for code in set(re.findall(r"\b[A-Z]{5,}(?:_[A-Z]+)*\b", table)) - {"INTERNAL"}:
        assert code in {why.code for why in Why}


def test_the_limits_that_it_names_are_there() -> None:
    known = {one.name for one in fields(ServerLimits)}
    assert {"receive", "body", "queue", "request", "drain", "workers", "batch_delay"} <= known


def test_its_links() -> None:
    PAGE.check_links()

"""The page of URLs: its examples run on a real S3 server and a plain HTTP server."""

from __future__ import annotations

import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from acl_bundle import fake

from .page import ROOT, Page, small_policy

pytest.importorskip("obstore", reason="obstore is not installed")
PAGE = Page("docs/follow_urls.md")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of an S3 in a process of its own, which the environment tells of."""
    pytest.importorskip("moto", reason="moto, an S3 in a process, is not installed")
    program = [sys.executable, ROOT / "tests" / "follow" / "s3.py", "pages"]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        for name in "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY":
            monkeypatch.setenv(name, "test")
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        yield "s3://pages"
        process.communicate()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files as Python serves them, with ranges, which it leaves out."""

    def log_message(self, *_: object) -> None:
        """Not on stderr."""

    def do_GET(self) -> None:
        asked = self.headers.get("Range")
        if asked is None:
            super().do_GET()
            return
        first, _, last = asked.removeprefix("bytes=").partition("-")
        body = Path(self.translate_path(self.path)).read_bytes()
        part = body[int(first) : int(last) + 1]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        self.wfile.write(part)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The URL of a plain HTTP server of a folder."""
    handler = functools.partial(_Quiet, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.usefixtures("fake_acl")
def test_the_page_runs(
    bucket: str, served: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_policy(tmp_path / "policy.om")
    monkeypatch.chdir(tmp_path)
    PAGE.run({"bucket": bucket, "served": served, "os": os})
    assert fake.live() == []


def test_its_links() -> None:
    PAGE.check_links()

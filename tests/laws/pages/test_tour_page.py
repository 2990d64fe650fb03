"""docs/tour.md: its files and commands, one after the other, in an empty folder."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest

from .page import Page
from .session import run

PAGE = Page("docs/tour.md")


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return str(one.getsockname()[1])


def lines(text: str) -> list[str]:
    """What was printed, without sizes, and without what bash tells of jobs that have ended."""
    text = re.sub(r"\d[\d,]{3,}", "0", text)
    stripped = (one.strip() for one in text.splitlines())
    return [line for line in stripped if line and not re.match(r"\[\d\]", line)]


def numbers(answer: str) -> list[float]:
    (shown,) = re.findall(r'"data":\[([^]]*)\]', answer)
    return [float(one) for one in shown.split(",")]


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")
def test_the_tour_leads_where_it_says(tmp_path: Path) -> None:
    for module in ("torch", "onnxscript", "starlette", "tritonclient.grpc"):
        pytest.importorskip(module)
    answers = []
    for command, shown, printed in run(PAGE.text, tmp_path, {"8000": free_port()}):
        if "/infer " in command:
            answers.append(numbers(printed))
            assert printed.strip().partition('"data"')[0] == shown.partition('"data"')[0]
        else:
            assert lines(printed) == lines(shown), (command, printed)
    first, trained = answers
    assert first != trained
    assert all(abs(one - 1) < 0.4 for one in trained), trained


def test_its_links() -> None:
    PAGE.check_links()

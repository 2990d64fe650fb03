"""Completion in a shell: the script that --show-completion prints completes commands and files."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .terminal import CLEAN, STYLE, open_terminal

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="no bash here")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the command, a home, and a file to complete."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "acl-bundle"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m acl_bundle.cli "$@"\n')
    program.chmod(0o755)
    (tmp_path / "policy.om").touch()
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return {**CLEAN, "PATH": path, "HOME": str(folder), "TERM": "dumb", "PS1": "> "}


def shell(name: str, folder: Path) -> str:
    """A shell, or bash under its name, which is all that the command asks for."""
    found = shutil.which(name)
    if found is None:
        assert BASH is not None
        found = str(folder / "bin" / name)
        os.symlink(BASH, found)
    return found


def run(folder: Path, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env={**environment(folder), **more}, cwd=folder, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("bash", "complete -o default -F "),
        ("zsh", "#compdef acl-bundle"),
        ("fish", "complete --command acl-bundle "),
    ],
)
def test_the_script_is_that_of_the_shell_that_asks(folder: Path, name: str, line: str) -> None:
    done = run(folder, shell(name, folder), "-c", "acl-bundle --show-completion; true")
    assert (done.returncode, done.stderr) == (0, "")
    assert line in done.stdout
    assert f"_ACL_BUNDLE_COMPLETE=complete_{name}" in done.stdout


@pytest.mark.parametrize(
    ("name", "words", "more"),
    [
        ("bash", {"COMP_WORDS": "acl-bundle weights co", "COMP_CWORD": "2"}, {}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "acl-bundle weights co"}, {}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "acl-bundle weights co"},
         {"_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)  # fmt: skip
def test_what_a_script_asks_for_is_answered(
    folder: Path, name: str, words: dict[str, str], more: dict[str, str]
) -> None:
    done = run(folder, "acl-bundle", _ACL_BUNDLE_COMPLETE=f"complete_{name}", **words, **more)
    assert (done.returncode, done.stderr) == (0, "")
    assert "convert" in done.stdout
    assert "check" not in done.stdout


class Terminal:
    """Bash, with a person before it."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = open_terminal(200)
        assert BASH is not None
        self._process = subprocess.Popen(
            [BASH, "--norc", "--noprofile", "-i"], env=environment(folder), cwd=folder,
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        os.set_blocking(self._ours, False)
        self.seen = ""

    def type(self, keys: str, until: str) -> None:
        """Press keys and wait until a text stands behind what was there before."""
        before = len(self.seen)
        os.write(self._ours, keys.encode())
        deadline = time.monotonic() + 120
        while until not in self.seen[before:]:
            assert time.monotonic() < deadline, self.seen
            try:
                self.seen += STYLE.sub("", os.read(self._ours, 65536).decode())
            except BlockingIOError:
                time.sleep(0.02)

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._ours)


def test_bash_completes_commands_and_files(folder: Path) -> None:
    terminal = Terminal(folder)
    try:
        terminal.type('eval "$(acl-bundle --show-completion)" && echo ready\n', "\nready")
        terminal.type("acl-bundle ins\t", "inspect ")
        terminal.type("pol\t", "policy.om ")
    finally:
        terminal.close()


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish here")
def test_fish_completes_commands_and_files(folder: Path) -> None:
    script = "acl-bundle --show-completion > c.fish; source c.fish; complete -C 'acl-bundle "
    fish = shutil.which("fish")
    assert fish is not None
    assert "convert\t" in run(folder, fish, "--no-config", "-c", f"{script}weights c'").stdout
    assert "policy.om" in run(folder, fish, "--no-config", "-c", f"{script}inspect p'").stdout

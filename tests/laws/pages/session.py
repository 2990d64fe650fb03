"""A page that is one session of a shell, with files that the reader saves in between.

A ``python`` or ``c`` block whose first line is a comment with a name is that file; a ``console``
block is typed, and shows what is printed. What a block without a language holds is not run.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```(python|c|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("ACL_", "ASCEND"))}
END = "--- end of step ---"


def script(page: str, folder: Path) -> tuple[str, list[tuple[str, str]]]:
    """The lines of bash that do what a page says, and each command with what it shows."""
    lines, steps = [], []
    for number, (kind, text) in enumerate(BLOCK.findall(page)):
        if kind != "console":
            name = text.partition("\n")[0].strip("#/* ")
            (folder / f"{number}.txt").write_text(text, encoding="utf-8")
            lines.append(f"cp '{folder}/{number}.txt' '{name}'")
            continue
        for step in text.removeprefix("$ ").split("\n$ "):
            command, _, printed = step.partition("\n")
            steps.append((command, printed))
            lines += [command, f"echo; echo '{END}'"]
    return "\n".join(lines), steps


def run(page: str, folder: Path, ports: dict[str, str]) -> list[tuple[str, str, str]]:
    """Do it in a folder: each command, what the page shows of it, and what it printed."""
    text, steps = script(page, folder)
    for old, new in ports.items():
        text = text.replace(old, new)
    head = f'set -m\npython() {{ {sys.executable} "$@"; }}\n'
    (folder / "bin").mkdir()
    command = folder / "bin" / "acl-bundle"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m acl_bundle.cli "$@"\n')
    command.chmod(0o755)
    beside = f"{folder / 'bin'}:{Path(sys.executable).parent}:{CLEAN['PATH']}"
    done = subprocess.run(
        ["bash", "-c", head + text],
        cwd=folder,
        env={**CLEAN, "PATH": beside},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,  # under load; alone half a minute
        check=False,
    )
    printed = done.stdout.split(END)
    assert len(printed) == len(steps) + 1, done.stdout
    return [(*step, one) for step, one in zip(steps, printed, strict=False)]

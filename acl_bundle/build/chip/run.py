"""The program that calls GE, in a process of its own.

It has a session of its own as well, so a Ctrl-C of the terminal reaches this
process alone, which then ends all that the other one started.
"""

from __future__ import annotations

import difflib
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from acl_bundle.errors import CompileError

_WHAT_TO_DO: Final = {
    "initialize": "Source the toolkit's set_env.sh, check the chip's name (npu-smi info has it, but"
    " for Ascend in front), and that the kernels of that chip are installed",
    "parse": "GE's parser does not take this model: look at its operators and opset",
    "convert": "GE does not make variables of these constants",
    "build": "GE cannot compile the graph for this chip, or not with these options",
    "save": "Is there room where the bundle is to be written?",
}
_LEFT: Final = 2000


class Answer(NamedTuple):
    """What GE said.

    Attributes:
        cann: The version of CANN, "" where it was not told.
        ir: The version of GE's graphs.
    """

    cann: str
    ir: str


def run(program: Path, libraries: Path, folder: Path, request: list[tuple[str, str]]) -> Answer:
    """Run the program and wait for it; end it when something is raised meanwhile.

    Args:
        program: It.
        libraries: GE's.
        folder: Where it may write.
        request: What it is to do.

    Raises:
        CompileError: A step failed, or the program died.
    """
    (folder / "request").write_bytes(_to_bytes(request))
    with (folder / "output").open("wb") as output:
        child = subprocess.Popen(
            [program, folder],
            env=_environment(libraries),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait()
        except BaseException:
            _end(child)
            raise
    return _answer(folder, status)


def _environment(libraries: Path) -> dict[str, str]:
    before = os.environ.get("LD_LIBRARY_PATH", "")
    path = f"{libraries}:{before}" if before else str(libraries)
    stand_in = {"ACL_BUNDLE_PYTHON": sys.executable}  # for a stand-in of GE's libraries
    return {**stand_in, **os.environ, "LD_LIBRARY_PATH": path}


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the process and all that it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _answer(folder: Path, status: int) -> Answer:
    step = _read(folder / "step") or "begin"
    fields = _from_bytes((folder / "answer").read_bytes()) if (folder / "answer").exists() else []
    said = dict(fields)
    if step == "finalize" and fields:
        return Answer(said.get("cann", ""), said.get("ir", ""))
    if step == "constants" and "missing" in said:
        raise CompileError("constants", _missing(fields))
    if "status" in said:
        raise CompileError(step, _failed(step, said, folder), int(said["status"]))
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    raise CompileError(step, f"the process that calls GE ended with {how}.{_last_words(folder)}")


def _failed(step: str, said: dict[str, str], folder: Path) -> str:
    text = said["text"].strip() or "it gave no text"
    logs = os.environ.get("ASCEND_PROCESS_LOG_PATH") or "~/ascend/log"
    advice = f"{_WHAT_TO_DO.get(step, 'GE refused this step')}; GE's own log lies in {logs}"
    return f"GE returned {said['status']}: {text}. {advice}.{_last_words(folder)}"


def _last_words(folder: Path) -> str:
    output = _read(folder / "output").strip()
    return f" It printed last:\n{output[-_LEFT:]}" if output else ""


def _missing(fields: list[tuple[str, str]]) -> str:
    constants = [value for key, value in fields if key == "const"]
    others = dict(value.split("\n", 1) for key, value in fields if key == "other")
    said = []
    for name in [value for key, value in fields if key == "missing"]:
        close = difflib.get_close_matches(name, constants, n=3, cutoff=0.5)
        close = close or [one for one in constants if name in one][:3]
        what = f"is a {others[name]}" if name in others else "is none of its nodes"
        said.append(f"{name!r} {what}" + (f" (alike: {', '.join(close)})" if close else ""))
    return (
        f"GE's parser gave the graph {len(constants)} constants, but not these: {'; '.join(said)}."
        " It names constants in another way than those that we know: please report its version"
    )


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _to_bytes(fields: list[tuple[str, str]]) -> bytes:
    made = b""
    for pair in fields:
        key, value = (os.fsencode(one) for one in pair)
        made += b"%d %d\n" % (len(key), len(value)) + key + value
    return made


def _from_bytes(data: bytes) -> list[tuple[str, str]]:
    at, found = 0, []
    while at < len(data):
        end = data.index(b"\n", at)
        of_key, of_value = map(int, data[at:end].split())
        at = end + 1 + of_key + of_value
        texts = data[end + 1 : at - of_value], data[at - of_value : at]
        found.append((os.fsdecode(texts[0]), os.fsdecode(texts[1])))
    return found

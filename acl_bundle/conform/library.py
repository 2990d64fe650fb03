"""The rows on a library of one's choice: what ``acl-bundle conform`` does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import acl_bundle as ab
from acl_bundle import errors, fake
from acl_bundle.conform import kit
from acl_bundle.conform.apart import ended
from acl_bundle.conform.perform import Answered
from acl_bundle.conform.report import Conformance, Result
from acl_bundle.conform.table import CallRow, rows

__all__ = ["about", "run"]


@contextmanager
def served(asked: dict[str, Any], by: str = "server") -> Iterator[Iterator[dict[str, Any]]]:
    """Start a process that answers, with a group of its own that ends with the block.

    Args:
        asked: What it reads as JSON.
        by: Its module, below acl_bundle.conform.

    Yields:
        Its messages, and as the last one ``{"died": ...}`` where it came to no good end.
    """
    found = fake.onnxruntime_path()
    around = {} if found is None else {"ACL_FAKE_ONNXRUNTIME": str(found)}
    unsaid = ("ACL_FAKE_REPORT", "ACL_FAKE_LINES")  # rows misuse the library, and mean it
    inherited = {name: value for name, value in os.environ.items() if name not in unsaid}
    child = subprocess.Popen(
        [sys.executable, "-m", f"acl_bundle.conform.{by}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**inherited, **around},
        start_new_session=True,
    )
    try:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps(asked))
        child.stdin.close()
        yield _messages(child)
        child.stdout.read()
    finally:
        os.killpg(child.pid, signal.SIGKILL)  # forks of one that died, too: none is reaped yet
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _messages(child: subprocess.Popen[str]) -> Iterator[dict[str, Any]]:
    assert child.stdout is not None
    for line in child.stdout:
        if line.endswith("\n"):  # else it died while it wrote
            yield json.loads(line)
    found = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # its group keeps its number
    status = 0 if found is None else found.si_status
    why = ended(status if found is None or found.si_code == os.CLD_EXITED else -status)
    if why:
        yield {"died": why}


def about(library: str | None = None, device: int = 0) -> dict[str, Any]:
    """Say which library there is: `Conformance.library`, and ``without_device``, why it has none.

    Opens it in a process of its own.

    Raises:
        LibraryNotFoundError: It cannot be opened, or ended its process at once.
    """
    with served({"library": library, "device": device, "rows": None}) as messages:
        found: dict[str, Any] = {}
        for message in messages:
            found.update(message)
    if "about" in found:
        return dict(found["about"])
    why = found.get("error") or found.get("ended") or found.get("died") or "its process ended"
    raise errors.LibraryNotFoundError(f"{library or 'the library'}: {why}")


def run(
    library: str | os.PathLike[str] | None = None,
    device: int = 0,
    chosen: Sequence[CallRow] | None = None,
    told: Callable[[Result, int], None] | None = None,
    patience: float = 60.0,
) -> Conformance:
    """Run the rows on a library, and say what it answered. Blocks; minutes on a device.

    Nothing of this process calls the library. Each call is made in a process that a crash may take
    along; it opens the device, uses less than a megabyte of it, and gives back what it took.

    Args:
        library: The library's path, or None for the one that `load_library` would find.
        device: The device's number.
        chosen: Rows of `rows`; None for all.
        told: Called after each row, with how many are left.
        patience: Seconds that a call may take.

    Returns:
        The report. A row that could not be tried says why; it is "lost" where this package's own
        process ended before it, by a kill or for want of memory.

    Raises:
        LibraryNotFoundError: There is no library to ask.
        OSError: No process can be started, or no file written.
    """
    path = None if library is None else os.fspath(library)
    wanted = {row.id: row for row in (rows() if chosen is None else chosen)}
    known = about(path, device)
    found: dict[str, Result] = {}
    died = "ended before they were all tried"

    def keep(result: Result) -> None:
        found[result.id] = result
        if told is not None:
            told(result, len(wanted) - len(found))

    with tempfile.TemporaryDirectory(prefix="acl-conform-") as folder:
        soc = None if known["is_fake"] else known["soc"] or "unknown"
        needed = frozenset[str]().union(*(row.files for row in wanted.values()))
        files = kit.make(Path(folder), soc, needed)
        asked = []
        for row in wanted.values():
            why = _untried(row, files, known)
            if why:
                keep(_result(row, {"verdict": "not tried", "why": why, "answers": []}))
            else:
                asked.append(row.id)
        numbers = {"DEVICE": device, "NO_DEVICE": known.get("devices", 0)}
        shown = {name: str(path) for name, path in files.files.items()}
        request = {"library": path, "device": device, "rows": asked, "patience": patience}
        with served({**request, "files": shown, "numbers": numbers}) as messages:
            for message in messages:
                if "died" in message:
                    died = message["died"]
                else:
                    keep(_result(wanted[message["id"]], message))
    for row in wanted.values():
        if row.id not in found:
            why = f"the process that runs the rows {died}"
            keep(_result(row, {"verdict": "lost", "why": why, "answers": []}))
    return Conformance(known, ab.__version__, tuple(found[name] for name in wanted))


def _untried(row: CallRow, files: kit.Kit, known: dict[str, Any]) -> str:
    """Why a row is not tried, "" for one that is."""
    missing = [files.missing[name] for name in sorted(row.files) if name in files.missing]
    if missing:
        return missing[0]
    wanted = row.state == "context" or "aclrtSetDevice" in row.functions
    return known["without_device"] if wanted else ""


def _result(row: CallRow, message: dict[str, Any]) -> Result:
    answers = tuple(
        Answered(one["line"], one["got"], one["is_right"]) for one in message["answers"]
    )
    return Result(row.id, row.digest, row.facts, message["verdict"], message["why"], answers)

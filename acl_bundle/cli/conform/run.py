"""What ``acl-bundle conform`` prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from acl_bundle import conform, fake
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.status import DIFFERENT, OK
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.conform import Conformance, Result
from acl_bundle.errors import AclBundleError

__all__ = ["assumptions", "compare", "run"]


class Difference(NamedTuple):
    """A row that the library does not do as the facts say."""

    row: str
    facts: str
    verdict: str
    line: str
    said: str


def _difference(row: Result) -> Difference:
    last = row.answers[-1] if row.verdict == "differs" else None
    line, said = (last.line, last.got) if last else (row.why, "")
    return Difference(row.id, ", ".join(row.facts), row.verdict, line, said)


def _described(library: dict[str, Any]) -> str:
    """The library in a line."""
    version = f" {library['version']}" if "version" in library else ""
    kind = "the fake" if library["is_fake"] else library["soc"] or "a chip without a name"
    return f"{library['path']}: AscendCL{version}, {kind}, device {library['device']}"


def _told(result: Result, left: int) -> None:
    """One line on a terminal's stderr that counts down, and is gone at last."""
    text = f"{left} rows to go: {result.id:.60}" if left else ""
    print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _summary(report: Conformance) -> None:
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts().items() if count)
    output.line(f"{len(report.rows)} rows: {counts}")
    why: dict[str, int] = {}
    for row in report.rows:
        if row.verdict in ("not tried", "lost"):
            text = f"{row.verdict}: {row.why}"
            why[text] = why.get(text, 0) + 1
    for text, count in why.items():
        output.line(f"  {count} {text}")


def run(library: Path | None, device: int, target: Path | None, as_json: bool) -> int:
    """Ask a library, and show where it differs from the facts.

    Returns:
        The exit status.

    Raises:
        AclBundleError: Rows have no answer, as the process died that runs them; the report that is
            shown and written says which.
    """
    check_writable([target], [library])
    told = _told if sys.stderr.isatty() else None
    report = conform.run(library, device, told=told)
    if target is not None:
        report.write(target)
    rows = [_difference(row) for row in report.differing()]
    if as_json:
        output.document(report.to_json())
    else:
        output.line(_described(report.library))
        _summary(report)
        if rows:
            output.table("What differs from the facts:", rows)
        if target is not None:
            output.line(f"wrote {target}")
    if report.lost():
        raise _lost(report)
    return DIFFERENT if rows else OK


def _lost(report: Conformance) -> AclBundleError:
    rows = report.lost()
    return AclBundleError(
        f"{len(rows)} of {len(report.rows)} rows have no answer: {rows[0].why}; run it again"
    )


class Lesson(NamedTuple):
    """A row where a device and the fake answer differently."""

    row: str
    facts: str
    line: str
    report: str
    fake: str


def compare(path: Path, as_json: bool) -> int:
    """Ask the fake, and show where a report has other answers.

    Returns:
        The exit status.
    """
    report = conform.read(path)
    ours = conform.run(fake.library_path())
    unlike, said = conform.compare(report, ours)
    rows = [Lesson(one.id, ", ".join(one.facts), one.line, one.one, one.other) for one in unlike]
    if as_json:
        output.document(
            {
                "library": report.library,
                "rows": [row._asdict() for row in rows],
                "not_compared": said,
            }
        )
    else:
        output.line(_described(report.library))
        output.table(f"{len(rows)} rows that the fake answers otherwise", rows)
        for text in said:
            output.line(f"not compared: {text}")
    if ours.lost():
        raise _lost(ours)
    return DIFFERENT if rows else OK


def assumptions(path: Path, library: Path | None, device: int, as_json: bool) -> int:
    """Try what is assumed, and show what was found.

    Returns:
        The exit status.
    """
    known, rows = conform.assumptions(path, library, device)
    if as_json:
        output.document({"library": known, "rows": [row._asdict() for row in rows]})
    else:
        output.line(_described(known))
        output.table("", rows)
    lost = [row for row in rows if row.verdict == "lost"]
    if lost:
        raise AclBundleError(
            f"{len(lost)} of {len(rows)} assumptions have no verdict: {lost[0].evidence};"
            " run it again"
        )
    return DIFFERENT if any(row.verdict == "does not hold" for row in rows) else OK

"""What a library answered to the rows: as an object, as a file, and beside another library's."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import read_regular
from acl_bundle.conform.perform import Answered
from acl_bundle.errors import AclBundleError

__all__ = ["VERDICTS", "Conformance", "ReportFormatError", "Result", "Unlike", "compare", "read"]

VERDICTS = ("same", "differs", "crashed", "hung", "not tried", "lost")
KIND, SCHEMA = "acl-bundle conform", 1
MOST = 64 << 20


class ReportFormatError(AclBundleError, ValueError):
    """A file is no report of ``acl-bundle conform``, or one of a newer kind."""


@dataclass(frozen=True)
class Result:
    """What came of one row.

    Attributes:
        id: The row's.
        digest: Of what the row did and expected.
        facts: The numbers of its facts.
        verdict: One of `VERDICTS`.
        why: What ended it, where it is not the same; else "".
        answers: To each line that was done, in order.
    """

    id: str
    digest: str
    facts: tuple[str, ...]
    verdict: str
    why: str
    answers: tuple[Answered, ...]


@dataclass(frozen=True)
class Conformance:
    """What one library answered.

    Attributes:
        library: What is known of the library: ``path``, ``version``, ``soc``, ``device``,
            ``devices`` (how many there are) and ``is_fake``.
        acl_bundle: The version of this package that asked.
        rows: One for each row.
    """

    library: dict[str, Any]
    acl_bundle: str
    rows: tuple[Result, ...]

    def counts(self) -> dict[str, int]:
        """Count the rows by verdict, every verdict of `VERDICTS` named."""
        found = Counter(row.verdict for row in self.rows)
        return {verdict: found[verdict] for verdict in VERDICTS}

    def differing(self) -> Iterator[Result]:
        """Give the rows where the library did otherwise than the facts say."""
        return (row for row in self.rows if row.verdict in VERDICTS[1:4])

    def lost(self) -> list[Result]:
        """Give the rows that nothing is known of, as the process ended that runs them."""
        return [row for row in self.rows if row.verdict == "lost"]

    def to_json(self) -> dict[str, Any]:
        """Return what `write` writes."""
        return {
            "kind": KIND,
            "schema": SCHEMA,
            "acl_bundle": self.acl_bundle,
            "library": self.library,
            "counts": self.counts(),
            "rows": [asdict(row) for row in self.rows],
        }

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the report as JSON; the file is there whole or not at all.

        Raises:
            OSError: It cannot be written.
        """
        text = json.dumps(self.to_json(), indent=1) + "\n"
        with replacing(path) as file:
            file.write(text.encode())


def read(path: str | os.PathLike[str]) -> Conformance:
    """Read what `Conformance.write` wrote.

    Raises:
        ReportFormatError: It is something else.
        OSError: It cannot be read.
    """
    raw = read_regular(path, MOST)
    try:
        said = json.loads(raw)
        if said["kind"] != KIND or said["schema"] != SCHEMA:
            raise ValueError(f"it is of kind {said['kind']!r}, schema {said['schema']!r}")
        rows = tuple(map(_result, said["rows"]))
        library = dict(said["library"])
        lacking = [name for name in ("path", "soc", "device", "is_fake") if name not in library]
        if lacking:
            raise ValueError(f"of the library it does not tell {', '.join(lacking)}")
        return Conformance(library, str(said["acl_bundle"]), rows)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        shown = Path(path).name
        raise ReportFormatError(
            f"{shown}: no report of acl-bundle conform of schema {SCHEMA}: {error!s:.200}"
        ) from None


def _result(row: dict[str, Any]) -> Result:
    answers = tuple(
        Answered(str(one["line"]), str(one["got"]), bool(one["is_right"])) for one in row["answers"]
    )
    if row["verdict"] not in VERDICTS:
        raise ValueError(f"{row['verdict']!r} is no verdict; there are {', '.join(VERDICTS)}")
    if row["verdict"] == "differs" and not answers:
        raise ValueError(f"{row['id']}: it differs, and has no answers")
    facts = tuple(map(str, row["facts"]))
    return Result(
        str(row["id"]), str(row["digest"]), facts, row["verdict"], str(row["why"]), answers
    )


@dataclass(frozen=True)
class Unlike:
    """A row that two libraries answer differently.

    Attributes:
        id: The row's.
        facts: The numbers of its facts.
        line: Where they part.
        one: What the first said there.
        other: What the second said there.
    """

    id: str
    facts: tuple[str, ...]
    line: str
    one: str
    other: str


def _end(row: Result) -> tuple[str, str]:
    """The line that a row ended at, and what was said there; of a row that held: "", "as said"."""
    if row.verdict == "same":
        return "", "as the facts say"
    if row.verdict == "differs":
        return row.answers[-1].line, row.answers[-1].got
    line, _, ended = row.why.rpartition(": ")
    return line or "the row", ended


def compare(one: Conformance, other: Conformance) -> tuple[list[Unlike], list[str]]:
    """Find the rows that two libraries answer differently.

    Returns:
        Them, and what could not be compared: rows that one of the two has not, or has in another
        form, or did not try.
    """
    theirs = {row.id: row for row in other.rows}
    found: list[Unlike] = []
    said: list[str] = []
    for row in one.rows:
        mate = theirs.pop(row.id, None)
        if mate is None or mate.digest != row.digest:
            said.append(f"{row.id}: {'there is no such row here' if mate is None else 'changed'}")
        elif {"not tried", "lost"} & {row.verdict, mate.verdict}:
            first = row if row.verdict in ("not tried", "lost") else mate
            said.append(f"{row.id}: {first.verdict}: {first.why}")
        elif _end(row) != _end(mate):
            at = next(line for line, _ in (_end(row), _end(mate)) if line)
            found.append(Unlike(row.id, row.facts, at, _end(row)[1], _end(mate)[1]))
    said += [f"{name}: the report has no such row" for name in theirs]
    return found, said

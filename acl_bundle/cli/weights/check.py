"""``acl-bundle weights check``: what breaks the 2:4 pattern."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from acl_bundle import weights
from acl_bundle.cli.shell import output
from acl_bundle.cli.weights.inputs import Selection, layouts
from acl_bundle.cli.weights.progress import Watched
from acl_bundle.weights import Masks


def run(
    path: Path, record: Path | None, texts: Sequence[str], choice: Selection, as_json: bool
) -> bool:
    """Print a row per weight that is looked at.

    Args:
        path: The weights.
        record: Masks to check by.
        texts: Layouts to check by, where there is no record.
        choice: Which weights.
        as_json: Print JSON.

    Returns:
        Whether nothing breaks the pattern.

    Raises:
        AclBundleError, ValueError, OSError: As for `Selection` and `weights.check`.
    """
    if (record is None) != bool(texts):
        raise ValueError("say what to check by: --record, or --layout")
    pattern = layouts(texts) if record is None else Masks.load(record)
    with choice.open(path) as source:
        read = Watched(choice.of(source))
        with read.during("checking"):
            found = weights.check(read, pattern)
    violations = sum(row.violations for row in found)
    output.report(found.title, found, as_json, violations=violations)
    return violations == 0

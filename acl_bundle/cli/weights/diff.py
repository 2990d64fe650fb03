"""``acl-bundle weights diff``: two sets of weights side by side."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from acl_bundle import weights
from acl_bundle.cli.shell import output
from acl_bundle.cli.weights.inputs import Selection
from acl_bundle.cli.weights.progress import Watched


def run(paths: tuple[Path, Path], choices: Sequence[Selection], every: bool, as_json: bool) -> bool:
    """Print a row per weight that differs.

    Args:
        paths: The two files or folders.
        choices: Which weights of each.
        every: Show the others as well.
        as_json: Print JSON.

    Returns:
        Whether they are the same.

    Raises:
        AclBundleError, ValueError, OSError: As for `Selection`.
    """
    with ExitStack() as stack:
        a, b = (
            choice.of(stack.enter_context(choice.open(path)))
            for path, choice in zip(paths, choices, strict=True)
        )
        read = Watched(a)
        with read.during("comparing"):
            found = weights.diff(read, b)
    rows = tuple(row for row in found if every or row.result != "same")
    shown = weights.Report(found.title, rows)
    output.report(shown.title, shown, as_json, same=found.same, a=str(paths[0]), b=str(paths[1]))
    return found.same

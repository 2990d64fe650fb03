"""``acl-bundle demo``: the demo's rounds as a table that grows, and its verdict."""

from __future__ import annotations

import errno
import os
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.live import Live
from rich.table import Table

from acl_bundle.cli.shell.console import Console

NEEDED = ("sklearn", "onnx", "onnxruntime")
COLUMNS = ("version", "accuracy", "scikit-learn", "update ms", "inference ms")


def _check_extras() -> None:
    """Refuse to start where half-way through a module would be missing.

    Raises:
        ModuleNotFoundError: One of the extra's packages is not installed.
    """
    for name in NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _table() -> Table:
    table = Table(title="Weights from the trainer, in the model that stays loaded")
    for column in COLUMNS:
        table.add_column(column, justify="right")
    return table


def run(output: Path | None) -> int:
    """Run the demo and print it.

    Args:
        output: Where to keep the bundle file; None for not at all.

    Returns:
        0 when the accuracies agreed, nothing was left over and no rule of ACL
        was broken; else 1.

    Raises:
        ModuleNotFoundError: The extra is not installed.
        NotADirectoryError: The file's folder does not exist.
        AclBundleError: The bundle could not be loaded, run or updated.
        ChildProcessError: The trainer failed.
    """
    _check_extras()
    if output is not None and not output.parent.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(output.parent))
    from acl_bundle.cli.demo import loop  # noqa: PLC0415  needs what was just checked

    console, table = Console(), _table()
    differ = []
    with ExitStack() as stack:
        if output is None:
            output = Path(
                stack.enter_context(TemporaryDirectory(prefix="acl-bundle-")), "digits.om"
            )
        rounds = stack.enter_context(closing(loop.rounds(output)))
        live = stack.enter_context(Live(table, console=console, transient=True))
        for row in rounds:
            table.add_row(
                str(row.version),
                f"{row.accuracy:.2%}",
                f"{row.expected:.2%}",
                "init" if row.update_ms is None else f"{row.update_ms:.2f}",
                f"{row.infer_ms:.3f}",
            )
            live.refresh()
            if row.accuracy != row.expected:
                differ.append(row.version)
    console.print(table)
    verdict = loop.verdict()
    console.print(
        f"Unloaded. Live objects: {len(verdict.live)}. Violations: {len(verdict.violations)}."
    )
    for line in (*verdict.live, *verdict.violations):
        console.print(f"  {line}", markup=False)
    if differ:
        console.print(f"scikit-learn reads other digits with the weights of version {differ}")
    return int(bool(differ or verdict.live or verdict.violations))

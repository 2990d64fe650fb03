"""``acl-bundle demo``: the demo's rounds as a table that grows, and its verdict."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rich.live import Live

from acl_bundle.cli.shell import output as shell
from acl_bundle.cli.shell.console import Console
from acl_bundle.cli.shell.status import DIFFERENT, OK
from acl_bundle.cli.shell.tables import table_of

if TYPE_CHECKING:  # needs the extra
    from acl_bundle.cli.demo.loop import Round, Verdict

NEEDED = ("sklearn", "onnx", "onnxruntime")


def _check_extras() -> None:
    """Refuse to start where half-way through a module would be missing.

    Raises:
        ModuleNotFoundError: One of the extra's packages is not installed.
    """
    for name in NEEDED:
        if find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def run(output: Path | None, as_json: bool) -> int:
    """Run the demo and print it.

    Args:
        output: Where to keep the bundle file; None for not at all.
        as_json: Print JSON.

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

    with (
        TemporaryDirectory(prefix="acl-bundle-") as folder,
        closing(loop.rounds(output or Path(folder, "digits.om"))) as rounds,
    ):
        found = [*(rounds if as_json else _watched(rounds))]
    verdict = loop.verdict()
    differ = [row.version for row in found if row.accuracy != row.expected]
    if as_json:
        shell.document({"rounds": [*map(asdict, found)], "differing": differ, **asdict(verdict)})
    else:
        _show(found, verdict, differ)
    return DIFFERENT if differ or verdict.live or verdict.violations else OK


def _watched(rounds: Iterable[Round]) -> Iterator[Round]:
    """Yield the rounds, and show them as they come where somebody can see it."""
    seen: list[Round] = []
    console = Console()
    with Live(console=console, transient=True) if console.is_terminal else nullcontext() as live:
        for one in rounds:
            seen.append(one)
            if live is not None:
                live.update(table_of([*map(_row, seen)]), refresh=True)
            yield one


def _row(one: Round) -> dict[str, str]:
    return {
        "version": str(one.version),
        "accuracy": f"{one.accuracy:.2%}",
        "scikit-learn": f"{one.expected:.2%}",
        "update ms": "-" if one.update_ms is None else f"{one.update_ms:.2f}",
        "inference ms": f"{one.infer_ms:.3f}",
    }


def _show(found: list[Round], verdict: Verdict, differ: list[int]) -> None:
    title = "Weights from the trainer, in the model that stays loaded"
    shell.table(title, [*map(_row, found)])
    shell.line(
        f"Unloaded. Live objects: {len(verdict.live)}. Violations: {len(verdict.violations)}."
    )
    for text in (*verdict.live, *verdict.violations):
        shell.line(f"  {text}")
    if differ:
        shell.line(f"scikit-learn reads other digits with the weights of version {differ}")

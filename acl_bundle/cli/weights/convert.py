"""``acl-bundle weights convert``: another format, half precision, other names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.cli.weights import outputs
from acl_bundle.cli.weights.inputs import Changes, Half
from acl_bundle.weights import Report


def run(path: Path, out: Path, changes: Changes, as_json: bool) -> int:
    """Convert a file and print what was done to each weight.

    Args:
        path: The source.
        out: Where to; its suffix says the format.
        changes: Which weights, their precision and their names.
        as_json: Print JSON.

    Returns:
        0; 1 when a value overflows, that is an error, and nothing was written.

    Raises:
        AclBundleError, ValueError, OSError: As for `Changes`.
    """
    outputs.check_format(out)
    with changes.choice.open(path) as source:
        check_writable([out], source.files)
        read, half_view, view = changes.of(source)
        if half_view is None:
            found = view.report()
        else:
            with read.during("counting"):
                found = half_view.report()
        broken = refused(found, changes.half)
        if not broken:
            with read.during("writing"):
                outputs.write(view, out)
    output.report(
        found.title, found, as_json, hide=("source", "target"), out=None if broken else str(out)
    )
    return tell(broken, out, as_json)


def refused(found: Report[Any], half: Half) -> list[str]:
    """Return the names of the weights that overflow, where that is an error."""
    if half.dtype is None or half.on_overflow != "error":
        return []
    return [row.name for row in found if row.overflow]


def tell(broken: list[str], out: Path, as_json: bool) -> int:
    """Say what became of the output, and return the exit status."""
    if not broken:
        if not as_json:
            output.line(f"wrote {out}, {out.stat().st_size:,} bytes")
        return 0
    named = " ".join(f"--keep-float32 {name!r}" for name in broken[:3])
    more = " ..." if len(broken) > 3 else ""
    print(
        f"acl-bundle: {out} was not written, because values overflow in {len(broken)} of its"
        f" weights; keep them: {named}{more}, or say --on-overflow saturate or inf",
        file=sys.stderr,
    )
    return 1

"""``acl-bundle weights sparsify``: 2:4 sparse weights, and the record of their masks.

The record is written before the weights: one without the other is harmless,
weights whose masks are lost are not.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from acl_bundle import weights
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.cli.weights import outputs
from acl_bundle.cli.weights.inputs import Selection, layouts
from acl_bundle.cli.weights.progress import Watched
from acl_bundle.weights import Masks


def run(
    path: Path, out: Path, record: Path, texts: Sequence[str], choice: Selection, as_json: bool
) -> None:
    """Make a file sparse and print what is lost.

    Args:
        path: The source.
        out: Where to.
        record: The masks: written when there are layouts, else read.
        texts: Layouts, ``PATTERN=LAYOUT``.
        choice: Which weights.
        as_json: Print JSON.

    Raises:
        FileExistsError: A record would be replaced.
        AclBundleError, ValueError, OSError: As for `Selection`, `sparsify_2_4` and `enforce`.
    """
    outputs.check_format(out)
    if texts and record.exists():
        raise FileExistsError(
            errno.EEXIST, "the record exists; leave out --layout to use its masks", str(record)
        )
    with choice.open(path) as source:
        check_writable([out, record], source.files)
        read = Watched(choice.of(source))
        view = _create(read, texts, record) if texts else weights.enforce(read, Masks.load(record))
        with read.during("counting"):
            found = view.report()
        if not len(found):
            raise ValueError(f"{record} has a mask for none of the weights of {path}")
        with read.during("writing"):
            outputs.write(view, out)
    output.report(found.title, found, as_json, out=str(out), record=str(record))
    if not as_json:
        output.line(f"wrote {out}, {out.stat().st_size:,} bytes; masks: {record}")


def _create(read: Watched, texts: Sequence[str], record: Path) -> Any:
    """Decide on the masks and write the record."""
    view = weights.sparsify_2_4(read, layouts(texts))
    with read.during("deciding"):
        masks = view.masks
    masks.save(record)
    return view

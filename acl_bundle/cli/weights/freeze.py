"""``acl-bundle weights freeze``: a copy of a model that starts with other weights."""

from __future__ import annotations

from pathlib import Path

from acl_bundle import weights
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.cli.weights.inputs import Changes

Names = list[str] | None


def run(
    path: Path,
    models: tuple[Path, Path],
    ends: tuple[Names, Names],
    changes: Changes,
    as_json: bool,
) -> None:
    """Freeze weights into a model and print a row per constant.

    Args:
        path: The weights.
        models: The model, and where the copy goes.
        ends: Names of a TensorFlow graph's inputs and outputs.
        changes: Which weights, their precision and their names in the model.
        as_json: Print JSON.

    Raises:
        AclBundleError, ValueError, OSError: As for `Changes` and `weights.freeze`.
    """
    model, out = models
    with changes.choice.open(path) as source:
        check_writable([out], [*source.files, model])
        read, _, view = changes.of(source)
        with read.during("freezing"):
            found = weights.freeze(view, model, out, inputs=ends[0], outputs=ends[1])
    output.report(found.title, found, as_json, out=str(out))
    if not as_json:
        output.line(f"wrote {out}, {out.stat().st_size:,} bytes")

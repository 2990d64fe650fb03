"""``acl-bundle weights freeze``: a copy of a model that starts with other weights."""

from __future__ import annotations

from pathlib import Path

from acl_bundle import weights
from acl_bundle.cli.weights import outputs, show
from acl_bundle.cli.weights.inputs import Changes


def run(path: Path, models: tuple[Path, Path], changes: Changes, as_json: bool) -> None:
    """Freeze weights into a model and print a row per constant.

    Args:
        path: The weights.
        models: The model, and where the copy goes.
        changes: Which weights, their precision and their names in the model.
        as_json: Print JSON.

    Raises:
        AclBundleError, ValueError, OSError: As for `Changes` and `weights.freeze`.
    """
    model, out = models
    with changes.choice.open(path) as source, weights.open(model) as constants:
        outputs.check(out, [*source.files, *constants.files])
        read, _, view = changes.of(source)
        with read.during("freezing"):
            found = weights.freeze(view, model, out)
    show.report(found, as_json, out=str(out))
    if not as_json:
        show.text(f"wrote {out}, {out.stat().st_size:,} bytes")

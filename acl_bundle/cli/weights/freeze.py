"""``acl-bundle weights freeze``: a copy of a model that starts with other weights."""

from __future__ import annotations

from pathlib import Path

from acl_bundle import weights
from acl_bundle.cli.weights import outputs, show
from acl_bundle.cli.weights.inputs import Choice, Half, Names
from acl_bundle.cli.weights.progress import Watched


def run(
    path: Path, models: tuple[Path, Path], choice: Choice, half: Half, names: Names, as_json: bool
) -> None:
    """Freeze weights into a model and print a row per constant.

    Args:
        path: The weights.
        models: The model, and where the copy goes.
        choice: Which weights.
        half: Their precision.
        names: Their names in the model.
        as_json: Print JSON.

    Raises:
        AclBundleError, ValueError, OSError: As for `Choice`, `Half`, `Names` and
            `weights.freeze`.
    """
    model, out = models
    with choice.open(path) as source, weights.open(model) as constants:
        outputs.check(out, [*source.files, *constants.files])
        read = Watched(choice.of(source))
        half_view = half.of(read)
        view = names.of(read if half_view is None else half_view)
        with read.during("freezing"):
            found = weights.freeze(view, model, out)
    show.report(found, as_json, out=str(out))
    if not as_json:
        show.text(f"wrote {out}, {out.stat().st_size:,} bytes")

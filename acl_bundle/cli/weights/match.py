"""``acl-bundle weights match``: which constants of a model come from which weights."""

from __future__ import annotations

from pathlib import Path

from acl_bundle import build
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.cli.weights.inputs import Selection
from acl_bundle.om._bundle import manifest


def run(
    model: Path,
    source: Path,
    out: Path | None,
    beside: Path | None,
    choice: Selection,
    as_json: bool,
) -> bool:
    """Print what was found and what was not, and write the program, beside a bundle too.

    Returns:
        Whether nothing was ambiguous.

    Raises:
        AclBundleError, ValueError, OSError: As for `Selection` and `build.match`.
    """
    with choice.open(source) as opened:
        check_writable([out, *_beside(beside)], [*opened.files, model])
        check_writable([out], [beside])
        found = build.match(model, choice.of(opened))
        if out is not None:
            found.save(out)
        if beside is not None:
            found.save_beside(beside)
    if as_json:
        output.document(
            {
                "constants": [one.name for one in found.program.constants],
                "ambiguous": dict(found.ambiguous),
                "unmatched": [one.name for one in found.unmatched],
                "unused": found.unused,
                "out": None if out is None else str(out),
            }
        )
    else:
        output.line(str(found))
        if out is not None:
            output.line(f"wrote {out}, {out.stat().st_size:,} bytes")
        if beside is not None:
            output.line(f"{beside} takes these weights now, by its manifest {beside}.json")
    return not found.ambiguous


def _beside(bundle: Path | None) -> list[str]:
    """The files that are written beside a bundle."""
    if bundle is None:
        return []
    return [f"{bundle}{suffix}" for suffix in (manifest.SUFFIX, manifest.PROGRAM_SUFFIX)]

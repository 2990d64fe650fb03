"""What GE saved: found, held against what was asked for, and put in its place."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from acl_bundle import om
from acl_bundle._base.atomic import replacing
from acl_bundle._base.files import Path_
from acl_bundle.errors import BundleFormatError, CompileError
from acl_bundle.om import Manifest

_SLICE: Final = 64 << 20


def found(folder: Path) -> Path:
    """The file that GE wrote: it adds the host's name where kernels are packed into it."""
    files = sorted({*folder.glob("bundle.om"), *folder.glob("bundle_*.om")})
    if len(files) != 1:
        names = ", ".join(sorted(one.name for one in folder.iterdir()))
        raise CompileError("save", f"GE says that it saved bundle.om, but the folder has {names}")
    return files[0]


def checked(saved: Path, asked: set[str]) -> om.Bundle:
    """Hold the bundle against what was asked for."""
    try:
        file = om.open_bundle(saved)
        found = {one.in_graph for one in file.variables.values()}
    except BundleFormatError as error:
        raise CompileError("check", f"what GE saved cannot be read: {error}") from None
    if found != asked:
        raise CompileError(
            "check",
            f"GE's bundle has the weights {', '.join(sorted(found)) or 'none'}, where"
            f" {', '.join(sorted(asked))} were asked for; nothing was written",
        )
    return file


def put(saved: Path, out: Path_, made: Manifest) -> None:
    """Put the files in their place; a bundle is never beside another one's manifest.

    What was there goes when the new bundle is written whole, and has only to be renamed.
    """
    with replacing(out) as target:
        with saved.open("rb") as file:
            shutil.copyfileobj(file, target, _SLICE)
        target.flush()  # a full disk is told here
        for path in (made.path, made.program_path):
            with suppress(FileNotFoundError):
                os.unlink(path)
    if made.program is not None:
        with replacing(made.program_path) as target:
            target.write(made.program)
    with replacing(made.path) as target:
        target.write(made.to_json().encode())

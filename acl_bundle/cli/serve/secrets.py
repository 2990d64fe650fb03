"""Tokens and keys that lie in files: never an argument, which others of the host could read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import typer

from acl_bundle._base.files import read_regular
from acl_bundle.cli.follow.run import _key_in as key_in

MOST: Final = 4096

__all__ = ["key_in", "token_in"]


def token_in(file: Path) -> str:
    """Read a token.

    Raises:
        OSError: The file cannot be read.
        typer.BadParameter: It holds none.
    """
    text = read_regular(file, MOST).decode("utf-8", "replace").strip()
    if not text.isprintable() or not text.isascii():
        raise typer.BadParameter(f"{file}: a token is printable ASCII on one line")
    return text

"""The names of layers as the file that ``atc --keep_dtype`` reads: one on each line."""

from __future__ import annotations

import os
from collections.abc import Sequence

from acl_bundle._base.atomic import replacing

_TYPE = "OpType::"


def save_keep_dtype(names: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Write names for ``atc --keep_dtype``, whole or not at all.

    atc has no way to quote a name: it takes white space off both ends of a line, and reads
    a line with ``OpType::`` as all operators of a type. A name that it does not find it logs only.

    Raises:
        ValueError: A name cannot be said so; nothing is written.
        OSError: The file cannot be written.
    """
    for name in names:
        if not name or name != name.strip() or _TYPE in name or any(c in name for c in "\n\r\0"):
            raise ValueError(
                f"layer {name!r} cannot be named in a file for atc --keep_dtype, which has a name"
                " on each line; give the node another name"
            )
    with replacing(path) as file:
        file.write("".join(f"{name}\n" for name in names).encode())

"""The configuration that aclInit is given: a file, whose content counts for the whole process."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from acl_bundle._base.files import read_regular

Config: TypeAlias = str | os.PathLike[str] | Mapping[str, object]
"""A path, the JSON text itself, or what the text stands for."""
VARIABLE = "ACL_BUNDLE_CONFIG"
_MOST = 10 << 20  # CANN takes no more


@contextmanager
def configuration(config: Config | None) -> Iterator[tuple[bytes, bytes]]:
    """The path for aclInit, as long as the block lasts, and the content; both empty for none.

    Args:
        config: None for ``$ACL_BUNDLE_CONFIG``, or none. What is no path is written to a file
            that only this user can read, and that goes at the end of the block.

    Raises:
        OSError: The file cannot be read.
        TypeError, ValueError: It is no configuration, or JSON cannot say it.
    """
    given = os.environ.get(VARIABLE, "") if config is None else config
    given = os.fspath(given) if isinstance(given, str | os.PathLike) else _text(given)
    if not given.lstrip().startswith("{"):
        yield os.fsencode(given), read_regular(given, _MOST) if given else b""
        return
    content = given.encode()
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(content)
        file.flush()
        yield os.fsencode(file.name), content


def _text(config: object) -> str:
    if not isinstance(config, Mapping):
        raise TypeError(f"config is a path, JSON text or a dict, not {config!r}")
    try:
        return json.dumps(dict(config), allow_nan=False)
    except TypeError as error:
        raise TypeError(f"config holds what JSON cannot say: {error}") from None

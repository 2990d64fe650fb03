"""Which names of a directory are versions, and which number in them counts.

A pattern is a glob, in which ``{version}`` stands for the number that orders:
``step-{version}.fp16.safetensors``. Without it all numbers of the name count,
but for those of its suffix.
"""

from __future__ import annotations

import fnmatch
import re

from acl_bundle.follow._versions.order import numbered
from acl_bundle.follow._versions.source import Order, Version

PLACE = "{version}"
_MARK = "\ue000"  # stands for the number while the rest is translated
_SUFFIX = re.compile(r"\.[A-Za-z][A-Za-z0-9]*\Z")
_UNFINISHED = (".tmp", ".temp", ".part", ".partial", ".incomplete", ".lock", "~")
_TENSORFLOW_DATA = re.compile(r"\.data-[0-9]{5}-of-[0-9]{5}\Z")


class Pattern:
    """A glob that tells versions from other names.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty, leads out of the directory, or has several ``{version}``.
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"pattern is a glob such as '*.safetensors', not {text!r}")
        if not text or "/" in text or "\0" in text or _MARK in text or text.count(PLACE) > 1:
            raise ValueError(
                f"pattern is {text!r}; a glob of names in the directory is right, such as"
                " '*.safetensors' or 'step-{version}.npz', without '/'"
            )
        self.text = text
        glob = fnmatch.translate(text.replace(PLACE, _MARK))
        self._regex = re.compile(glob.replace(_MARK, "(?P<version>[0-9]+)"))
        self._placed = PLACE in text

    def matches(self, name: str) -> bool:
        """Say whether a name may be a version: no temporary, no hidden one."""
        hidden = name.startswith((".", "_")) or name.lower().endswith(_UNFINISHED)
        return not hidden and self._regex.match(name) is not None

    def version(self, name: str) -> tuple[Version, Order] | None:
        """Return the version and order of a name that matches; None when it has no number."""
        if self._placed:
            found = self._regex.match(name)
            return numbered(found["version"]) if found else numbered(_stem(name))
        return numbered(_stem(name))


def entries(names: set[str]) -> list[str]:
    """Return names as `weights.open` takes them: a TensorFlow checkpoint's files are one."""
    prefixes = {name[:-6] for name in names if name.endswith(".index")}
    kept = {name for name in names if not _TENSORFLOW_DATA.search(name)}
    kept -= {prefix + suffix for prefix in prefixes for suffix in (".index", ".meta")}
    return sorted(kept | prefixes)


def _stem(name: str) -> str:
    """A name without what tells its format: ``.npz`` goes, ``.5`` stays."""
    return _SUFFIX.sub("", name) or name

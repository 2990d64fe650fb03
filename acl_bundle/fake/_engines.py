"""Which libraries the fake is told to compute with: those of this Python's packages."""

from __future__ import annotations

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__all__ = ["image_paths", "onnxruntime_path"]

_PILLOW = {"libjpeg": "libjpeg-*.so.62*", "libpng": "libpng16-*.so.16*"}
"""The files of Pillow's wheel, by the setting that takes one."""


def onnxruntime_path() -> Path | None:
    """Return the ONNX Runtime that the fake is told to compute with, None for its own search.

    ``$ACL_FAKE_ONNXRUNTIME`` where it is set, else the one in the package that
    this Python would import.
    """
    given = os.environ.get("ACL_FAKE_ONNXRUNTIME")
    if given:
        return Path(given)
    spec = find_spec("onnxruntime")
    if spec is None or spec.origin is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("capi/libonnxruntime.so.1.*"))
    return found[-1] if found else None


@cache
def _of_pillow() -> dict[str, Path]:
    spec = find_spec("PIL")
    if spec is None or spec.origin is None:
        return {}
    folder = Path(spec.origin).parents[1] / "pillow.libs"
    found = {name: sorted(folder.glob(pattern)) for name, pattern in _PILLOW.items()}
    return {name: paths[-1] for name, paths in found.items() if paths}


def image_paths() -> dict[str, Path]:
    """Return the libraries that the fake is told to decode images with, by setting.

    ``libjpeg`` and ``libpng``: ``$ACL_FAKE_LIBJPEG`` and ``$ACL_FAKE_LIBPNG`` where they are
    set, else those in the wheel of the Pillow that this Python would import. What is missing
    here the fake searches by itself (docs/media.md).
    """
    given = {name: os.environ.get(f"ACL_FAKE_{name.upper()}") for name in _PILLOW}
    return _of_pillow() | {name: Path(path) for name, path in given.items() if path}

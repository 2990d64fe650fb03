"""Builds wheels and sdists in a copy of the checkout, so that nothing is left in the checkout.

setuptools writes `build/` and `*.egg-info` beside `setup.py`, and our `setup.py` makes headers
among the sources; all of that is gone with the copy. An editable installation is built where it
lies, as its compiled files belong there. What a build requires is in pyproject.toml alone, so the
hooks that would ask `setup.py` for more are left out.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import cache_from_source
from pathlib import Path

from setuptools.build_meta import (
    build_editable,
    get_requires_for_build_editable,
    prepare_metadata_for_build_editable,
)
from setuptools.build_meta import build_sdist as sdist_here
from setuptools.build_meta import build_wheel as wheel_here
from setuptools.build_meta import prepare_metadata_for_build_wheel as metadata_here

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

FOLDERS = ("acl_bundle", "backend", "csrc", "fakes", "record")
FILES = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py")
MADE = shutil.ignore_patterns("*.so", "__pycache__", "pointers.h", "wrappers.h")
HEADERS = "acl_bundle/fake/include"  # made by setup.py

Settings = dict[str, str | list[str] | None]


def build_wheel(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """PEP 517's hook: the wheel's name."""
    target = os.path.abspath(wheel_directory)
    metadata = os.path.abspath(metadata_directory) if metadata_directory else None
    with _copy():
        return wheel_here(target, config_settings, metadata)


def build_sdist(sdist_directory: str, config_settings: Settings | None = None) -> str:
    """PEP 517's hook: the sdist's name."""
    target = os.path.abspath(sdist_directory)
    with _copy():
        return sdist_here(target, config_settings)


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings | None = None
) -> str:
    """PEP 517's hook: the name of the folder of metadata."""
    target = os.path.abspath(metadata_directory)
    with _copy():
        return metadata_here(target, config_settings)


@contextmanager
def _copy() -> Iterator[None]:
    """Work in a copy of what a build needs, and take it away afterwards.

    Python wrote the bytecode of this module beside it before it ran the module; that goes too.
    """
    here = Path.cwd()
    written = Path(cache_from_source(__file__))
    written.unlink(missing_ok=True)
    with suppress(OSError):
        written.parent.rmdir()
    with tempfile.TemporaryDirectory(prefix="acl-bundle-") as folder:
        for name in FOLDERS:
            shutil.copytree(here / name, Path(folder, name), ignore=MADE)
        for name in FILES:
            shutil.copy2(here / name, folder)
        shutil.rmtree(Path(folder, HEADERS), ignore_errors=True)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)

"""Where the trainer leaves its weights: one file, always whole, always the newest.

The file is written under another name and renamed, so whoever opens it sees
one version and no mixture, and keeps seeing it while the next one arrives.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from acl_bundle._base.files import open_regular
from acl_bundle.cli.demo.weights import Weights

_VERSION = "version"


class Letter(NamedTuple):
    """A set of weights, and the training round they come from."""

    version: int
    weights: Weights


def put(path: Path, letter: Letter) -> None:
    """Replace what lies in the mailbox."""
    new = path.with_suffix(".new")
    arrays: dict[str, Any] = {_VERSION: np.array(letter.version), **letter.weights}
    with new.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(new, path)


def take(path: Path, after: int) -> Letter | None:
    """Read what lies in the mailbox, if it is of a later round than ``after``."""
    try:
        with open_regular(path) as file, np.load(file) as arrays:
            version = int(arrays[_VERSION])
            if version <= after:
                return None
            return Letter(version, {key: arrays[key] for key in arrays if key != _VERSION})
    except FileNotFoundError:
        return None

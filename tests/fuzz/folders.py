"""Weights of several damaged files: checkpoints, shards, adapters, data beside a model.

A documented exception, or an answer; never an OSError, for all files are there.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
from fuzzing import bounded, instrumented, main, scatter

with instrumented():
    from acl_bundle import weights

from readers import read_weights

from acl_bundle.errors import AclBundleError

BASE = {"w": np.ones((3, 3), np.float32)}


def one(data: bytes, path: Path) -> None:
    """The folder as a whole, each of its files, and the adapter that it may be."""
    scatter(data, path)
    with bounded(len(data)):
        for place in (path, *path.iterdir()):
            with suppress(AclBundleError):
                read_weights(place)
        with suppress(AclBundleError), weights.open(path) as adapter:
            _ = weights.merge_lora(BASE, adapter)["w"]


if __name__ == "__main__":
    with suppress(ImportError):
        import tensorflow  # noqa: F401  takes time and memory, which are no file's
    main("folders", one)

"""A directory that a follower reads, with damaged files in it: a documented exception, or weights.

The names, ``LATEST``, the stamps and the signatures come from the fuzzer; no server.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from fuzzing import bounded, instrumented, main, scatter

with instrumented():
    from acl_bundle import follow

from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._versions.sign import verified
from acl_bundle.follow._versions.source import Checkpoint
from acl_bundle.follow._versions.stamp import published_of

KEY: Final = b"a key of the fuzz"
REFUSED: Final = (WeightsFormatError, FileNotFoundError)  # as `Checkpoint` documents them


def one(data: bytes, path: Path) -> None:
    """List the versions, open each, and check its signature."""
    scatter(data, path)
    directory = follow.Directory(path)
    with bounded(len(data)):
        try:
            found = [one for one in directory.versions() if isinstance(one, Checkpoint)]
        except (ValueError, FileNotFoundError):  # LATEST names nothing
            return
        finally:
            directory.close()
        for checkpoint in found:
            with suppress(*REFUSED), checkpoint.open() as opened:
                _ = published_of(opened), dict(opened)
            with suppress(*REFUSED), verified(checkpoint, (KEY,)) as opened:
                _ = dict(opened)


if __name__ == "__main__":
    sys.modules["watchfiles"] = None  # type: ignore[assignment]  waits for changes; none come
    main("follow", one)

"""What `acl_bundle.follow` has beside its call, as type checkers see it.

They know no module that can be called: to them ``follow`` is the class
`Follower`, whose call makes one, with the module's names in it. No code
imports this at run time, where the module itself has the names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, SupportsIndex, TypeAlias

from acl_bundle._names.given import Given
from acl_bundle.follow import (
    _backoff,
    _directory,
    _follower,
    _metrics,
    _publish_directory,
    _publish_redis,
    _redis,
    _source,
)


class Public:
    """The names in ``acl_bundle.follow.__all__``."""

    Backoff: TypeAlias = _backoff.Backoff
    Checkpoint: TypeAlias = _source.Checkpoint
    Directory: TypeAlias = _directory.Directory
    Follower: TypeAlias = _follower.Follower
    Metrics: TypeAlias = _metrics.Metrics
    Redis: TypeAlias = _redis.Redis
    Source: TypeAlias = _source.Source

    @staticmethod
    def publish_directory(
        folder: str | os.PathLike[str],
        weights: Given,
        version: SupportsIndex,
        *,
        name: str = "weights-{version}.safetensors",
        latest: str | None = None,
        keep: SupportsIndex | None = None,
        ignore: Iterable[str] = (),
        signing_key: bytes | None = None,
    ) -> Path:
        """See `acl_bundle.follow.publish_directory`."""
        return _publish_directory.publish_directory(
            folder,
            weights,
            version,
            name=name,
            latest=latest,
            keep=keep,
            ignore=ignore,
            signing_key=signing_key,
        )

    @staticmethod
    def publish_redis(
        server: Any,
        weights: Given,
        version: SupportsIndex,
        *,
        key: str = "weights",
        keep: SupportsIndex = 2,
        ignore: Iterable[str] = (),
        signing_key: bytes | None = None,
    ) -> None:
        """See `acl_bundle.follow.publish_redis`."""
        _publish_redis.publish_redis(
            server, weights, version, key=key, keep=keep, ignore=ignore, signing_key=signing_key
        )

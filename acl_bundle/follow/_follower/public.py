"""What `acl_bundle.follow` has beside its call, as type checkers see it.

They know no module that can be called: to them ``follow`` is the class
`Follower`, whose call makes one, with the module's names in it. No code
imports this at run time, where the module itself has the names.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, SupportsIndex, TypeAlias

from acl_bundle._names.given import Given
from acl_bundle.device import Device
from acl_bundle.follow import _urls
from acl_bundle.follow._follower import backoff, follower, metrics
from acl_bundle.follow._publishers import directory as to_directory
from acl_bundle.follow._publishers import ipc as by_ipc
from acl_bundle.follow._publishers import ipc_consumers
from acl_bundle.follow._publishers import objects as to_objects
from acl_bundle.follow._publishers import redis as to_redis
from acl_bundle.follow._sources import directory, huggingface, ipc, objects, redis
from acl_bundle.follow._versions import source


class Public:
    """The names in ``acl_bundle.follow.__all__``."""

    Answers: TypeAlias = ipc_consumers.Answers
    Backoff: TypeAlias = backoff.Backoff
    Checkpoint: TypeAlias = source.Checkpoint
    Directory: TypeAlias = directory.Directory
    Follower: TypeAlias = follower.Follower
    HuggingFace: TypeAlias = huggingface.HuggingFace
    Ipc: TypeAlias = ipc.Ipc
    IpcPublisher: TypeAlias = by_ipc.IpcPublisher
    Metrics: TypeAlias = metrics.Metrics
    Objects: TypeAlias = objects.Objects
    Redis: TypeAlias = redis.Redis
    Source: TypeAlias = source.Source

    @staticmethod
    def publish(
        place: str | os.PathLike[str],
        weights: Given,
        version: SupportsIndex,
        *,
        base: SupportsIndex | None = None,
        keep: SupportsIndex | None = None,
        ignore: Iterable[str] = (),
        signing_key: bytes | None = None,
    ) -> None:
        """See `acl_bundle.follow.publish`."""
        _urls.publish(
            place, weights, version, base=base, keep=keep, ignore=ignore, signing_key=signing_key
        )

    @staticmethod
    def publish_directory(
        folder: str | os.PathLike[str],
        weights: Given,
        version: SupportsIndex,
        *,
        name: str = "weights-{version}.safetensors",
        latest: str | None = None,
        base: SupportsIndex | None = None,
        keep: SupportsIndex | None = None,
        ignore: Iterable[str] = (),
        signing_key: bytes | None = None,
    ) -> Path:
        """See `acl_bundle.follow.publish_directory`."""
        return to_directory.publish_directory(
            folder,
            weights,
            version,
            name=name,
            latest=latest,
            base=base,
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
        base: SupportsIndex | None = None,
        keep: SupportsIndex = 2,
        ignore: Iterable[str] = (),
        signing_key: bytes | None = None,
    ) -> None:
        """See `acl_bundle.follow.publish_redis`."""
        to_redis.publish_redis(
            server,
            weights,
            version,
            key=key,
            base=base,
            keep=keep,
            ignore=ignore,
            signing_key=signing_key,
        )

    @staticmethod
    def publish_objects(
        url: str,
        weights: Given,
        version: SupportsIndex,
        *,
        store: Mapping[str, Any] | None = None,
        base: SupportsIndex | None = None,
        keep: SupportsIndex | None = None,
        ignore: Iterable[str] = (),
        signing_key: bytes | None = None,
    ) -> None:
        """See `acl_bundle.follow.publish_objects`."""
        to_objects.publish_objects(
            url,
            weights,
            version,
            store=store,
            base=base,
            keep=keep,
            ignore=ignore,
            signing_key=signing_key,
        )

    @staticmethod
    def publish_ipc(
        address: Any,
        weights: Given,
        *,
        device: SupportsIndex | Device = 0,
        key: str | None = None,
    ) -> IpcPublisher:
        """See `acl_bundle.follow.publish_ipc`."""
        return by_ipc.publish_ipc(address, weights, device=device, key=key)

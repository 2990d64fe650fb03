"""Following a trainer: each version it publishes goes into the running model, once and whole.

    >>> with ab.follow(bundle, "s3://bucket/policy", stale_after=60) as follower:  # doctest: +SKIP
    ...     y = bundle.infer(x)
    ...     print(follower.metrics.version, follower.stale)

The module is a function, too: ``follow(bundle, source)`` makes a `Follower`.
A source is a URL, a path, or an object made with more options: `Directory`, `Redis`,
`Objects`, `HuggingFace` and `Ipc`; anything else with their three methods is one as well.
`publish`, and `publish_directory`, `publish_redis` and `publish_objects` with more options, are the
trainer's half, which needs neither a device nor AscendCL; `publish_ipc` is that of a trainer on the
same card.

Wake-ups by watchfiles, and Redis, need the extra ``follow``; without
watchfiles directories are polled. Objects under a URL need the extra ``remote``.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

from acl_bundle.follow._follower.backoff import Backoff
from acl_bundle.follow._follower.follower import Follower
from acl_bundle.follow._follower.metrics import Metrics
from acl_bundle.follow._publishers.directory import publish_directory
from acl_bundle.follow._publishers.ipc import IpcPublisher, publish_ipc
from acl_bundle.follow._publishers.ipc_consumers import Answers
from acl_bundle.follow._publishers.objects import publish_objects
from acl_bundle.follow._publishers.redis import publish_redis
from acl_bundle.follow._sources.directory import Directory
from acl_bundle.follow._sources.huggingface import HuggingFace
from acl_bundle.follow._sources.ipc import Ipc
from acl_bundle.follow._sources.objects import Objects
from acl_bundle.follow._sources.redis import Redis
from acl_bundle.follow._urls import publish
from acl_bundle.follow._versions.source import Checkpoint, Source

__all__ = [
    "Answers",
    "Backoff",
    "Checkpoint",
    "Directory",
    "Follower",
    "HuggingFace",
    "Ipc",
    "IpcPublisher",
    "Metrics",
    "Objects",
    "Redis",
    "Source",
    "publish",
    "publish_directory",
    "publish_ipc",
    "publish_objects",
    "publish_redis",
]


class _Module(ModuleType):
    """This module, which can be called."""

    if not TYPE_CHECKING:  # to a type checker `Public` is what is called

        def __call__(self, *args, **options):
            """Follow a source; see `Follower`."""
            return Follower(*args, **options)


sys.modules[__name__].__class__ = _Module

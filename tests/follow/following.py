"""Followers for tests: quick to try again, and waited for with a limit."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files

from . import policy

QUICK = follow.Backoff(0.01, 0.05)


def following(bundle: ab.Bundle, folder: Path, **options: Any) -> follow.Follower:
    options.setdefault("backoff", QUICK)
    return ab.follow(bundle, follow.Directory(folder, poll=0.05), **options)


def publish(folder: Path, version: int, weights: Mapping[str, Any] | None = None) -> None:
    follow.publish_directory(folder, weights or policy.weights(version), version)


def until(true: Callable[[], object], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def put(folder: Path, *names: str) -> None:
    """Write whole weights under some names; the number does not matter here."""
    for name in names:
        files.save(policy.weights(1), folder / name)


def opened(folder: Path, **options: Any) -> dict[str, Any]:
    source = follow.Directory(folder, **options)
    try:
        with source.versions()[-1].open() as found:
            return dict(found)
    finally:
        source.close()

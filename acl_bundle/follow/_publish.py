"""The trainer's half: versions published so that a follower never sees a torn one.

A directory: the weights are written under a hidden name, flushed to the disk
and renamed. Redis: the value is set under a name of its own, and only then,
in one transaction, the version that names it. Whoever is killed half-way has
published nothing; what is left behind a follower ignores, and it goes after an
hour: by itself in Redis, in a directory with the next publication.

Needs neither a device nor AscendCL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from acl_bundle import weights as files
from acl_bundle.errors import BusyError
from acl_bundle.follow._names import PLACE, Pattern
from acl_bundle.follow._order import numbered
from acl_bundle.follow._redis import Keys, connect, reaching
from acl_bundle.follow._stamp import stamp
from acl_bundle.weights._atomic import hidden_for, replacing

ABANDONED = 3600
"""Seconds that a value or hidden file lives when its publisher was killed before it had a name."""


def publish_directory(
    folder: str | os.PathLike[str],
    weights: Mapping[str, Any],
    version: int,
    *,
    name: str = "weights-{version}.safetensors",
    latest: str | None = None,
    keep: int | None = None,
) -> Path:
    """Publish a version as a safetensors file in a directory. Blocks until it is on the disk.

    Args:
        folder: The directory; it is made when it is missing.
        weights: Arrays by name; a lazy mapping is read as it is written.
        version: A number greater than all that are there.
        name: The file's name, with ``{version}`` in it.
        latest: A file to write afterwards, which names this version: ``"LATEST"``.
        keep: How many versions stay, at least 2: who is reading the one
            before may go on. None for all.

    Returns:
        The file.

    Raises:
        TypeError, ValueError: An argument cannot be what it is; the version
            is not newer than all that are there. Nothing was written.
        WeightError: safetensors cannot hold a weight. Nothing was published.
        OSError: The directory cannot be written. Nothing was published.
    """
    _check_version(version)
    _check_keep(keep)
    if name.count(PLACE) != 1:
        raise ValueError(f"name is {name!r}; one with {PLACE} in it is right")
    pattern, file = Pattern(name), name.replace(PLACE, str(version))
    if not pattern.matches(file) or latest == file:
        raise ValueError(f"name is {name!r}; a follower would take {file!r} for a temporary name")
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    _check_newer(version, max(_published(place, pattern), default=None), place)
    files.save(weights, place / file, metadata=stamp(version))
    _flush(place)
    if latest is not None:
        with replacing(place / latest) as opened:
            opened.write(f"{file}\n".encode())
        _flush(place)
    for old in sorted(_published(place, pattern))[: -keep if keep else 0]:
        (place / name.replace(PLACE, str(old))).unlink(missing_ok=True)
    _clear(place, pattern)
    return place / file


def publish_redis(
    server: Any,
    weights: Mapping[str, Any],
    version: int,
    *,
    key: str = "weights",
    keep: int = 2,
) -> None:
    """Publish a version in Redis. Blocks until the server has it.

    The server holds ``keep`` versions, and one more while this one arrives. A
    value of Redis is at most 512 MB, unless the server is configured otherwise.

    Args:
        server: A URL or a client, as for `Redis`.
        weights: Arrays by name; all are in memory at once.
        version: A number greater than the last.
        key: What all names start with; in a cluster with braces, ``"{policy}"``.
        keep: How many versions stay, at least 2.

    Raises:
        TypeError, ValueError: An argument cannot be what it is; the version is
            not newer than the last. Nothing was published.
        WeightError: safetensors cannot hold a weight. Nothing was published.
        BusyError: Another publisher was at it, or the connection was lost.
        ConnectionError: The server cannot be reached. After this error and the
            one above the same call again publishes, or tells by ValueError
            that the first one did.
        UnsupportedError: redis-py is not installed.
    """
    _check_version(version)
    _check_keep(keep)
    keys = Keys(key)
    client, made = connect(server)
    try:
        value = files.to_bytes(weights, metadata=stamp(version))
        with reaching(keys):
            _check_newer(version, _newest(client, keys), key)
            client.set(keys.weights(version), value, ex=ABANDONED)
            _name(client, keys, version)
            client.publish(keys.channel, version)
            _trim(client, keys, keep)
    finally:
        if made:
            client.close()


def _name(client: Any, keys: Keys, version: int) -> None:
    """Make a value that is there the newest version, unless somebody was faster."""
    import redis  # noqa: PLC0415  of an extra, and there by now

    with client.pipeline(transaction=True) as all_at_once:
        all_at_once.watch(keys.version)
        _check_newer(version, _newest(all_at_once, keys), keys.key)
        all_at_once.multi()
        all_at_once.persist(keys.weights(version))
        all_at_once.set(keys.version, version)
        all_at_once.rpush(keys.versions, version)
        try:
            all_at_once.execute()
        except redis.WatchError:
            raise BusyError(
                f"another publisher changed {keys.version!r} meanwhile, or the connection was lost:"
                f" publish version {version} again, and a ValueError tells that it was published"
            ) from None


def _trim(client: Any, keys: Keys, keep: int) -> None:
    """Forget all versions but the newest; the values first, so that none is left over."""
    old = client.lrange(keys.versions, 0, -keep - 1)
    if old:
        client.delete(*(keys.weights(one.decode()) for one in old))
        client.ltrim(keys.versions, len(old), -1)


def _newest(client: Any, keys: Keys) -> int | None:
    raw = client.get(keys.version)
    found = numbered(raw.decode("utf-8", "replace")) if raw is not None else None
    return None if found is None else int(found[1][-1])


def _published(folder: Path, pattern: Pattern) -> list[int]:
    """The versions in a directory that a template made."""
    found = (pattern.version(one) for one in os.listdir(folder) if pattern.matches(one))
    return [one[0] for one in found if one is not None and isinstance(one[0], int)]


def _clear(folder: Path, pattern: Pattern) -> None:
    """Remove the hidden files of publishers that were killed, once nobody can be writing them."""
    for one in folder.iterdir():
        target = hidden_for(one.name)
        if target is not None and pattern.matches(target):
            with suppress(FileNotFoundError):  # another publisher was faster
                if time.time() - one.stat().st_mtime > ABANDONED:
                    one.unlink()


def _check_version(version: int) -> None:
    if type(version) is not int:
        raise TypeError(f"version is {version!r}; an int is right")
    if version < 0:
        raise ValueError(f"version is {version}; 0 or more is right")


def _check_keep(keep: int | None) -> None:
    if keep is not None and (type(keep) is not int or keep < 2):
        raise ValueError(
            f"keep is {keep!r}; at least 2 is right, for one may be read while the next comes"
        )


def _check_newer(version: int, newest: int | None, place: object) -> None:
    if newest is not None and version <= newest:
        raise ValueError(
            f"version {version} is not newer than {newest}, which is published in {place};"
            f" followers would ignore it: {newest + 1} or more is right"
        )


def _flush(folder: Path) -> None:
    """Make a rename last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

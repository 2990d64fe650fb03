"""The trainer's half of Redis: a version's value and its number appear in one step, once.

The value is sent under a key that no other publisher has, and goes after an
hour by itself. One transaction then gives it the version's key, makes it the
newest and removes the oldest ones. It watches all that it was decided by: of
two trainers T1 and T2 with one version, whatever the order of their steps, the
first transaction is carried out and the other one is not. What is published is
never written again and has no time to live.

Whoever is killed half-way has published nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import takewhile
from typing import Any, SupportsIndex

from acl_bundle import weights as files
from acl_bundle._names.given import Given
from acl_bundle.errors import BusyError, VersionExistsError
from acl_bundle.follow._publishers.published import (
    ABANDONED,
    check_base,
    check_keep,
    check_newer,
    check_version,
    some,
)
from acl_bundle.follow._sources.redis import NAMES_READ
from acl_bundle.follow._sources.redis_server import Keys, connect, reaching
from acl_bundle.follow._versions.deltas import extended
from acl_bundle.follow._versions.order import NAME_MAX, numbered
from acl_bundle.follow._versions.sign import check_key, noted
from acl_bundle.follow._versions.source import Order
from acl_bundle.follow._versions.stamp import bases_from, bases_text

PRUNED = 1024
"""How many old versions one publication removes at most; the next one goes on."""
PAGE = 512
_NO_EXPIRY = -1


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
    """Publish a version in Redis. Blocks until the server has it.

    The server holds ``keep`` versions, and one more while this one arrives. A
    value of Redis is at most 512 MB, unless the server is configured otherwise.

    Args:
        server: A URL or a client, as for `Redis`.
        weights: Arrays by name, or what else an update takes; all are in memory at once.
        version: A number greater than the last, below 2**63.
        key: What all names start with; in a cluster with braces, ``"{policy}"``.
        base: The version that these weights change; None for a full version. Then the weights
            are those that differ from the ones of that version; see docs/follow.md.
        keep: How many versions stay, at least 2. What these are based on stays, too.
        ignore: Names or patterns of what is left out: ``["*.num_batches_tracked"]``.
        signing_key: Sign the version, for followers with this key. Bytes, at
            least 16. ``key`` is another thing: what the names start with.

    Raises:
        VersionExistsError: That version is published, by this trainer or another,
            or a trainer that does without this function has set its value; it
            stays as it is.
        TypeError, ValueError: An argument cannot be what it is; a newer
            version is published. Nothing was published.
        WeightError: safetensors cannot hold a weight, or there is none.
            Nothing was published.
        BusyError: Another publisher was at it, or the connection was lost.
        ConnectionError: The server cannot be reached, or refuses. After this
            error and the one above the same call again publishes, or tells by
            VersionExistsError that the first one did.
        UnsupportedError: redis-py is not installed.
    """
    version = check_version(version)
    base = check_base(base, version)
    keep = check_keep(keep)
    weights = some(weights, ignore)
    if signing_key is not None:
        check_key(signing_key)
    keys = Keys(key)
    client, made = connect(server)
    try:
        place = f"redis:{keys.weights(version)}"
        with reaching(keys):
            check_newer(version, _newest(client, keys), key)
            bases = _bases(client, keys, base)
        published, note = noted(weights, version, place, signing_key, bases)
        value = files.to_bytes(published, metadata=note)
        with reaching(keys):
            _publish(client, keys, version, bases, value, keep)
            client.publish(keys.channel, version)
    finally:
        if made:
            client.close()


def _publish(
    client: Any, keys: Keys, version: int, bases: tuple[int, ...], value: bytes, keep: int
) -> None:
    staged = keys.staged(version)
    client.set(staged, value, ex=ABANDONED)
    try:
        _name(client, keys, staged, version, bases, keep)
    except BaseException:
        with suppress(Exception):  # it goes by itself
            client.delete(staged)
        raise


def _name(
    client: Any, keys: Keys, staged: str, version: int, bases: tuple[int, ...], keep: int
) -> None:
    """Make a staged value the newest version, unless somebody was faster."""
    import redis  # noqa: PLC0415  of an extra, and there by now

    final = keys.weights(version)
    with client.pipeline(transaction=True) as all_at_once:
        all_at_once.watch(staged, final, keys.version, keys.versions, keys.bases)
        check_newer(version, _newest(all_at_once, keys), keys.key)
        _check_free(all_at_once, final, version)
        if not all_at_once.exists(staged):
            raise ConnectionError(f"Redis dropped {staged!r}, which was just set: is memory short?")
        _bases(all_at_once, keys, bases[0] if bases else None)
        noted = all_at_once.exists(keys.bases)  # a trainer without deltas needs no right to it
        old = _outdated(all_at_once, keys, version, bases, keep, noted)
        all_at_once.multi()
        all_at_once.execute_command("RENAME", staged, final)
        all_at_once.persist(final)
        all_at_once.set(keys.version, version)
        all_at_once.rpush(keys.versions, version)
        if noted:
            all_at_once.hdel(keys.bases, *old, str(version))
        if bases:
            all_at_once.hset(keys.bases, str(version), bases_text(bases))
        _forget(all_at_once, keys, [one for one in old if one != str(version).encode()], len(old))
        try:
            all_at_once.execute()
        except redis.WatchError:
            raise BusyError(
                f"another publisher changed {keys.version!r} meanwhile, or the connection was lost:"
                f" publish version {version} again, and a ValueError tells that it was published"
            ) from None


def _check_free(client: Any, final: str, version: int) -> None:
    """Refuse to replace a value, but for one that an older release's publisher left to expire."""
    if client.ttl(final) == _NO_EXPIRY:
        raise VersionExistsError(
            f"version {version} is not the newest, yet {final!r} has a value: another trainer sets"
            f" it now, was killed, or the numbers were set back; publish {version + 1} or more, or"
            " delete that value"
        )


def _bases(client: Any, keys: Keys, base: int | None) -> tuple[int, ...]:
    """Return the bases of a new version; see `extended`."""
    if base is None:
        return ()
    there = client.exists(keys.weights(base))
    text = client.hget(keys.bases, str(base))
    own = () if text is None else bases_from(_plain(text), f"Redis, key {keys.bases!r}")
    return extended(base, own if there else None, f"Redis, key {keys.key!r}")


def _outdated(
    client: Any, keys: Keys, version: int, bases: tuple[int, ...], keep: int, noted: bool
) -> list[bytes]:
    """The oldest entries of the list, those before the last that stay beside a new version.

    What is no version does not count as one that is kept, nor does a name for the second time.
    What one that stays is based on stays, too, and so does what comes after that.
    """
    length = client.llen(keys.versions)
    left, kept = length, set[Order]()
    while left > 0 and len(kept) < keep - 1 and length - left < max(NAMES_READ, 2 * keep):
        page = client.lrange(keys.versions, max(left - PAGE, 0), left - 1)
        for raw in reversed(page):
            left -= 1
            order = _order(raw)
            if order is not None and order < (1, version):
                kept.add(order)
            if len(kept) == keep - 1:
                break
    old = _first(client, keys, left)
    kept_bases = _bases_of(client, keys, kept) if noted and old else ()
    needed = {(1, one) for one in (*bases, *kept_bases)}
    return list(takewhile(lambda raw: _order(raw) not in needed, old))


def _bases_of(client: Any, keys: Keys, versions: Iterable[Order]) -> Iterator[int]:
    names = [str(order[-1]) for order in versions if len(order) == 2]
    for name, text in zip(names, client.hmget(keys.bases, names) if names else (), strict=True):
        if text is not None:
            yield from bases_from(_plain(text), f"Redis, key {keys.bases!r}, {name}")


def _first(client: Any, keys: Keys, count: int) -> list[bytes]:
    count = min(count, PRUNED)
    first: list[bytes] = client.lrange(keys.versions, 0, count - 1) if count else []
    return first


def _order(raw: bytes) -> Order | None:
    """The order of a name in the list; None of what is no version."""
    try:
        found = numbered(raw[: NAME_MAX + 1].decode("utf-8", "backslashreplace"))
    except ValueError:
        return None
    return None if found is None else found[1]


def _forget(transaction: Any, keys: Keys, old: list[bytes], count: int) -> None:
    """Remove old versions' values, and the first ``count`` of the list."""
    prefix = keys.weights("").encode()
    values = [prefix + one for one in old if len(one) <= NAME_MAX]
    if values:
        transaction.delete(*values)
    if count:
        transaction.ltrim(keys.versions, count, -1)


def _plain(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def _newest(client: Any, keys: Keys) -> int | None:
    raw = client.getrange(keys.version, 0, NAME_MAX)
    try:
        found = numbered(raw.decode("utf-8", "replace").strip()) if raw else None
    except ValueError as error:
        raise ValueError(
            f"Redis, key {keys.version!r}: {error}; nothing was published: set it to the newest"
            " version's number, or delete it"
        ) from error
    return None if found is None else int(found[1][-1])

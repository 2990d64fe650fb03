"""One front for all places: a URL, or a path, says what follows it and what publishes to it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, SupportsIndex
from urllib.parse import unquote, urlsplit

from acl_bundle._names.given import Given
from acl_bundle.errors import UnsupportedError
from acl_bundle.follow._objects.store import SCHEMES
from acl_bundle.follow._publishers.directory import publish_directory
from acl_bundle.follow._publishers.objects import publish_objects
from acl_bundle.follow._publishers.redis import publish_redis
from acl_bundle.follow._sources.folder import UndecidedFolder
from acl_bundle.follow._sources.huggingface import is_cache
from acl_bundle.follow._sources.objects import Objects
from acl_bundle.follow._sources.redis import Redis
from acl_bundle.follow._versions.source import Source

_REDIS: Final = ("redis", "rediss", "unix")
_KEY: Final = "weights"


def source_of(place: str | os.PathLike[str]) -> Source:
    """Return what follows a URL or a path, made with what it takes by default.

    Raises:
        ValueError: The URL has a scheme that none follows, or a part that does not belong there.
        TypeError: It is neither text nor a path.
        UnsupportedError: What it needs is not installed.
    """
    scheme = _scheme(place)
    if scheme in _REDIS:
        server, key = _server(str(place))
        return Redis(server, key)
    if scheme in SCHEMES:
        return Objects(str(place))
    return UndecidedFolder(_folder(place, scheme))


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
    """Publish a version where a URL or a path says. Blocks until it is there, whole.

    What has that URL as its source follows it: ``ab.follow(bundle, place)``. Version, ``ignore``
    and ``signing_key`` are as for `publish_directory`.

    Args:
        place: ``redis://host:6379/0?key=policy`` (`publish_redis`); ``s3://bucket/policy``,
            ``gs://bucket/policy`` (`publish_objects`); ``file:///checkpoints`` or a
            path (`publish_directory`).
        weights: Arrays by name, or what else an update takes.
        version: A number greater than the last, below 2**63.
        base: The version that these weights change: they are those that differ from its
            own. None for a full version.
        keep: How many versions stay, at least 2, and what these are based on. None for
            all; in Redis for 2.
        ignore: Names or patterns of what is left out: ``["*.num_batches_tracked"]``.
        signing_key: Sign the version, for followers with this key.

    Raises:
        VersionExistsError: That version is published; it stays as it is.
        TypeError, ValueError: An argument cannot be what it is; a newer version is published.
            Nothing was published.
        WeightError: safetensors cannot hold a weight, or there is none. Nothing was published.
        OSError: The place cannot be reached or written. The same call again publishes, or tells
            by VersionExistsError that the first one did.
        BusyError: In Redis another publisher was at it; the same holds.
        UnsupportedError: What the URL needs is not installed, or it cannot be published to.
    """
    scheme = _scheme(place)
    if scheme in _REDIS:
        server, key = _server(str(place))
        publish_redis(
            server, weights, version, key=key, base=base, keep=2 if keep is None else keep,
            ignore=ignore, signing_key=signing_key,
        )  # fmt: skip
    elif scheme in SCHEMES:
        publish_objects(
            str(place), weights, version, base=base, keep=keep, ignore=ignore,
            signing_key=signing_key,
        )  # fmt: skip
    else:
        folder = _folder(place, scheme)
        if is_cache(folder):
            raise UnsupportedError(
                f"{folder} is a model's in a cache of Hugging Face's hub: huggingface_hub writes"
                " there, and nobody would follow what is published otherwise"
            )
        publish_directory(
            folder, weights, version, base=base, keep=keep, ignore=ignore, signing_key=signing_key
        )


def _scheme(place: str | os.PathLike[str]) -> str:
    """The scheme of a URL; nothing of a path.

    Raises:
        ValueError: It is none that is known, or the place is an empty text.
        TypeError: It is neither text nor a path.
    """
    if not isinstance(place, str | os.PathLike) or not isinstance(os.fspath(place), str):
        raise TypeError(
            f"the place is {place!r:.80}; a URL such as 's3://bucket/policy', or a path, is right"
        )
    text = os.fspath(place)
    if not text or "\0" in text:
        raise ValueError(
            f"the place is {text!r:.80}; a URL such as 's3://bucket/policy', or a path, is right"
        )
    scheme, mark, _ = text.partition("://")
    known = ("file", *SCHEMES, *_REDIS)
    if isinstance(place, os.PathLike):
        return ""
    if not mark or "/" in scheme:
        _check_no_url(text, known)
        return ""
    if scheme.lower() not in known:
        raise ValueError(
            f"the URL's scheme is {scheme!r}; {', '.join(f'{one}://' for one in known)}"
            " or a path is right"
        )
    return scheme.lower()


def _check_no_url(text: str, known: Iterable[str]) -> None:
    """Refuse a URL that lacks a slash: it would be a folder of this name, waited for."""
    scheme, mark, rest = text.partition(":")
    if mark and scheme.lower() in known:
        right = (
            f"{scheme}://{rest.lstrip('/')}" if scheme != "file" else f"file:///{rest.lstrip('/')}"
        )
        raise ValueError(
            f"the place is {text!r:.200}; {right!r:.200} is right, or './{text:.80}' for a path"
        )


def _folder(place: str | os.PathLike[str], scheme: str) -> Path:
    if not scheme:
        return Path(place)
    parts = urlsplit(str(place))
    path = unquote(parts.path)
    if "\0" in path:
        raise ValueError(f"the URL is {place!r:.200}; no path has a null byte")
    if parts.netloc not in ("", "localhost") or parts.query or parts.fragment or not parts.path:
        raise ValueError(
            f"the URL is {place!r}; an absolute path of this machine is right, such as"
            " 'file:///checkpoints'"
        )
    return Path(path)


def _server(url: str) -> tuple[str, str]:
    """Part the key from a Redis URL: its server, and what all names start with."""
    server, _, query = url.partition("?")
    parts = [one for one in query.split("&") if one]
    keys = [unquote(one.removeprefix("key=")) for one in parts if one.startswith("key=")]
    if len(keys) > 1:
        raise ValueError(f"the Redis URL has {len(keys)} keys; '?key=policy', once, is right")
    rest = "&".join(one for one in parts if not one.startswith("key="))
    return f"{server}?{rest}" if rest else server, keys[0] if keys else _KEY

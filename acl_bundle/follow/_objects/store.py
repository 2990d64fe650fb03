"""A place that objects lie under: ``s3://bucket/policy``, ``gs://...``, ``https://...``.

Nothing is read whose size is not bounded before.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from threading import Event
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._objects.requests import library, reaching, run

SCHEMES: Final = ("s3", "s3a", "gs", "http", "https")
SMALL_MAX: Final = 1 << 20
"""Bytes of a manifest, or of LATEST, at most."""
CHUNK: Final = 1 << 16
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}\Z")
_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_PARTS: Final = {"chunk_size": 16 << 20, "max_concurrency": 4}
_CLIENT: Final = {"connect_timeout": "5s", "read_timeout": "10s", "timeout": "1day"}
_RETRIES: Final = {
    "max_retries": 3,
    "retry_timeout": timedelta(seconds=30),
    "backoff": {
        "init_backoff": timedelta(milliseconds=100),
        "max_backoff": timedelta(seconds=3),
        "base": 2,
    },
}

_T = TypeVar("_T")


class Listed(NamedTuple):
    """An object that is there.

    Attributes:
        name: Below the place.
        modified: When it was written, by the store's clock.
    """

    name: str
    modified: datetime


class ObjectStore:
    """Objects under a URL; it connects when it is first asked.

    Args:
        url: Where they lie.
        options: What else `obstore.store.from_url` is given.

    Attributes:
        url: The URL without its user and password, for messages.
        lists: Whether the place tells what is there; plain HTTP does not.
        ranges: Whether the place gives parts of objects, as far as that is known.
        stop: Ends requests that run, when it is set.

    Raises:
        UnsupportedError: obstore is not installed.
        ValueError: The URL is none of these, or an option cannot be what it is.
        TypeError: An option is of another type.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        parts = urlsplit(check_url(url))
        if not isinstance(options, Mapping | None):
            kind = type(options).__name__
            raise TypeError(f"store is of {kind}; a mapping is right, such as {{'config': {{}}}}")
        user = parts.netloc.rpartition("@")[0]
        self._secret = f"{user}@" if user else ""
        self.url: str = url.replace(self._secret, "").rstrip("/") if user else url.rstrip("/")
        self.lists: bool = not parts.scheme.startswith("http")
        self.ranges: bool = True
        self.stop: Event = Event()
        self._store = self._made(url, parts.scheme, dict(options or {}))

    def _made(self, url: str, scheme: str, options: dict[str, Any]) -> Any:
        if scheme == "file":
            options.setdefault("mkdir", True)
        else:
            plain = {"allow_http": scheme == "http" or _has_plain_endpoint(options)}
            options["client_options"] = {**_CLIENT, **plain, **options.get("client_options", {})}
            options["retry_config"] = {**_RETRIES, **options.get("retry_config", {})}
        exceptions = library().exceptions
        try:
            return library().store.from_url(url, **options)
        except (exceptions.BaseError, ValueError) as error:
            text = str(error).partition("\n\nDebug source:")[0]
            raise ValueError(f"{self.url}: {text}") from None

    def at(self, name: str) -> str:
        """An object, as messages call it."""
        return f"{self.url}/{name}"

    def small(self, name: str, etag: str | None = None) -> tuple[bytes, str | None] | None:
        """Return an object's bytes and its ETag; None while the ETag is still the one given.

        Raises:
            FileNotFoundError: It is not there.
            WeightsFormatError: It is larger than a manifest may be.
            OSError: The server cannot be reached, or refuses.
        """

        async def work() -> tuple[bytes, str | None] | None:
            options = {"if_none_match": etag} if etag is not None else {}
            try:
                found = await library().get_async(self._store, name, options=options)
            except library().exceptions.NotModifiedError:
                return None
            if found.meta["size"] > SMALL_MAX:
                raise WeightsFormatError(
                    f"{self.at(name)}: it has {found.meta['size']} bytes; at most {SMALL_MAX} are"
                    " right"
                )
            return bytes(await found.bytes_async()), found.meta.get("e_tag")

        return self._do(name, work())

    def read(self, work: Coroutine[Any, Any, _T], name: str) -> _T:
        """Do what reads an object; see `ObjectStore.chunks`."""
        return self._do(name, work)

    async def chunks(
        self, name: str, span: tuple[int, int] | None
    ) -> tuple[int, AsyncIterator[Any]]:
        """Ask for an object, or some bytes of it: its whole size, and the bytes, chunk by chunk.

        A server that gives no ranges is an obstore.exceptions.NotSupportedError.
        """
        options = {} if span is None else {"range": span}
        found = await library().get_async(self._store, name, options=options)
        return found.meta["size"], found.stream(min_chunk_size=CHUNK)

    def names(self) -> list[Listed]:
        """List the objects directly below the place.

        Raises:
            OSError: The server cannot be reached, or refuses.
        """

        async def work() -> list[Listed]:
            found = await library().list_with_delimiter_async(self._store)
            return [Listed(one["path"], one["last_modified"]) for one in found["objects"]]

        return self._do("", work())

    def put(self, name: str, data: bytes | Iterable[Any], *, new: bool = False) -> None:
        """Write an object, whole or not at all.

        Args:
            name: Below the place.
            data: Its bytes, or what yields them piece by piece.
            new: Whether nothing may have that name.

        Raises:
            FileExistsError: It is there already, and had to be new.
            UnsupportedError: The server cannot create objects.
            OSError: The server cannot be reached, or refuses.
        """
        how: dict[str, Any] = {"mode": "create"} if new else _PARTS
        self._do(name, _awaited(partial(library().put_async, self._store, name, data, **how)))

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; those that are gone are no error."""
        for name in names:
            with suppress(FileNotFoundError):
                self._do(name, _awaited(partial(library().delete_async, self._store, name)))

    def _do(self, name: str, work: Coroutine[Any, Any, _T]) -> _T:
        with reaching(self.at(name) if name else self.url, self._secret):
            return run(work, self.stop)


async def _awaited(ask: Callable[[], Any]) -> Any:
    return await ask()


def _has_plain_endpoint(options: Mapping[str, Any]) -> bool:
    """Whether somebody has configured a server without TLS, as those on one's own network are."""
    given = {**(options.get("config") or {}), **options}
    endpoints = [*given.values(), *(os.environ.get(name, "") for name in _ENDPOINTS)]
    return any(isinstance(one, str) and one.startswith("http://") for one in endpoints)


def check_url(url: object) -> str:
    """Return a URL that objects can lie under.

    Raises:
        TypeError: It is no text.
        ValueError: It has another scheme, or names no host or bucket.
    """
    if not isinstance(url, str):
        raise TypeError(f"a URL is text such as 's3://bucket/policy', not {url!r}")
    parts = urlsplit(url)
    shown = url.replace(f"{parts.netloc.rpartition('@')[0]}@", "") if "@" in parts.netloc else url
    if parts.scheme not in (*SCHEMES, "file"):
        raise ValueError(
            f"the URL is {shown!r}; one of {', '.join(f'{one}://' for one in SCHEMES)} is right"
        )
    named = parts.path.strip("/") if parts.scheme == "file" else parts.netloc.rpartition("@")[2]
    if not named or parts.query or parts.fragment:
        raise ValueError(
            f"the URL is {shown!r}; a host or bucket and a path are right, nothing else, such as"
            " 's3://bucket/policy'"
        )
    return url


def is_name(name: object) -> bool:
    """Say whether an object directly below a place may be called so."""
    return isinstance(name, str) and _NAME.match(name) is not None

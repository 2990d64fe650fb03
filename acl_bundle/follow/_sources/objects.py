"""Objects under a URL as a source: S3, Google Cloud Storage, and files behind an HTTP server.

``LATEST`` names the newest manifest; where there is none, the store's listing tells which are
there. A version is there when its manifest is (`_objects.manifest`); its bytes are read when it is
opened, into memory that the update reads them from, and compared with their digests before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event
from typing import Any, SupportsIndex

from acl_bundle._base.arrays import whole
from acl_bundle.errors import AclError, BusyError, WeightsFormatError
from acl_bundle.follow._objects.download import Budget, Download
from acl_bundle.follow._objects.manifest import (
    LATEST,
    Object,
    VersionManifest,
    decoded,
    manifest_name,
    number_of,
)
from acl_bundle.follow._objects.store import ObjectStore
from acl_bundle.follow._versions.amounts import amount
from acl_bundle.follow._versions.layers import Layers
from acl_bundle.follow._versions.order import impossible, numbered
from acl_bundle.follow._versions.source import Checkpoint, Impossible, Version, Weights
from acl_bundle.follow._versions.stamp import bases_of, check_stamp
from acl_bundle.weights import Safetensors

MAX_BYTES = 64 << 30
_AGAIN = (AclError, BusyError, OSError, MemoryError, WeightsFormatError)
"""After these a version is opened again, and what was read of it is still good."""


class Objects:
    """Follow the versions under a URL, as `publish_objects` writes them.

    Args:
        url: ``s3://bucket/policy``, ``gs://bucket/policy``, ``https://host/policy``.
        store: What else `obstore.store.from_url` is given: ``{"config": {...}}`` with
            credentials and an endpoint, ``client_options``, ``retry_config``,
            ``credential_provider``. Without it the environment counts, as for other programs.
        poll: Seconds between looks. A look is one small request, in most cases.
        bandwidth: Bytes a second that a version is read with at most; None for no limit.
        max_bytes: The largest version that is read; a larger one is refused.

    Raises:
        UnsupportedError: obstore is not installed.
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(
        self,
        url: str,
        *,
        store: Mapping[str, Any] | None = None,
        poll: float = 1.0,
        bandwidth: float | None = None,
        max_bytes: SupportsIndex = MAX_BYTES,
    ) -> None:
        self._poll = amount(poll, "poll", "seconds")
        if bandwidth is not None:
            bandwidth = amount(bandwidth, "bandwidth", "bytes a second")
        self._max_bytes = whole(max_bytes, "max_bytes is an int")
        if self._max_bytes < 1:
            raise ValueError(f"max_bytes is {max_bytes!r}; a positive int is right")
        self._store, self._budget = ObjectStore(url, store), Budget(bandwidth)
        self._latest: tuple[str, str | None] = "", None
        self._downloads: dict[Object, Download] = {}
        self._opened: int | None = None

    def __repr__(self) -> str:
        return f"<Objects {self._store.url!r}>"

    def begin(self, stop: Event) -> None:
        """End requests when ``stop`` is set; see `Source`."""
        self._store.stop = stop

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List what is there now, oldest first: what ``LATEST`` names, or else each manifest.

        Raises:
            FileNotFoundError: There is no ``LATEST``, and the server lists nothing.
            PermissionError: The server refuses.
            ConnectionError: It cannot be reached, or fails.
            ValueError: ``LATEST`` names no manifest.
        """
        named = self._named()
        if named is not None:
            return [self._checkpoint(named)]
        listed: list[Checkpoint] = []
        odd: list[Impossible] = []
        for digits in filter(None, (number_of(one.name) for one in self._store.names())):
            try:
                listed.append(self._checkpoint(digits))
            except ValueError as error:
                odd.append(impossible(digits, error))
        return [*odd, *sorted(listed, key=lambda one: one.order)]

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when it is time for another look; see `Source.wait`."""
        stop.wait(min(seconds, self._poll))

    def close(self) -> None:
        """Drop what was read of a version that was not whole."""
        self._downloads.clear()
        self._store.stop = Event()

    def _named(self) -> str | None:
        """The number in ``LATEST``, None when there is no such object."""
        text, etag = self._latest
        try:
            found = self._store.small(LATEST, etag)
        except FileNotFoundError:
            self._latest = "", None
            if self._store.lists:
                return None
            raise
        if found is not None:
            text = found[0][:512].decode("utf-8", "replace").strip()
            self._latest = text, found[1]
        digits = number_of(text)
        if digits is None:
            raise ValueError(
                f"{self._store.at(LATEST)}: it names {text[:64]!r}; the name of a manifest is"
                " right, such as 'weights-7.json'"
            )
        return digits

    def _checkpoint(self, digits: str) -> Checkpoint:
        found = numbered(digits)
        assert found is not None  # there are digits in it
        version, order = found
        opening = partial(self._open, order[-1])
        place = f"objects:{_stem(version)}"
        return Checkpoint(version, order, opening, place=place, older=self._numbered)

    def _numbered(self, number: int) -> Checkpoint:
        """The version of a number, for one that is based on it."""
        place = f"objects:{_stem(number)}"
        return Checkpoint(number, (1, number), partial(self._read, number), place=place)

    @contextmanager
    def _open(self, version: int) -> Iterator[Weights]:
        if version != self._opened:
            self._downloads.clear()
            self._opened = version
        with self._read(version) as opened:
            try:
                yield opened
            except _AGAIN:
                raise
            except BaseException:  # it was refused, and is not opened again
                self._downloads.clear()
                raise
        self._downloads.clear()

    def _read(self, version: int) -> Safetensors | Layers:
        """Read a version's objects, or what is missing of them since the last attempt."""
        place = self._store.at(manifest_name(version))
        manifest = self._manifest(version)
        opened = self._together(manifest, place)
        check_stamp(opened, (1, version), place)
        if bases_of(opened) != manifest.bases:
            raise WeightsFormatError(
                f"{place}: its bases are {list(manifest.bases)}, and its object's"
                f" {list(bases_of(opened))}"
            )
        return opened

    def _together(self, manifest: VersionManifest, place: str) -> Safetensors | Layers:
        """One mapping of a version's objects."""
        self._check_size(manifest)
        files = [self._file(one) for one in manifest.objects]
        if len(files) == 1:
            return files[0]
        for name in files[0]:
            if any(name in one for one in files[1:]):
                raise WeightsFormatError(f"{place}: two of its objects have the weight {name!r}")
        return Layers(place, files)

    def _file(self, found: Object) -> Safetensors:
        download = self._downloads.get(found)
        if download is None:
            download = self._downloads[found] = Download(self._store, found, self._budget)
        data = download.done()
        try:
            return Safetensors(data)
        except WeightsFormatError as error:
            raise WeightsFormatError(f"{self._store.at(found.name)}: {error}") from error

    def _manifest(self, version: int) -> VersionManifest:
        name = manifest_name(version)
        found = self._store.small(name)
        assert found is not None  # no ETag was given
        return decoded(found[0], version, self._store.at(name))

    def _check_size(self, manifest: VersionManifest) -> None:
        nbytes = sum(one.nbytes for one in manifest.objects)
        if nbytes > self._max_bytes:
            place = self._store.at(manifest_name(manifest.version))
            raise ValueError(
                f"{place}: the version has {nbytes} bytes; at most {self._max_bytes} are read"
                " (max_bytes)"
            )


def _stem(version: Version) -> str:
    with suppress(ValueError):
        return manifest_name(int(version)).removesuffix(".json")
    return str(version)

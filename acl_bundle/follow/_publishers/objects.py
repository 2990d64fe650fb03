"""The trainer's half of objects under a URL: the objects first, the manifest last, once.

An object gets a name that no other one has. The manifest is created only where there is none: of
two trainers T1 and T2 with one version, whatever the order of their steps, the store creates one
manifest and tells the other trainer, whose object is removed. What is published is never written
again.

Whoever is killed half-way has published nothing; what it wrote is removed by a publication an hour
later, by the store's clock. Killed before ``LATEST`` was written, the same call again is told that
the version exists, and writes it.

Needs neither a device nor AscendCL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any, SupportsIndex

from acl_bundle._names.given import Given
from acl_bundle.errors import UnsupportedError, VersionExistsError, WeightsFormatError
from acl_bundle.follow._objects.manifest import (
    LATEST,
    Object,
    VersionManifest,
    decoded,
    encoded,
    is_object,
    manifest_name,
    number_of,
    object_name,
)
from acl_bundle.follow._objects.store import Listed, ObjectStore
from acl_bundle.follow._objects.upload import Upload
from acl_bundle.follow._publishers.published import (
    ABANDONED,
    check_base,
    check_keep,
    check_newer,
    check_version,
    some,
)
from acl_bundle.follow._versions.deltas import extended
from acl_bundle.follow._versions.order import VERSION_MAX
from acl_bundle.follow._versions.sign import check_key, noted
from acl_bundle.weights._write import parts


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
    """Publish a version under a URL of an object store. Blocks until the store has it.

    Args:
        url: As for `Objects`; a plain HTTP server cannot be published to.
        weights: Arrays by name, or what else an update takes; a lazy mapping is
            read as it is written.
        version: A number greater than all that are there, below 2**63.
        store: As for `Objects`.
        base: The version that these weights change; None for a full version. Then the weights
            are those that differ from the ones of that version; see docs/follow.md.
        keep: How many versions stay, at least 2. None for all. What these are based on
            stays, too.
        ignore: Names or patterns of what is left out: ``["*.num_batches_tracked"]``.
        signing_key: Sign the version, for followers with this key. Bytes, at
            least 16. All weights are copied to memory at once.

    Raises:
        VersionExistsError: That version is published, by this trainer or another;
            it stays as it is. ``LATEST`` names the newest all the same.
        TypeError, ValueError: An argument cannot be what it is; a newer
            version is there, or ``base`` is not. Nothing was published.
        WeightError: safetensors cannot hold a weight, or there is none.
            Nothing was published.
        PermissionError: The store refuses these credentials.
        ConnectionError: It cannot be reached, or fails. After this error the same call again
            publishes, or tells by VersionExistsError that the first one did.
        UnsupportedError: obstore is not installed, or the URL is a plain HTTP server's.
    """
    version = check_version(version)
    base = check_base(base, version)
    keep = None if keep is None else check_keep(keep)
    weights = some(weights, ignore)
    if signing_key is not None:
        check_key(signing_key)
    place = _Prefix(_writable(url, store))
    try:
        place.check_newer(version)
        stem = manifest_name(version).removesuffix(".json")
        bases = place.bases(base)
        published, note = noted(weights, version, f"objects:{stem}", signing_key, bases)
        place.publish(version, bases, parts(published, note))
    except VersionExistsError:
        place.point()
        raise
    place.point()
    place.prune(keep)


def _writable(url: str, options: Mapping[str, Any] | None) -> ObjectStore:
    store = ObjectStore(url, options)
    if not store.lists:
        raise UnsupportedError(
            f"{store.url}: a version cannot be published to a plain HTTP server; publish to what"
            " it serves: a bucket (s3://, gs://), or its folder"
            " (publish_objects('file:///folder', ...))"
        )
    return store


class _Prefix:
    """Where versions are published, by names of its objects."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def check_newer(self, version: int) -> None:
        """Refuse a version that is not beyond all that are there; see `check_newer`."""
        check_newer(version, max(self._versions(self._names()), default=None), self._store.url)

    def bases(self, base: int | None) -> tuple[int, ...]:
        """Return the bases of a new version; see `extended`."""
        own = None
        with suppress(FileNotFoundError):
            own = None if base is None else self._manifest(base).bases
        return extended(base, own, self._store.url)

    def publish(
        self, version: int, bases: tuple[int, ...], pieces: Iterable[bytes | memoryview]
    ) -> None:
        """Write an object, then the manifest that names it."""
        name, counted = object_name(version), Upload(pieces)
        try:
            self._write(name, counted)
            found = Object(name, counted.nbytes, counted.sha256)
            self.check_newer(version)  # others have gone on meanwhile
            self.bases(bases[0] if bases else None)
            self._create(VersionManifest(version, (found,), bases))
        except BaseException:
            if not self._is_named(version, name):
                with suppress(OSError):  # it goes an hour later
                    self._store.delete([name])
            raise

    def _write(self, name: str, counted: Upload) -> None:
        try:
            self._store.put(name, iter(counted))
        except BaseException:
            if counted.error is not None:
                raise counted.error from None
            raise

    def _create(self, manifest: VersionManifest) -> None:
        """Create a manifest, unless there is one: the answer to an earlier try may be lost."""
        name = manifest_name(manifest.version)
        try:
            self._store.put(name, encoded(manifest), new=True)
        except FileExistsError:
            if not self._is_named(manifest.version, manifest.objects[0].name):
                check_newer(manifest.version, manifest.version, self._store.url)

    def _is_named(self, version: int, name: str) -> bool:
        """Whether a version's manifest names an object; True when that cannot be told."""
        try:
            return name in self._named(version)
        except FileNotFoundError:
            return False
        except (OSError, ValueError):
            return True

    def _named(self, version: int) -> set[str]:
        return {one.name for one in self._manifest(version).objects}

    def _manifest(self, version: int) -> VersionManifest:
        name = manifest_name(version)
        found = self._store.small(name)
        return decoded(b"" if found is None else found[0], version, self._store.at(name))

    def point(self) -> None:
        """Let ``LATEST`` name the newest version.

        T1 publishes 7, T2 publishes 8 and writes ``LATEST``, T1 writes it: now it
        names 7. So whoever wrote it looks again; who wrote last saw the newest.
        """
        named, newest = None, max(self._versions(self._names()), default=None)
        while newest is not None and named != newest:
            self._store.put(LATEST, f"{manifest_name(newest)}\n".encode())
            named, newest = newest, max(self._versions(self._names()), default=None)

    def prune(self, keep: int | None) -> None:
        """Remove all manifests but the newest, and what these are based on.

        Then go the objects that none names and nobody can be writing.
        """
        listed = self._store.names()
        found = sorted(self._versions(listed))
        old = set(found[:-keep] if keep else [])
        old -= {base for one in found[-(keep or 0) :] if old for base in self._bases(one)}
        self._store.delete(map(manifest_name, old))
        since = max(one.modified for one in listed) - timedelta(seconds=ABANDONED)
        objects: dict[int, list[Listed]] = {}
        for one in listed:
            if is_object(one.name):
                objects.setdefault(_of(one), []).append(one)
        for version, ours in objects.items():
            gone = [one.name for one in ours if version in old or one.modified < since]
            if gone and version in found and version not in old:
                gone = self._unnamed(version, gone) if len(ours) > 1 else []
            self._store.delete(gone)

    def _unnamed(self, version: int, names: list[str]) -> list[str]:
        try:
            named = self._named(version)
        except (FileNotFoundError, WeightsFormatError):
            return []  # see `_bases`
        return [one for one in names if one not in named]

    def _bases(self, version: int) -> tuple[int, ...]:
        try:
            return self._manifest(version).bases
        except (FileNotFoundError, WeightsFormatError):
            return ()  # another publisher has removed it, or it is none, and nobody can read it

    def _names(self) -> list[Listed]:
        return self._store.names()

    @staticmethod
    def _versions(listed: Iterable[Listed]) -> list[int]:
        digits = (number_of(one.name) for one in listed)
        numbers = (int(one) for one in digits if one and len(one) < 20)
        return [one for one in numbers if one <= VERSION_MAX]


def _of(listed: Listed) -> int:
    """The version that an object was written for."""
    return int(listed.name.split("-")[1])

"""The trainer's half of a directory: versions that are there whole or not at all, and once.

The weights are written under a hidden name, flushed to the disk, and given
their name by a hard link, which fails where something has that name. So of
two trainers T1 and T2 with one version, whatever the order of their steps, one
gets the name and the other is told; what has a name is never written again.

Whoever is killed half-way has published nothing. The hidden file is ignored
by followers and goes with a publication an hour later. Killed before ``LATEST``
was written, the same call again is told that the version exists, and writes it.

Needs neither a device nor AscendCL.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, SupportsIndex

from acl_bundle import weights as files
from acl_bundle._base.arrays import text
from acl_bundle._base.atomic import check_replaceable, creating, hidden_for, replacing
from acl_bundle._base.files import NoRegularFileError, check_folder
from acl_bundle._names.given import Given
from acl_bundle.errors import UnsupportedError, VersionExistsError, WeightsFormatError
from acl_bundle.follow._publishers.published import (
    ABANDONED,
    check_base,
    check_keep,
    check_newer,
    check_version,
    some,
)
from acl_bundle.follow._versions.deltas import extended
from acl_bundle.follow._versions.names import PLACE, Pattern
from acl_bundle.follow._versions.sign import check_key, noted
from acl_bundle.follow._versions.stamp import bases_of
from acl_bundle.weights._base.file import is_plain_name
from acl_bundle.weights._write import parts


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
    """Publish a version as a safetensors file in a directory. Blocks until it is on the disk.

    Args:
        folder: The directory; it is made when it is missing.
        weights: Arrays by name, or what else an update takes; a lazy mapping is
            read as it is written.
        version: A number greater than all that are there, below 2**63.
        name: The file's name, with ``{version}`` in it.
        latest: A file to write afterwards, which names the newest version: ``"LATEST"``.
        base: The version that these weights change; None for a full version. Then the weights
            are those that differ from the ones of that version; see docs/follow.md.
        keep: How many versions stay, at least 2: who is reading the one
            before may go on. None for all. What these are based on stays, too.
        ignore: Names or patterns of what is left out: ``["*.num_batches_tracked"]``.
        signing_key: Sign the version, for followers with this key. Bytes, at
            least 16. All weights are copied to memory at once.

    Returns:
        The file.

    Raises:
        VersionExistsError: That version is published, by this trainer or another;
            it stays as it is. ``latest`` names the newest all the same.
        TypeError, ValueError: An argument cannot be what it is; a newer
            version is there, or ``base`` is not. Nothing was published.
        WeightError: safetensors cannot hold a weight, or there is none.
            Nothing was published.
        OSError: The directory cannot be written. Nothing was published, or all
            but ``latest``: the same call again tells.
    """
    version = check_version(version)
    base = check_base(base, version)
    keep = None if keep is None else check_keep(keep)
    weights = some(weights, ignore)
    if signing_key is not None:
        check_key(signing_key)
    check_folder(folder, "folder")
    place = _Folder(Path(folder), name, latest)
    file = place.file(version)
    try:
        place.check_newer(version)
        bases = place.bases(base)
        published, note = noted(weights, version, f"directory:{file.name}", signing_key, bases)
        with _new(file, version) as opened:
            for part in parts(published, note):
                opened.write(part)
            place.check_newer(version)  # others have gone on meanwhile
            place.bases(base)
    except VersionExistsError:
        place.point()
        raise
    _flush(place.path)
    place.point()
    place.prune(keep)
    place.clear()
    return file


class _Folder:
    """A directory, how its versions are called, and the file that names the newest.

    Raises:
        ValueError: Followers would not take such names for versions.
    """

    def __init__(self, path: Path, name: str, latest: str | None) -> None:
        if text(name, "name").count(PLACE) != 1:
            raise ValueError(f"name is {name!r}; one with {PLACE} in it is right")
        if latest is not None and ("/" in text(latest, "latest") or not is_plain_name(latest)):
            raise ValueError(f"latest is {latest!r}; the name of a file in the directory is right")
        self.path, self._name, self._latest = path, name, latest
        self._pattern = Pattern(name)

    def file(self, version: int) -> Path:
        """Return a version's file; the directory is made when it is missing.

        Raises:
            ValueError: Followers would not take that name, or ``latest`` leads elsewhere.
            OSError: ``latest`` is no file that can be replaced, or the directory cannot be made.
        """
        file = self._name.replace(PLACE, str(version))
        if not self._pattern.matches(file) or self._latest == file:
            raise ValueError(
                f"name is {self._name!r}; a follower would take {file!r} for a temporary name"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        if self._latest is not None:
            check_replaceable(self.path / self._latest, inside=self.path)
        return self.path / file

    def check_newer(self, version: int) -> None:
        """Refuse a version that is not beyond all that are there; see `check_newer`."""
        check_newer(version, max(self._versions(), default=None), self.path)

    def bases(self, base: int | None) -> tuple[int, ...]:
        """Return the bases of a new version; see `extended`."""
        found = self._versions() if base is not None else {}
        own = None if base not in found else self._bases(found[base])
        return extended(base, own, self.path)

    def _bases(self, name: str) -> tuple[int, ...]:
        try:
            with files.open(self.path / name) as opened:
                return bases_of(opened)
        except (WeightsFormatError, UnsupportedError, FileNotFoundError, NoRegularFileError):
            return ()  # others' files, and those that have gone; who reads them is told

    def point(self) -> None:
        """Let ``latest`` name the newest version.

        T1 publishes 7, T2 publishes 8 and writes ``latest``, T1 writes it: now it
        names 7. So whoever wrote it looks again; who wrote last saw the newest.
        """
        named, newest = None, self._newest_name()
        while self._latest is not None and named != newest is not None:
            with replacing(self.path / self._latest) as opened:
                opened.write(f"{newest}\n".encode())
            _flush(self.path)
            named, newest = newest, self._newest_name()

    def prune(self, keep: int | None) -> None:
        """Remove all versions but the newest, and what these are based on; others may be at it."""
        found = self._versions()
        old = sorted(found)[: -keep if keep else 0]
        kept = [found[one] for one in found if old and one > old[-1]]
        try:
            needed = {base for name in kept for base in self._bases(name)}
        except OSError:  # what one of them needs cannot be read now; the next publication prunes
            return
        for one in old:
            if one not in needed:
                (self.path / found[one]).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove hidden files of publishers that were killed, once nobody can be writing them."""
        for one in self.path.iterdir():
            target = hidden_for(one.name)
            if target is not None and self._pattern.matches(target):
                with suppress(FileNotFoundError):  # another publisher was faster
                    if time.time() - one.stat().st_mtime > ABANDONED:
                        one.unlink()

    def _newest_name(self) -> str | None:
        found = self._versions()
        return found[max(found)] if found else None

    def _versions(self) -> dict[int, str]:
        """The versions that are there under such a name."""
        versions: dict[int, str] = {}
        for one in filter(self._pattern.matches, os.listdir(self.path)):
            with suppress(ValueError):  # beyond all numbers; followers refuse it as well
                found = self._pattern.version(one)
                if found is not None and isinstance(found[0], int):
                    number = found[0]
                    if one == self._name.replace(PLACE, str(number)) or number not in versions:
                        versions[number] = one
        return versions


@contextmanager
def _new(file: Path, version: int) -> Iterator[BinaryIO]:
    """Open a file that takes its name in the end, if nothing has it."""
    try:
        with creating(file) as opened:
            yield opened
    except FileExistsError:
        check_newer(version, version, file.parent)


def _flush(folder: Path) -> None:
    """Make a name last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""A directory as a source: checkpoints that a trainer publishes by renaming them.

Each name that the pattern fits is a version, a file or a folder of any format
that `weights.open` knows. Where there is a file ``LATEST``, only the version
that it names counts. Hidden names and those that end as temporary ones do, do
not count at all; nothing is followed out of the directory.

What is listed is stat'ed; when it is opened it must still be the same file,
and whole by its format. That makes a version of one file, or of an index and
its shards, whole. A folder of .npy files and a frozen graph have nothing that
tells; the follower compares their names with the bundle's weights.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import NamedTuple

from acl_bundle import weights
from acl_bundle._base.arrays import text
from acl_bundle._base.files import check_folder
from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._sources.watch import FolderWatch
from acl_bundle.follow._versions.names import Pattern, entries
from acl_bundle.follow._versions.order import NAME_MAX, impossible, timed
from acl_bundle.follow._versions.rivals import Rivals, gathered, is_plain
from acl_bundle.follow._versions.source import Checkpoint, Impossible, Order, Version, Weights
from acl_bundle.follow._versions.stamp import check_stamp
from acl_bundle.weights._base.file import is_plain_name, map_file
from acl_bundle.weights._base.source import Source

LATEST_MAX = 4096
_NOT_THERE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}
_SHARD = re.compile(r"-[0-9]{5}-of-(?!00001)[0-9]{5}\.safetensors\Z")


class _Found(NamedTuple):
    """A name, and what the file system says of it."""

    name: str
    identity: tuple[int, ...]
    modified: int
    changed: float | None


class Directory:
    """Follow the checkpoints in a directory.

    Args:
        path: The directory. It may be missing; then it is waited for.
        pattern: A glob of the names that are versions. ``{version}`` in it
            stands for the number that orders them; without it all numbers of
            a name count, or the time when there are none.
        latest: The name of a file that names the newest version; used when it
            is there. None to ignore such a file.
        kind: As for `weights.open`.
        key: As for `weights.open`.
        poll: Seconds between looks, where nothing wakes the follower earlier:
            without watchfiles, and on network file systems.

    Raises:
        TypeError, ValueError: An argument cannot be what it is.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        pattern: str = "*",
        *,
        latest: str | None = "LATEST",
        kind: str | None = None,
        key: str | None = None,
        poll: float = 1.0,
    ) -> None:
        check_folder(path, "path")
        self.path: Path = Path(path).absolute()
        self.pattern: Pattern = Pattern(pattern)
        if latest is not None and ("/" in text(latest, "latest") or not is_plain_name(latest)):
            raise ValueError(f"latest is {latest!r}; the name of a file in the directory is right")
        self._latest, self._kind, self._key = latest, kind, key
        self._watch = FolderWatch(self.path, poll)

    def __repr__(self) -> str:
        return f"<Directory {os.fspath(self.path)!r}, {self.pattern.text!r}>"

    def versions(self) -> Sequence[Checkpoint | Impossible]:
        """List what is there now, oldest first; also what ``LATEST`` names and is not there yet.

        A name whose number is beyond all bounds comes first, as what it is.
        Several names of one number are one entry.

        Raises:
            OSError: The directory cannot be read.
            ValueError: ``LATEST`` names no name of the directory, or one whose
                number is beyond all bounds, or leads out of the directory.
        """
        self._watch.begin()
        named = self._named()
        if named is not None:
            return [self._checkpoint(self._find(named) or self._absent(named))]
        odd, names = self._odd(self._names())
        found = [one for one in map(self._find, names) if one is not None]
        found.sort(key=lambda one: (not is_plain(one.name), one.name))
        listed = gathered((one.name, self._checkpoint(one)) for one in found)
        return [*odd, *map(self._doubted, listed)]

    def wait(self, seconds: float, stop: Event) -> None:
        """Return when a name in the directory may have changed; see `Source.wait`."""
        self._watch.wait(seconds, stop)

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def _names(self) -> list[str]:
        listed = entries(set(os.listdir(self.path)))
        return [one for one in listed if one != self._latest and self.pattern.matches(one)]

    def _odd(self, names: list[str]) -> tuple[list[Impossible], list[str]]:
        """Part names that have no place in any order from the others."""
        odd: dict[str, Impossible] = {}
        for one in names:
            try:
                self.pattern.version(one)
            except ValueError as error:
                odd[one] = impossible(one, error)
        return list(odd.values()), [one for one in names if one not in odd]

    def _named(self) -> str | None:
        """The name in ``LATEST``, None when there is no such file."""
        if self._latest is None:
            return None
        file = self.path / self._latest
        self._check_inside(file)
        try:
            raw = bytes(map_file(file)[:LATEST_MAX])
        except (FileNotFoundError, IsADirectoryError):
            os.stat(self.path)  # is it the directory that is missing
            return None
        name = raw.decode("utf-8", "replace").strip()
        long = len(os.fsencode(name)) > NAME_MAX
        if long:
            raise ValueError(
                f"{file}: it names {name[:32] + '...'!r}, {len(name)} characters; a name has at"
                f" most {NAME_MAX} bytes"
            )
        if not is_plain_name(name) or "/" in name or name.startswith("."):
            raise ValueError(f"{file}: it names {name!r}; a name in the same directory is right")
        for one in self._odd([name])[0]:
            raise ValueError(f"{file}: {one.error}") from one.error
        return name

    def _find(self, name: str) -> _Found | None:
        for candidate in (name, f"{name}.index"):
            try:
                status = os.stat(self.path / candidate)
            except OSError as error:
                if error.errno not in _NOT_THERE:
                    raise
                continue
            identity = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            return _Found(name, identity, status.st_mtime_ns, status.st_ctime)
        return None

    def _absent(self, name: str) -> _Found:
        """What opens when it comes, and says until then that it is not there."""
        if self.pattern.version(name) is None:
            raise FileNotFoundError(
                f"{self.path}: {self._latest} names {name!r}, which is not there"
            )
        return _Found(name, (), 0, None)

    def _checkpoint(self, found: _Found) -> Checkpoint:
        version, order = self._order(found)
        opening = partial(self._open, found)
        return Checkpoint(
            version, order, opening, found.changed, f"directory:{found.name}", self._numbered
        )

    def _numbered(self, number: int) -> Checkpoint:
        """The version of a number, whether ``LATEST`` names it or not.

        Raises:
            FileNotFoundError: There is none.
        """
        names = [one for one in self._odd(self._names())[1] if self._is(one, number)]
        found = [one for one in map(self._find, names) if one is not None]
        if not found:
            raise FileNotFoundError(f"{self.path}: there is no version {number}")
        found.sort(key=lambda one: (not is_plain(one.name), one.name))
        [listed] = gathered((one.name, self._checkpoint(one)) for one in found)
        return self._doubted(listed)

    def _is(self, name: str, number: int) -> bool:
        found = self.pattern.version(name)
        return found is not None and found[1] == (1, number)

    def _order(self, found: _Found) -> tuple[Version, Order]:
        return self.pattern.version(found.name) or timed(found.name, found.modified)

    @contextmanager
    def _open(self, found: _Found) -> Iterator[Weights]:
        path = self.path / found.name
        self._check_inside(path)
        with weights.open(path, kind=self._kind, key=self._key) as opened:
            now = self._find(found.name)
            if now is None or now.identity != found.identity:
                raise WeightsFormatError(f"{path}: it changed while it was opened")
            self._check_inside(Path(opened.file))
            check_whole(opened)
            check_stamp(opened, self._order(found)[1], os.fspath(path))
            yield opened

    def _check_inside(self, path: Path) -> None:
        real = path.resolve()
        if not real.is_relative_to(self.path.resolve()):
            raise ValueError(f"{path}: it is a link that leads out of {self.path}, to {real}")

    def _doubted(self, one: Checkpoint) -> Checkpoint:
        """Say that several names are meant equally well, unless one number alone is plain."""
        if not isinstance(one, Rivals) or [is_plain(name) for name in one.names[:2]] == [1, 0]:
            return one
        doubt = ValueError(
            f"{self.path}: {one.told()}; give a pattern that fits one of them, such as"
            " 'policy-*.safetensors', or sign"
        )
        return replace(one, doubt=doubt)


def check_whole(opened: Source) -> None:
    """Refuse one shard of several, which its format does not tell from a whole file.

    Raises:
        WeightsFormatError: It is one.
    """
    if _SHARD.search(opened.file) and opened.kind == "safetensors":
        raise WeightsFormatError(
            f"{opened.file}: it is one of several shards, and their index is missing"
        )

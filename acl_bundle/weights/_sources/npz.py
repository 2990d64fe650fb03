""".npz archives and single .npy files.

Members that `numpy.savez` stored are views of the mapping; those that
`savez_compressed` deflated are inflated each time. What holds no numbers is
skipped and listed; what would have to be unpickled is refused.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

from acl_bundle._base.files import Path_
from acl_bundle.weights._base.file import bad, map_file, whole
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array
from acl_bundle.weights._sources import archive, npy
from acl_bundle.weights._sources.archive import Member
from acl_bundle.weights._sources.npy import Layout, NoNumbersError

SUFFIX = ".npy"


class Npz(Source):
    """The arrays of an .npz archive, named as `numpy.load` names them.

    CRCs are checked where a member is inflated, and not where it is a view.
    """

    kind = "npz"

    def __init__(self, path: Path_) -> None:
        """Read the archive's directory and every array's header.

        Raises:
            WeightsFormatError: The archive or an array is damaged, not to be
                trusted, or pickled.
            OSError: The file cannot be opened.
        """
        file = os.fspath(path)
        self._members: dict[str, tuple[Member, Layout]] = {}
        skipped: dict[str, str] = {}
        for member in archive.members(file, map_file(path)):
            name = _name(member, file)
            try:
                self._members[name] = member, _layout(member, file)
            except NoNumbersError as reason:
                skipped[name] = str(reason)
        super().__init__(file, {n: found.spec for n, (_, found) in self._members.items()}, skipped)

    def _read(self, name: str) -> Array:
        member, found = self._members[name]
        whole(member.raw, self.file)
        return found.view(member.read(self.file))

    def _release(self) -> None:
        self._members = {}


class Npy(Source):
    """A single .npy file: one weight, named as the file without its suffix."""

    kind = "npy"

    def __init__(self, path: Path_) -> None:
        """Read the header.

        Raises:
            WeightsFormatError: The file is damaged, pickled, or holds no numbers.
            OSError: The file cannot be opened.
        """
        self._path = os.fspath(path)
        try:
            found, self._data = open_npy(self._path)
        except NoNumbersError as reason:
            raise bad(self._path, f"{reason}; a weight is an array of numbers") from None
        self._layout = found
        super().__init__(self._path, {Path(path).name.removesuffix(SUFFIX): found.spec})

    def _read(self, _name: str) -> Array:
        return self._layout.view(whole(self._data, self.file))

    def _release(self) -> None:
        self._data = memoryview(b"")


def open_npy(path: Path_) -> tuple[Layout, memoryview]:
    """Return what a .npy file says, and the file, mapped.

    Raises:
        WeightsFormatError: The file is damaged or pickled.
        NoNumbersError: It holds no numbers.
        OSError: The file cannot be opened.
    """
    file, data = os.fspath(path), map_file(path)
    found = npy.layout(data, file)
    npy.check_size(found, len(data), file)
    return found, data


def _name(member: Member, file: str) -> str:
    name = member.name.removesuffix(SUFFIX)
    if name == member.name:
        raise bad(file, f"member {member.name!r} is no .npy file; an .npz holds nothing else")
    return name


def _layout(member: Member, file: str) -> Layout:
    place = f"{file}: member {member.name!r}"
    try:
        found = npy.layout(member.head(npy.HEAD_MAX), place)
    except zlib.error as error:
        raise bad(place, f"it cannot be inflated: {error}") from None
    npy.check_size(found, member.size, place)
    return found

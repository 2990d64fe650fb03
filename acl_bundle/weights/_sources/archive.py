"""ZIP archives that are not trusted: where each member lies, and what it holds.

A member that was stored is a slice of the mapped file. A compressed one is
inflated when it is asked for, never beyond the size that was announced.
Refused are: archives that are cut short, members that overlap (the usual
bomb), that announce an impossible or an enormous expansion, that are
encrypted, have a name twice, or a name that leads out of the archive.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from typing import Final

from acl_bundle._base.files import open_regular
from acl_bundle.weights._base.file import bad, is_plain_name

_LOCAL: Final = struct.Struct("<4s2xHH16xHH")  # signature, flags, method, name and extra length
_ENCRYPTED: Final = 1
_UTF8: Final = 0x800
# No deflate stream can grow more than this. What grows a lot and is large as
# well is a bomb and no set of weights.
_DEFLATE_MAX: Final = 1032
_BOMB_RATIO, _BOMB_SIZE = 100, 256 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """One file of an archive.

    Attributes:
        name: Its name.
        raw: Its bytes as they stand in the archive.
        size: How many bytes it holds once inflated.
        compressed: Whether ``raw`` must be inflated.
        crc: Of the bytes it holds.
    """

    name: str
    raw: memoryview
    size: int
    compressed: bool
    crc: int

    def head(self, count: int) -> memoryview:
        """Return the first bytes, at most ``count`` of them.

        Raises:
            zlib.error: They cannot be inflated.
        """
        if not self.compressed:
            return self.raw[:count]
        return memoryview(zlib.decompressobj(-15).decompress(self.raw, count))

    def read(self, file: str) -> memoryview:
        """Return all bytes: a view where the member was stored.

        Raises:
            WeightsFormatError: They do not inflate to what was announced.
        """
        if not self.compressed:
            return self.raw
        try:
            data = zlib.decompressobj(-15).decompress(self.raw, self.size + 1)
        except zlib.error as error:
            raise bad(file, f"member {self.name!r} cannot be inflated: {error}") from None
        if len(data) != self.size or zlib.crc32(data) != self.crc:
            raise bad(
                file,
                f"member {self.name!r} inflates to {len(data)} bytes with CRC"
                f" {zlib.crc32(data):#010x}; {self.size} with {self.crc:#010x} are announced",
            )
        return memoryview(data)


def members(path: str, data: memoryview) -> list[Member]:
    """Return the files of an archive, in its own order; folders are left out.

    Args:
        path: Of the archive.
        data: The archive, mapped.

    Raises:
        WeightsFormatError: The archive is damaged, or not to be trusted.
    """
    try:
        with open_regular(path) as file, zipfile.ZipFile(file) as archive:
            infos = [info for info in archive.infolist() if not info.filename.endswith("/")]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error) as error:
        raise bad(path, f"the ZIP archive is damaged or cut short: {error}") from None
    _check_names(infos, path)
    spans = [(*_span(info, data, path), info) for info in infos]
    _check_apart(spans, path)
    return [
        Member(
            info.filename,
            data[start:end],
            info.file_size,
            info.compress_type == zipfile.ZIP_DEFLATED,
            info.CRC,
        )
        for start, end, info in spans
    ]


def _check_names(infos: list[zipfile.ZipInfo], path: str) -> None:
    seen: set[str] = set()
    for info in infos:
        if not is_plain_name(info.orig_filename):
            raise bad(path, f"a member is called {info.orig_filename!r}, which leads elsewhere")
        if info.filename in seen:
            raise bad(path, f"two members are called {info.filename!r}; names must be unique")
        seen.add(info.filename)


def _span(info: zipfile.ZipInfo, data: memoryview, path: str) -> tuple[int, int]:
    """Where the member's bytes lie."""
    what = f"member {info.filename!r}"
    at = info.header_offset
    if not 0 <= at <= len(data) - 30:
        raise bad(path, f"{what} is said to start at byte {at}, but the file has {len(data)}")
    signature, flags, method, name, extra = _LOCAL.unpack_from(data, at)
    start = at + 30 + name + extra
    if signature != b"PK\x03\x04" or start + info.compress_size > len(data):
        raise bad(path, f"{what} does not lie at byte {at}, where the archive says it does")
    if flags & _ENCRYPTED or info.flag_bits & _ENCRYPTED:
        raise bad(path, f"{what} is encrypted; only plain archives can be read")
    raw = bytes(data[at + 30 : at + 30 + name])
    if raw != info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437", "replace"):
        raise bad(path, f"{what} is called {raw!r} where it lies; the two names must be the same")
    _check_size(info, method, what, path)
    return start, start + info.compress_size


def _check_size(info: zipfile.ZipInfo, method: int, what: str, path: str) -> None:
    size, stored = info.file_size, info.compress_size
    if method != info.compress_type or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise bad(path, f"{what} is compressed by method {method}; 0 (stored) and 8 can be read")
    if method == zipfile.ZIP_STORED and size != stored:
        raise bad(path, f"{what} is stored, but takes {stored} bytes for {size}")
    if size > stored * _DEFLATE_MAX + 64:
        raise bad(path, f"{what} announces {size} bytes from {stored}, which no archive can hold")
    if size > _BOMB_SIZE and size > stored * _BOMB_RATIO:
        raise bad(
            path,
            f"{what} would grow from {stored} to {size} bytes: a bomb, or to be saved uncompressed",
        )


def _check_apart(spans: list[tuple[int, int, zipfile.ZipInfo]], path: str) -> None:
    ends, before = 0, ""
    for start, end, info in sorted(spans, key=lambda one: (one[2].header_offset, one[1])):
        if info.header_offset < ends:
            raise bad(
                path,
                f"member {info.filename!r} starts at byte {info.header_offset}, inside"
                f" {before!r}, which ends at byte {ends}",
            )
        ends, before = max(end, start), info.filename

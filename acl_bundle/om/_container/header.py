"""The 256 bytes that open every model and every bundle (facts 5.1).

Bundle and model use the same fields with different values: a bundle has
``modeltype`` 5 and zero nearly everywhere else. The loader of a bundle looks
at ``modeltype`` alone, so that is how one is told from the other.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from acl_bundle.om._bytes.span import Span

SIZE: Final = 256
MAGIC: Final = 0x444F4D49  # "IMOD"
VERSION: Final = 0x20000000
BUNDLE: Final = 5
NAME_BYTES: Final = 31

_LAYOUT: Final = struct.Struct("<III64sIBBBB32sI32sII20sB3xQBB62s")


class Header(NamedTuple):
    """Every field of the header, under the name and in the order of the format.

    ``model_length`` counts the whole file in a bundle, and what follows the
    header in a model.
    """

    magic: int = MAGIC
    headsize: int = SIZE
    version: int = VERSION
    checksum: bytes = b""
    length: int = 0
    is_encrypt: int = 0
    is_checksum: int = 0
    modeltype: int = 0
    genmode: int = 0
    name: str = ""
    ops: int = 0
    userdefineinfo: bytes = b""
    om_ir_version: int = 0
    model_num: int = 1
    platform_version: bytes = b""
    platform_type: int = 0
    model_length: int = 0
    need_check_os_cpu_info: int = 0
    is_unknow_model: int = 0
    reserved: bytes = b""

    @property
    def is_bundle(self) -> bool:
        """Whether the header opens a bundle."""
        return self.modeltype == BUNDLE

    @property
    def is_dynamic(self) -> bool:
        """Whether the model runs on the dynamic executor (facts 0.3)."""
        return self.version >= VERSION and (self.model_num > 1 or self.is_unknow_model == 1)

    def to_bytes(self) -> bytes:
        """Return the 256 bytes. A name beyond 31 bytes is cut, as a compiler cuts it."""
        return _LAYOUT.pack(*self[:_NAME], _short(self.name), *self[_NAME + 1 :])


_NAME: Final = Header._fields.index("name")


def _short(name: str) -> bytes:
    return name.encode()[:NAME_BYTES].decode(errors="ignore").encode()


def read(span: Span) -> Header:
    """Read the header at the start of ``span``.

    Raises:
        BundleFormatError: Fewer than 256 bytes are there.
    """
    fields = [*span.unpack(_LAYOUT, 0, "a model's header")]
    fields[_NAME] = fields[_NAME].partition(b"\0")[0].decode("utf-8", "backslashreplace")
    return Header._make(fields)

"""Reading safetensors: `safetensors_header` has the format.

Values are views of the mapping; files whose header was not padded have unaligned
ones, which numpy takes.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from acl_bundle._base.files import Path_
from acl_bundle.weights._base.file import Buffer, read, whole
from acl_bundle.weights._base.source import Source
from acl_bundle.weights._base.spec import Array
from acl_bundle.weights._sources.safetensors.header import parse

_OURS: Final = "acl_bundle."  # what this package notes in the metadata is no weight's name


class Safetensors(Source):
    """A safetensors file, mapped.

    Attributes:
        metadata: What the header says beside the tensors.
    """

    kind = "safetensors"

    def __init__(self, source: Path_ | Buffer) -> None:
        """Read the header.

        Args:
            source: A path, which is mapped, or the file's bytes, which are
                borrowed and must not change meanwhile.

        Raises:
            WeightsFormatError: It is no whole, well-formed safetensors file.
            OSError: The file cannot be opened.
        """
        self._data, file = read(source)
        self.metadata: dict[str, str]
        self._tensors, self.metadata = parse(self._data, file)
        specs = {name: one.spec for name, one in self._tensors.items() if one.skipped is None}
        super().__init__(
            file,
            specs,
            {name: one.skipped for name, one in self._tensors.items() if one.skipped is not None},
            {  # as safetensors' save_model notes those that it leaves out
                alias: name
                for alias, name in self.metadata.items()
                if name in specs and alias not in self._tensors and not alias.startswith(_OURS)
            },
        )

    def _read(self, name: str) -> Array:
        one = self._tensors[name]
        flat = np.frombuffer(whole(self._data, self.file), one.spec.dtype, one.spec.size, one.start)
        return flat.reshape(one.spec.shape)

    def _release(self) -> None:
        self._data = memoryview(b"")

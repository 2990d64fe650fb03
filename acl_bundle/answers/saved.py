"""Outputs that were saved: .npz, .safetensors, .npy, a folder of .npy files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from acl_bundle import weights
from acl_bundle.answers.side import Array, Arrays, Side, timed


class SavedSide(Side):
    """A file of arrays, which answers the same to everything."""

    def __init__(self, path: Path) -> None:
        """Read the arrays' names.

        Raises:
            WeightsFormatError: It is damaged, or of no known format.
            OSError: It cannot be opened.
        """
        super().__init__(str(path), "saved", None)
        self._path = path

    def run(self, _given: Mapping[str, Array], /) -> Arrays:
        """Return the arrays, copied out of the file."""
        with timed(self.times, "read"):
            return arrays_of(self._path)


def arrays_of(path: Path) -> Arrays:
    """Read a file of arrays.

    Raises:
        ValueError: It is damaged, of no known format, or something in it is no number.
        OSError: It cannot be opened.
    """
    with weights.open(path) as source:
        for name, why in source.skipped.items():
            raise ValueError(f"{path}: {name!r} is no array of numbers: {why}")
        return {name: source[name].copy() for name in source}

"""An object on its way to a store, piece by piece."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator


class Upload:
    """Pieces of an object, as they are asked for.

    Attributes:
        nbytes: How many bytes went.
        error: What a piece raised, which the store tells as an error of its own.
    """

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = pieces
        self._sha256 = hashlib.sha256()
        self.nbytes: int = 0
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[bytes | memoryview]:
        try:
            for piece in self._pieces:
                self._sha256.update(piece)
                self.nbytes += len(piece)
                if len(piece):
                    yield piece
        except BaseException as error:
            self.error = error
            raise

    @property
    def sha256(self) -> str:
        """The digest of what went, in hex."""
        return self._sha256.hexdigest()

"""A weights file as a mapping: what all sources have in common.

A source knows the names, shapes and dtypes when it is made, and reads a value
each time somebody asks for it: as a view of the mapped file where the format
allows, as a copy elsewhere. Values are read-only and in native byte order.

After `close` names and specs are still there and values are not. Arrays that
were handed out stay valid; the file's memory goes with the last of them.
"""

from __future__ import annotations

import difflib
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, NoReturn, TypeVar

from acl_bundle.errors import ClosedError
from acl_bundle.weights._base.spec import Array, Spec

_Self = TypeVar("_Self", bound="Source")


class Source(Mapping[str, Array]):
    """The weights of a file or folder, by name, in the file's order.

    Attributes:
        kind: Which format it is, such as ``"safetensors"``.
        file: The path, or what stands for it in messages.
        skipped: Names of what the file holds and this mapping does not
            offer, because it is no array of numbers, and why.
        aliases: Of names that are one weight, as tied ones have: each name but
            the first -> the first. All of them are names of this mapping.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        file: str,
        specs: Mapping[str, Spec],
        skipped: Mapping[str, str] | None = None,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        self.file = file
        self.aliases: dict[str, str] = dict(aliases or {})
        self.skipped: dict[str, str] = dict(skipped or {})
        self._specs = {**specs, **{name: specs[one] for name, one in self.aliases.items()}}
        self._closed = False

    def __repr__(self) -> str:
        state = ", closed" if self._closed else ""
        return f"<{self.kind} {self.file!r}: {len(self)} weights, {self.nbytes} bytes{state}>"

    @property
    def nbytes(self) -> int:
        """Bytes of all weights, those with several names counted once."""
        return sum(spec.nbytes for name, spec in self._specs.items() if name not in self.aliases)

    @property
    def closed(self) -> bool:
        """Whether values can no longer be read."""
        return self._closed

    @property
    def files(self) -> tuple[str, ...]:
        """All files that values are read from."""
        return (self.file,)

    def spec(self, name: str) -> Spec:
        """Return a weight's shape and dtype, without reading it.

        Raises:
            KeyError: There is no such weight.
        """
        try:
            return self._specs[name]
        except KeyError:
            if name in self.skipped:
                raise KeyError(f"{self.file}: {name!r} is skipped: {self.skipped[name]}") from None
            raise missing(name, self._specs, self.file) from None

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values, read-only.

        Raises:
            KeyError: There is no such weight.
            ClosedError: The source is closed.
            WeightsFormatError: The values are damaged.
            OSError: They cannot be read.
        """
        self.spec(name)
        try:
            if not self._closed:
                array: Array = self._read(self.aliases.get(name, name)).view()
                array.flags.writeable = False
                return array
        except Exception:
            if not self._closed:  # by another thread, under the reader
                raise
        raise ClosedError(f"{self.file}: {name!r} is asked for after close()")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a weight's values, or ``default`` if there is no such weight."""
        if name not in self:  # a KeyError would look for names that are close
            return default
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._specs)

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, name: object) -> bool:
        return name in self._specs

    def close(self) -> None:
        """Let go of the file. Arrays that were handed out stay valid."""
        if not self._closed:
            self._closed = True
            self._release()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"{self!r} is an open file and cannot be pickled or copied: open it in the worker:"
            f" acl_bundle.weights.open({self.file!r})"
        )

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def _read(self, name: str) -> Array:
        """Return the values of a weight that is there."""

    @abstractmethod
    def _release(self) -> None:
        """Drop what keeps the file open or mapped."""


def missing(name: object, names: Collection[str], where: str) -> KeyError:
    """Make the KeyError for a name that is not there, with those that are close."""
    close = difflib.get_close_matches(str(name), names, n=3) or list(names)[:3]
    hint = f"; close: {', '.join(map(repr, close))}" if close else "; it has none"
    return KeyError(f"{where} has no weight {name!r}{hint}")

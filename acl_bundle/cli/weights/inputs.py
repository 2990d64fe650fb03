"""What a command reads: a source, the part of it that was asked for, other names.

Texts of the command line become arguments of `acl_bundle.weights` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from acl_bundle import weights
from acl_bundle.cli.weights.options import ChangeOptions, SelectOptions
from acl_bundle.cli.weights.progress import Watched
from acl_bundle.weights import Source, View
from acl_bundle.weights._transforms.rename import Renamed


@dataclass(frozen=True)
class Selection:
    """Which weights of a file.

    Attributes:
        key: Where in a torch checkpoint they are.
        select: Patterns of what to take; all of it when there are none.
        drop: Patterns of what to leave out.
        transpose: Patterns of matrices to take transposed.
    """

    key: str | None
    select: Sequence[str]
    drop: Sequence[str]
    transpose: Sequence[str] = ()

    @classmethod
    def asked(cls, options: SelectOptions) -> Selection:
        """Take options as they came from the command line."""
        return cls(options.key, options.select or (), options.drop or ())

    def of(self, source: Source) -> View:
        """Look at the chosen weights.

        Raises:
            WeightError: A pattern fits no weight.
        """
        chosen = weights.select(source, self.select or ("*",), drop=self.drop)
        return weights.transpose(chosen, self.transpose) if self.transpose else chosen

    def open(self, path: Path) -> Source:
        """Open a file or folder.

        Raises:
            WeightsFormatError: It is damaged, or of no known format.
            UnsupportedError: The library that reads the format is not installed.
            ValueError: There is a key, and it is no torch file.
            OSError: It cannot be opened.
        """
        return weights.open(path, key=self.key)


@dataclass(frozen=True)
class NameChanges:
    """Other names, as texts ``OLD=NEW``."""

    rename: Sequence[str]
    regex: Sequence[str]
    strip_prefix: str
    add_prefix: str

    def of(self, view: View) -> Renamed:
        """Look at the weights under their new names.

        Raises:
            ValueError: A text is not ``OLD=NEW``, or a pattern no regular expression.
            WeightError: A name fits no weight, or two would become one.
        """
        return weights.rename(
            view,
            dict(pairs(self.rename, "--rename", "OLD=NEW")),
            regex=[_last(text) for text in self.regex],
            strip_prefix=self.strip_prefix,
            add_prefix=self.add_prefix,
        )


@dataclass(frozen=True)
class Half:
    """Half precision, or None for no cast."""

    dtype: str | None
    on_overflow: str
    keep_float32: Sequence[str]

    def of(self, view: View) -> Any:
        """Look at the weights in half precision; None where none is asked for.

        Raises:
            ValueError: An option is wrong, or has no meaning without --dtype.
            WeightError: A pattern fits no weight.
        """
        if self.dtype is None:
            if self.keep_float32 or self.on_overflow != "error":
                raise ValueError("--keep-float32 and --on-overflow say how to cast: give --dtype")
            return None
        on_overflow = cast(Any, self.on_overflow)
        return weights.cast(
            view, self.dtype, on_overflow=on_overflow, keep_float32=self.keep_float32
        )


@dataclass(frozen=True)
class Changes:
    """Everything that the options of `ChangeOptions` ask for."""

    choice: Selection
    half: Half
    names: NameChanges

    @classmethod
    def asked(cls, change: ChangeOptions) -> Changes:
        """Take options as they came from the command line."""
        return cls(
            Selection(change.key, change.select or (), change.drop or (), change.transpose or ()),
            Half(change.dtype, change.on_overflow, change.keep_float32 or ()),
            NameChanges(
                change.rename or (), change.regex or (), change.strip_prefix, change.add_prefix
            ),
        )

    def of(self, source: Source) -> tuple[Watched, Any, Renamed]:
        """Look at the weights as they are read, cast (or None) and as they are wanted.

        Raises:
            ValueError, WeightError: As for `Selection`, `Half` and `NameChanges`.
        """
        read = Watched(self.choice.of(source))
        half = self.half.of(read)
        return read, half, self.names.of(read if half is None else half)


def pairs(texts: Iterable[str], option: str, form: str) -> Iterator[tuple[str, str]]:
    """Split texts at their first equals sign.

    Raises:
        ValueError: One has none, or nothing before or after it.
    """
    for text in texts:
        left, _, right = text.partition("=")
        if not left or not right:
            raise ValueError(f"{option} is {text!r}; {form} is right")
        yield left, right


def layouts(texts: Iterable[str]) -> dict[str, Any]:
    """Read ``PATTERN=LAYOUT``; a pattern that is given twice counts once.

    Raises:
        ValueError: A text is not of this form.
    """
    return dict(pairs(texts, "--layout", "PATTERN=LAYOUT"))


def _last(text: str) -> tuple[str, str]:
    """Split at the last equals sign: a regular expression may hold one, ``(?=...)``."""
    pattern, sign, replacement = text.rpartition("=")
    if not sign or not pattern:
        raise ValueError(f"--regex is {text!r}; PATTERN=TEXT is right")
    return pattern, replacement

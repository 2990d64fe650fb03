"""The order of versions: by the numbers in their names.

A name with numbers is newer than any without; two with numbers compare number
by number, so ``epoch-2-step-100`` is newer than ``epoch-2-step-9``. Names
without any compare by time, then by name, and carry the time in their version:
``policy.npz@1790000000000000000``. So do commits, whose digits are no numbers.

A number is at most 2**63 - 1 and a name has at most 255 characters: one of
thousands of digits would be newer than all that ever comes, and slow to read.
"""

from __future__ import annotations

import re

from acl_bundle._base.arrays import label_of
from acl_bundle.follow._versions.source import Impossible, Order, Version

VERSION_MAX = 2**63 - 1
NAME_MAX = 255
_NUMBER = re.compile(r"[0-9]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMED = re.compile(r"(.*)@([0-9]{1,20})", re.DOTALL)


def numbered(text: str, version: Version | None = None) -> tuple[Version, Order] | None:
    """Return the version and order of a text with numbers; None when it has none.

    A single number is the version itself, as an int; of several, the text is.

    Args:
        text: Where the numbers are.
        version: What to call it instead of the text.

    Raises:
        ValueError: The text is too long, or a number in it too great.
    """
    if len(text) > NAME_MAX:
        raise ValueError(
            f"version {text[:20]!r}... has {len(text)} characters; at most {NAME_MAX} are right"
        )
    numbers = tuple(_number(one, text) for one in _NUMBER.findall(text))
    if not numbers:
        return None
    name = text if version is None else version
    return (numbers[0] if len(numbers) == 1 else name), (1, *numbers)


def _number(digits: str, text: str) -> int:
    number = int(digits)  # of at most 255 digits
    if number > VERSION_MAX:
        raise ValueError(
            f"version {text!r} has the number {number}; at most {VERSION_MAX} is right, for nothing"
            " could ever be newer"
        )
    return number


def impossible(text: str, error: ValueError) -> Impossible:
    """Return what a source lists for a text whose order `numbered` refuses."""
    return Impossible(text[:NAME_MAX], error)


def timed(name: str, nanoseconds: int) -> tuple[Version, Order]:
    """Return the version and order of a name without numbers."""
    return f"{name}@{nanoseconds}", (0, nanoseconds, name)


def order_of(version: object, name: str = "version") -> Order:
    """Return the order that a version has in every source; `name` is what the caller calls it.

    Raises:
        TypeError: It is neither an int nor a str.
        ValueError: It has no number to be ordered by, or one that is too great.
    """
    version = label_of(version, name)
    if isinstance(version, int):
        if version > VERSION_MAX:
            raise ValueError(f"{name} is {version}; at most {VERSION_MAX} is right")
        return (1, version)
    at = _TIMED.fullmatch(version)
    if at and (_COMMIT.fullmatch(at[1]) or not _NUMBER.search(at[1])):
        return timed(at[1], int(at[2]))[1]
    found = numbered(version)
    if found is None:
        raise ValueError(
            f"{name} {version!r} has no number to be ordered by; 'step-100' or 100 is right"
        )
    return found[1]

"""The checks by number: docs/architecture.md lists what is assumed under the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CHECKS", "Check", "TriedOn", "check"]


@dataclass(frozen=True)
class TriedOn:
    """TriedOn a check is made: a bundle's file, and a device that is set on this thread."""

    path: Path
    device: int


Verdict = tuple[bool, str]
"""Whether it holds, and what says so."""


@dataclass(frozen=True)
class Check:
    """One assumption, and how it is found out.

    Attributes:
        number: Its number on the page.
        says: What is assumed.
        find_out: Does so; raises `Untried` where that cannot be done.
        needs_device: Whether a device must be set before.
    """

    number: str
    says: str
    find_out: Callable[[TriedOn], Verdict]
    needs_device: bool


CHECKS: dict[str, Check] = {}


def check(
    number: str, says: str, *, needs_device: bool = True
) -> Callable[[Callable[[TriedOn], Verdict]], Callable[[TriedOn], Verdict]]:
    """Register a function as the check of an assumption."""

    def register(function: Callable[[TriedOn], Verdict]) -> Callable[[TriedOn], Verdict]:
        if number in CHECKS:
            raise ValueError(f"{number}: there is a check of that number: {CHECKS[number].says}")
        CHECKS[number] = Check(number, says, function, needs_device)
        return function

    return register

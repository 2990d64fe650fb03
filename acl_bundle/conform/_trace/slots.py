"""What processes hold of a trace, in the file beside it: record/slots.h has the layout."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["Completed", "HeldSlot", "complete", "prepare", "slots_of"]

LOST_AT, OWNERS_AT, SLOTS_AT = 64, 4096, 12288
SLOT, TEXT_AT = 65536, 8


class HeldSlot(NamedTuple):
    """One thread's lines that are not in the trace yet.

    Attributes:
        pid: Its process.
        lines: Whole lines; the last one is of the call that is under way, if there is one.
        is_inside: Whether there is.
    """

    pid: int
    lines: bytes
    is_inside: bool


class Completed(NamedTuple):
    """What `complete` found.

    Attributes:
        unended: How many calls were under way when their process ended.
        lost: How many times lines found no way into the trace.
        unkept: How many lines are of threads beyond those that have a slot.
        running: Processes of the program that still run.
    """

    unended: int
    lost: int
    unkept: int
    running: list[int]


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.calls")


def prepare(path: Path) -> None:
    """Make the file beside a trace, all zeros; a limit of sizes would be a program's end there.

    Raises:
        OSError: It cannot be made so large.
    """
    beside = _beside(path)
    beside.unlink(missing_ok=True)  # a program of another run may have the one before mapped
    os.close(os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        os.truncate(beside, SLOTS_AT + (SLOTS_AT - OWNERS_AT) // 8 * SLOT)
    except OSError:
        beside.unlink()
        raise


def slots_of(path: Path) -> Iterator[HeldSlot]:
    """The slots of a trace's threads; none where all was added to the trace."""
    beside = _beside(path)
    if not beside.is_file():
        return
    with beside.open("rb") as file:
        file.seek(OWNERS_AT)
        owners = file.read(SLOTS_AT - OWNERS_AT)
        for number, (owner,) in enumerate(struct.iter_unpack("=Q", owners)):
            if owner:
                file.seek(SLOTS_AT + number * SLOT)
                data = file.read(SLOT)
                (filled,) = struct.unpack_from("=Q", data)
                ended, inside = filled >> 32, filled & 0xFFFFFFFF
                lines = data[TEXT_AT : TEXT_AT + ended + inside]
                yield HeldSlot(owner >> 32, lines + (b"}\n" if inside else b""), inside > 0)


def _runs(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        told = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return False
    return told.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


def complete(path: Path) -> Completed:
    """Add to a trace what processes that have ended left in their slots.

    The file beside the trace is removed, unless a process of the program still runs; then it stays,
    and whoever reads the trace reads it, too.
    """
    beside = _beside(path)
    if not beside.is_file():
        return Completed(0, 0, 0, [])
    with beside.open("rb") as file:
        file.seek(LOST_AT)
        lost, unkept = struct.unpack("=QQ", file.read(16))
    slots = [*slots_of(path)]
    running = sorted({slot.pid for slot in slots if _runs(slot.pid)})
    if not running:
        with path.open("ab") as trace:
            trace.writelines(slot.lines for slot in slots)
        beside.unlink()
    unended = sum(slot.is_inside for slot in slots if slot.pid not in running)
    return Completed(unended, lost, unkept, running)

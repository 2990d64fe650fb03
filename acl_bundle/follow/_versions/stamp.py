"""What `publish_directory` and `publish_redis` note in a version's own bytes.

The version, so that nothing goes by another's name, the time, and the bases of a version
that holds only what changed. Other publishers' safetensors have no such note and are taken as
they are.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence

from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._versions.order import numbered
from acl_bundle.follow._versions.source import Order, Weights

BASES_MAX = 16
"""How many versions a version is based on at most."""
BASES = "acl_bundle.bases"
_VERSION, PUBLISHED = "acl_bundle.version", "acl_bundle.published"


def stamp(version: int, bases: Sequence[int] = ()) -> dict[str, str]:
    """Return the metadata of a version that is published now."""
    note = {_VERSION: str(version), PUBLISHED: repr(time.time())}
    return {**note, BASES: bases_text(bases)} if bases else note


def bases_text(bases: Sequence[int]) -> str:
    """The bases of a version as they are noted: ``6,5``."""
    return ",".join(map(str, bases))


def bases_from(text: str, place: object) -> tuple[int, ...]:
    """The bases in a note, the nearest one first.

    Raises:
        WeightsFormatError: They are none.
    """
    if len(text) <= BASES_MAX * 20 and _NUMBERS.match(text):
        bases = tuple(map(int, text.split(",")))
        if len(bases) <= BASES_MAX and list(bases) == sorted({*bases}, reverse=True):
            return bases
    raise WeightsFormatError(
        f"{place}: its bases are {text[:64]!r}; at most {BASES_MAX} versions, each older than the"
        " one before, are right, such as '6,5'"
    )


def bases_of(opened: Weights) -> tuple[int, ...]:
    """Return the versions that some weights change, the nearest one first; none of full ones.

    Raises:
        WeightsFormatError: The note cannot be.
    """
    note = _metadata(opened)
    if BASES not in note:
        return ()
    place = getattr(opened, "file", "the version")
    bases = bases_from(note[BASES], place)
    version = note.get(_VERSION, "")
    if not version.isdecimal() or int(version) <= bases[0]:
        raise WeightsFormatError(f"{place}: it is version {version!r}, based on {bases[0]}")
    return bases


_NUMBERS = re.compile(r"[0-9]{1,19}(,[0-9]{1,19})*\Z")


def check_stamp(opened: Weights, order: Order, place: str) -> None:
    """Compare the note in some weights with the order that their name gave them.

    Raises:
        WeightsFormatError: The note tells another version.
    """
    noted = _metadata(opened).get(_VERSION)
    found = numbered(noted) if noted is not None else None
    if found is not None and order[0] == 1 and order[-1:] != found[1][-1:]:
        raise WeightsFormatError(
            f"{place}: it holds version {noted}, but is called {order[-1]}; it was published under"
            " another name"
        )


def published_of(opened: Weights) -> float | None:
    """Return when some weights were published, in seconds since 1970; None without a note."""
    try:
        seconds = float(_metadata(opened)[PUBLISHED])
    except (KeyError, ValueError):
        return None
    return seconds if math.isfinite(seconds) else None


def _metadata(opened: Weights) -> dict[str, str]:
    found = getattr(opened, "metadata", None)
    return found if isinstance(found, dict) else {}

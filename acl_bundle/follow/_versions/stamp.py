"""What `publish_directory` and `publish_redis` note in a version's own bytes.

The version, so that nothing goes by another's name, and the time. Other
publishers' safetensors have no such note and are taken as they are.
"""

from __future__ import annotations

import math
import time

from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._versions.order import numbered
from acl_bundle.follow._versions.source import Order, Weights

_VERSION, PUBLISHED = "acl_bundle.version", "acl_bundle.published"


def stamp(version: int) -> dict[str, str]:
    """Return the metadata of a version that is published now."""
    return {_VERSION: str(version), PUBLISHED: repr(time.time())}


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

"""The caller's functions, called so that whatever they raise harms nobody."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from acl_bundle.follow._versions.source import Version

if TYPE_CHECKING:
    from acl_bundle._update.reports import UpdateReport

log = logging.getLogger("acl_bundle.follow")


@dataclass(frozen=True)
class Callbacks:
    """What a follower tells; each may be None. They run on the follower's thread.

    Attributes:
        on_applied: Of an update's report; not of an update that failed when all
            was done, which is counted as applied and told as an error.
        on_refused: Of a version and the error, once for each version.
        on_error: Of each failure that will be tried again.
        on_stale: Of the seconds since the last version was applied, once until
            the next one is.
    """

    on_applied: Callable[[UpdateReport], object] | None = None
    on_refused: Callable[[Version, Exception], object] | None = None
    on_error: Callable[[Exception], object] | None = None
    on_stale: Callable[[float], object] | None = None

    def call(self, name: str, *arguments: Any) -> bool:
        """Call one of them; returns False when it raised, which is logged."""
        function = getattr(self, name)
        if function is None:
            return True
        try:
            function(*arguments)
        except BaseException:  # SystemExit would end the thread without a word
            log.exception("%s raised; the follower goes on", name)
            return False
        return True

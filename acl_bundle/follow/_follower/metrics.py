"""What a follower has done so far, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from acl_bundle.follow._versions.source import Version


@dataclass(frozen=True)
class Metrics:
    """Counts since the follower started; a snapshot, which does not change.

    ``seen`` is the sum of ``applied``, ``refused``, ``passed`` and what is waiting.

    Attributes:
        seen: Versions that were to be applied.
        applied: Versions that the bundle took.
        refused: Versions that it did not take and will not be asked again.
        passed: Versions that were overtaken by a newer one before they could
            be applied.
        healed: Versions that were applied again, to heal a poisoned bundle.
        errors: Failures that are, or were, tried again.
        callback_errors: Exceptions that callbacks raised.
        version: The version applied last; None before the first.
        lag: Seconds from its publication to its application, by the two
            machines' clocks; None where the source does not tell.
        last_error: The last failure or refusal, None when there was none.
    """

    seen: int = 0
    applied: int = 0
    refused: int = 0
    passed: int = 0
    healed: int = 0
    errors: int = 0
    callback_errors: int = 0
    version: Version | None = None
    lag: float | None = None
    last_error: BaseException | None = None

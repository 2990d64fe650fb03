"""What each update of a follower is given, checked before the first one.

An option that no update takes would otherwise refuse every version, one by one.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex

from acl_bundle._update._transaction.options import EveryUpdate

if TYPE_CHECKING:
    from acl_bundle._base.wait import WhenBusy
    from acl_bundle._pair.shadow import Probe


class FollowOptions(EveryUpdate, total=False):
    """What may be chosen for every update; see `UpdateGraph`, and `Pair.update` for ``probe``."""

    keep: Literal["copy", "none"]
    when_busy: WhenBusy
    timeout_ms: SupportsIndex | None
    probe: Probe | None


def check_options(update: Callable[..., Any], options: Mapping[str, Any]) -> None:
    """Refuse options that cannot be for every update.

    Raises:
        TypeError: There is none of that name, or it is the follower's own to give.
        ValueError: Its value is none, or does not suit versions that come and go.
    """
    if "version" in options:
        raise TypeError("version cannot be chosen: a version's name is the source's")
    if options.get("tokens") is not None:
        raise ValueError("tokens stand for one update's values, and each version has others; None")
    _check_names(update, options)
    _check_values(options)


def _check_names(update: Callable[..., Any], options: Mapping[str, Any]) -> None:
    with suppress(ValueError):  # some callables tell nothing of themselves
        known = inspect.signature(update).parameters.values()
        if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in known):
            return
        unknown = options.keys() - {one.name for one in known}
        if unknown:
            raise TypeError(f"update has no option {', '.join(map(repr, sorted(unknown)))}")


def _check_values(options: Mapping[str, Any]) -> None:
    """Check what every update checks first; a trainer imports neither of the two."""
    from acl_bundle._base.wait import Wait  # noqa: PLC0415
    from acl_bundle._plan.derive import check_keep  # noqa: PLC0415
    from acl_bundle._plan.options import Options  # noqa: PLC0415

    Options(**{one.name: options[one.name] for one in fields(Options) if one.name in options})
    check_keep(options.get("keep", "copy"))
    Wait(options.get("when_busy", "wait"), options.get("timeout_ms"))

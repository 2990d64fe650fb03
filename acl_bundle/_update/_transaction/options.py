"""What callables take by name and hand on to an update, as type checkers see it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal, SupportsIndex, TypedDict

if TYPE_CHECKING:
    import numpy as np

    from acl_bundle._update._commit.commit import Rollback


class EveryUpdate(TypedDict, total=False):
    """What may be chosen for every update, whatever it is given; see `UpdateGraph`."""

    rollback: Rollback
    cast: str
    on_overflow: str
    unknown: str | None
    ignore: Iterable[str]
    skip_unchanged: bool | np.bool_
    digest: bool | np.bool_
    threads: SupportsIndex
    finite: bool | np.bool_


class UpdateOptions(EveryUpdate, total=False):
    """What may be chosen for one update."""

    keep: Literal["copy", "none"]
    tokens: Mapping[str, Hashable] | None

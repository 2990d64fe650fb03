"""Finding by value what the constants of a model that others exported were made of."""

from __future__ import annotations

from acl_bundle.build._match.match import match
from acl_bundle.build._match.result import Match

__all__ = ["Match", "match"]

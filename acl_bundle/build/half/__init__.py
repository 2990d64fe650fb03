"""Models in half precision."""

from __future__ import annotations

from acl_bundle.build.half._model import halved

__all__ = ["halved"]

"""Models in half precision."""

from __future__ import annotations

from acl_bundle.build.half._model import HALVES, halved

__all__ = ["HALVES", "halved"]

"""From a graph of weights and computations to a graph of constants and a weight program."""

from __future__ import annotations

from acl_bundle.build._fold.given import check_one, given
from acl_bundle.build._fold.program import Folded, fold

__all__ = ["Folded", "check_one", "fold", "given"]

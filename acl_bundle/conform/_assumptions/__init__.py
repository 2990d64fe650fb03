"""What this package assumes of devices, each with a way to find out.

docs/architecture.md lists the assumptions; `CHECKS` has one for each number of that page.
"""

from __future__ import annotations

from acl_bundle.conform._assumptions import others, runs, weights
from acl_bundle.conform._assumptions.checks import CHECKS

__all__ = ["CHECKS", "others", "runs", "weights"]

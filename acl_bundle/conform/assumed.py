"""What docs/architecture.md assumes, found out: ``acl-bundle conform assumptions``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from acl_bundle import om
from acl_bundle.conform._assumptions import CHECKS
from acl_bundle.conform.library import about, served

__all__ = ["Assumption", "assumptions"]


class Assumption(NamedTuple):
    """What came of one check.

    Attributes:
        number: Its number on the page.
        says: What is assumed.
        verdict: "holds", "does not hold", "not tried", or "lost" where this package's own process
            ended before it was found out.
        evidence: What says so, or why it was not tried.
    """

    number: str
    says: str
    verdict: str
    evidence: str


def assumptions(
    path: str | os.PathLike[str],
    library: str | os.PathLike[str] | None = None,
    device: int = 0,
    only: Sequence[str] | None = None,
) -> tuple[dict[str, Any], list[Assumption]]:
    """Check what the package assumes, with a bundle of the caller's. Blocks; minutes on a device.

    The bundle is loaded, run and updated with made-up weights, in processes of this function's
    own; the file is only read.

    Args:
        path: A bundle that is compiled for the device, with graphs that infer and update.
        library: The library's path, or None for the one that `load_library` would find.
        device: The device's number.
        only: Numbers of the assumptions to check; None for all.

    Returns:
        What `about` says of the library, and a row for each assumption.

    Raises:
        LibraryNotFoundError: There is no library to ask.
        BundleFormatError: The file is no bundle.
        OSError: It cannot be read, or no process can be started.
    """
    om.open_bundle(path)
    given = None if library is None else os.fspath(library)
    known = about(given, device)
    asked = {"path": os.path.abspath(path), "library": given, "device": device, "only": only}
    found, died = {}, "ended before it"
    with served(asked, "_assumptions.server") as messages:
        for message in messages:
            if "died" in message:
                died = message["died"]
            else:
                found[message["number"]] = Assumption(**message)
    why = f"the process that makes the checks {died}"
    rows = [
        found.get(number) or Assumption(number, check.says, "lost", why)
        for number, check in sorted(CHECKS.items(), key=lambda one: int(one[0][1:]))
        if only is None or number in only
    ]
    return known, rows

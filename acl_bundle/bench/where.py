"""What a measurement ran on, in words that go beside every number."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass

from acl_bundle import fake
from acl_bundle._binding.calls import acl
from acl_bundle._binding.library import has, load_library
from acl_bundle._binding.shim import text
from acl_bundle.bench.models import MeasuredModel

VARIABLE = "ACL_BUNDLE_LIBRARY"


@dataclass(frozen=True)
class Where:
    """The library and what stands behind it.

    Attributes:
        library: The name it was found by.
        soc: What it says the chip is.
        is_fake: Whether it is the fake, so that the numbers are no device's.
        profile: The fake's timing profile; ``"none"`` where it takes the time it takes.
    """

    library: str
    soc: str
    is_fake: bool
    profile: str

    def __str__(self) -> str:
        if not self.is_fake:
            return f"{self.soc}, {self.library}"
        if self.profile != "none":
            return (
                f"not device numbers: the fake, with the times of profile {self.profile}"
                f" ({self.library})"
            )
        return (
            "not device numbers: the fake computes on this machine's processor, by ONNX Runtime"
            f" ({self.library})"
        )


def use(model: MeasuredModel) -> Where:
    """Open the library that can run a model, and say which it is.

    ``$ACL_BUNDLE_LIBRARY`` where it is set, the fake for what was built for it, else
    the library that is found.

    Raises:
        LibraryNotFoundError: None could be opened.
        RuntimeError: Another one is already open.
    """
    library = _open(found=model.for_chip or bool(os.environ.get(VARIABLE)))
    soc = text(acl.aclrtGetSocName()) if has("aclrtGetSocName") else ""
    if not _is_fake(library):
        return Where(library, soc or "an unknown chip", False, "none")
    return Where(library, soc, True, fake.get("profile"))


def _open(*, found: bool) -> str:
    return load_library() if found else str(fake.activate())


def _is_fake(library: str) -> bool:
    """Say whether a library that is open has the fake's controls."""
    return hasattr(ctypes.CDLL(library.partition(" + ")[0]), "aclfakeSet")

"""What a model ran on, in words that go beside every number."""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

from acl_bundle import fake, om
from acl_bundle._binding.calls import acl
from acl_bundle._binding.library import has, load_library
from acl_bundle._binding.shim import text

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


def inferring(path: Path) -> om.Model:
    """Return the model of an .om file that infers; its first one where none says so.

    Raises:
        BundleFormatError: It is damaged, or no .om file.
        OSError: It cannot be opened.
    """
    file = om.open(path)
    return file.models[file.roles.get("infer", 0)] if isinstance(file, om.Bundle) else file


def use(*, for_chip: bool) -> Where:
    """Open the library that can run a model, and say which it is.

    ``$ACL_BUNDLE_LIBRARY`` where it is set, the fake for what was built for it, else
    the library that is found.

    Args:
        for_chip: Whether it was compiled for a device.

    Raises:
        LibraryNotFoundError: None could be opened.
        RuntimeError: Another one is already open.
    """
    library = _open(found=for_chip or bool(os.environ.get(VARIABLE)))
    soc = text(acl.aclrtGetSocName()) if has("aclrtGetSocName") else ""
    if not _is_fake(library):
        return Where(library, soc or "an unknown chip", False, "none")
    return Where(library, soc, True, fake.get("profile"))


def _open(*, found: bool) -> str:
    return load_library() if found else str(fake.activate())


def _is_fake(library: str) -> bool:
    """Say whether a library that is open has the fake's controls."""
    return hasattr(ctypes.CDLL(library.partition(" + ")[0]), "aclfakeSet")

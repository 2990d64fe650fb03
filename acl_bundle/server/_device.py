"""The memory of the devices that models lie on."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any, Final

from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi, lib
from acl_bundle.device import Device
from acl_bundle.errors import AclBundleError

KINDS: Final = {"hbm": lib.ACL_HBM_MEM, "ddr": lib.ACL_DDR_MEM}
"""A chip has one or the other; of the other it says that there is none, or refuses to tell."""


def memory(served: Iterable[Any]) -> dict[int, dict[str, int]]:
    """Return for each device the bytes that are free and those that there are.

    Calls aclrtGetMemInfo. What cannot be told is left out.

    Args:
        served: Bundles, pairs, or what else has a ``device``; None is passed over.
    """
    devices = (getattr(one, "device", None) for one in served)
    indices = {one.index for one in devices if isinstance(one, Device) and not one.closed}
    return {index: told for index in sorted(indices) if (told := _told(index))}


def _told(index: int) -> dict[str, int]:
    """Ask by a count of the device of its own: whoever has it may close it meanwhile."""
    told: dict[str, int] = {}
    free, total = ffi.new("size_t *"), ffi.new("size_t *")
    with suppress(AclBundleError), Device(index) as device, device.activated():
        for kind, attr in KINDS.items():
            with suppress(AclBundleError):  # it has none of that kind
                acl.aclrtGetMemInfo(attr, free, total)
                if total[0]:
                    told |= {f"{kind}_free": int(free[0]), f"{kind}_total": int(total[0])}
    return told

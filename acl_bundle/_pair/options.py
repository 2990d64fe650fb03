"""What a load takes by name, as type checkers see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, SupportsIndex, TypedDict

if TYPE_CHECKING:
    from acl_bundle._binding.config import Config
    from acl_bundle._load.flows import Flow
    from acl_bundle.device import Device
    from acl_bundle.weight_program import Given


class LoadOptions(TypedDict, total=False):
    """What may be chosen for a load; see `Bundle.load`."""

    device: SupportsIndex | Device
    roles: Mapping[str, SupportsIndex] | None
    variables: Flow
    replicas: SupportsIndex
    config: Config | None
    program: Given | None

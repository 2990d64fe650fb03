"""Ascend bundle models from Python: load, infer, and update the weights meanwhile.

    >>> import acl_bundle as ab
    >>> with ab.Bundle.load("policy.om") as bundle:        # doctest: +SKIP
    ...     bundle.init()
    ...     y = bundle.infer(x)
    ...     bundle.update({"fc1.weight": w}, version=7)

Importing opens nothing and loads next to nothing: a name is fetched from its
module when it is first used, libascendcl.so is found at the first load, or by
`load_library`. `acl_bundle.build` makes bundle files from ONNX models,
`acl_bundle.om` reads and writes them, `acl_bundle.fake` runs them without a
device, `acl_bundle.weights` reads weights from other frameworks' files,
`acl_bundle.compare` says how far two answers are apart.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from acl_bundle import build as build
    from acl_bundle import compare as compare
    from acl_bundle import fake as fake
    from acl_bundle import om as om
    from acl_bundle import server as server
    from acl_bundle import weights as weights
    from acl_bundle._binding.library import load_library
    from acl_bundle._device.array import DeviceArray
    from acl_bundle._device.foreign import from_dlpack
    from acl_bundle._device.make import empty, to_device
    from acl_bundle._plan.casts import CastCounts
    from acl_bundle._plan.report import PlanReport
    from acl_bundle._run.hold import Hold
    from acl_bundle._run.run import Binding, Outputs
    from acl_bundle._update._transaction.staged import Staged
    from acl_bundle._update.reports import UpdateReport, WeightState
    from acl_bundle._update.snapshots import Snapshot
    from acl_bundle.bundle import Bundle
    from acl_bundle.device import Device
    from acl_bundle.errors import (
        AclBundleError,
        AclError,
        AclInternalError,
        AclResourceError,
        AclServiceError,
        AclTimeoutError,
        AclUsageError,
        BundleFormatError,
        BusyError,
        ClosedError,
        CompileError,
        LibraryError,
        LibraryNotFoundError,
        PoisonedError,
        RoleError,
        SignatureError,
        SourceChangedError,
        UnsupportedError,
        UpdateError,
        VersionError,
        VersionExistsError,
        WeightError,
        WeightsFormatError,
    )
    from acl_bundle.follow._follower.follower import Follower as _Follower
    from acl_bundle.graph import Graph
    from acl_bundle.pair import Pair
    from acl_bundle.spec import TensorSpec, WeightSpec

    follow: TypeAlias = _Follower  # a module cannot be called, in their eyes; see follow._public

__all__ = [
    "AclBundleError",
    "AclError",
    "AclInternalError",
    "AclResourceError",
    "AclServiceError",
    "AclTimeoutError",
    "AclUsageError",
    "Binding",
    "Bundle",
    "BundleFormatError",
    "BusyError",
    "CastCounts",
    "ClosedError",
    "CompileError",
    "Device",
    "DeviceArray",
    "Graph",
    "Hold",
    "LibraryError",
    "LibraryNotFoundError",
    "Outputs",
    "Pair",
    "PlanReport",
    "PoisonedError",
    "RoleError",
    "SignatureError",
    "Snapshot",
    "SourceChangedError",
    "Staged",
    "TensorSpec",
    "UnsupportedError",
    "UpdateError",
    "UpdateReport",
    "VersionError",
    "VersionExistsError",
    "WeightError",
    "WeightSpec",
    "WeightState",
    "WeightsFormatError",
    "empty",
    "from_dlpack",
    "load_library",
    "to_device",
]
__version__ = "0.1.0"

_HOME = {
    "Binding": "_run.run",
    "Bundle": "bundle",
    "CastCounts": "_plan.casts",
    "Device": "device",
    "DeviceArray": "_device.array",
    "Graph": "graph",
    "Hold": "_run.hold",
    "Outputs": "_run.run",
    "Pair": "pair",
    "PlanReport": "_plan.report",
    "Snapshot": "_update.snapshots",
    "Staged": "_update._transaction.staged",
    "TensorSpec": "spec",
    "UpdateReport": "_update.reports",
    "WeightSpec": "spec",
    "WeightState": "_update.reports",
    "empty": "_device.make",
    "from_dlpack": "_device.foreign",
    "load_library": "_binding.library",
    "to_device": "_device.make",
}
_PACKAGES = ("build", "compare", "fake", "follow", "om", "server", "weights")


if not TYPE_CHECKING:  # to a type checker a name that is not declared above is an error

    def __getattr__(name: str) -> Any:
        if name in _PACKAGES:
            return import_module(f"acl_bundle.{name}")
        if name not in __all__:
            raise AttributeError(f"module 'acl_bundle' has no attribute {name!r}")
        value = getattr(import_module(f"acl_bundle.{_HOME.get(name, 'errors')}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_PACKAGES})

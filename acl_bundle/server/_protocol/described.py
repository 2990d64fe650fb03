"""What the server says of itself and of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from acl_bundle.server._protocol.datatypes import name_of
from acl_bundle.spec import TensorSpec

NAME: Final = "acl_bundle"
EXTENSIONS: Final = ("binary_tensor_data", "model_repository")
PLATFORM: Final = "ascend_om"


def tensor(spec: TensorSpec) -> dict[str, Any]:
    """Return a tensor's metadata; a dim of -1 is open."""
    shape = [-1 if dim < 0 else dim for dim in spec.shape]
    return {"name": spec.name, "datatype": name_of(spec.dtype), "shape": shape}


def model(
    name: str, version: str, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> dict[str, Any]:
    """Return a model's metadata. Its one version is that of its weights."""
    return {
        "name": name,
        "versions": [version],
        "platform": PLATFORM,
        "inputs": [tensor(spec) for spec in inputs],
        "outputs": [tensor(spec) for spec in outputs],
    }


def server(version: str) -> dict[str, Any]:
    """Return the server's metadata."""
    return {"name": NAME, "version": version, "extensions": list(EXTENSIONS)}

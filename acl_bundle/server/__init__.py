"""Serving by the Open Inference Protocol (KServe v2), over HTTP and gRPC.

    >>> with server.Server({"policy": bundle}, port=8000, grpc_port=8001):  # doctest: +SKIP
    ...     bundle.update(weights, version=7)        # while clients infer

Any client of the protocol infers: tritonclient's, kserve's, curl. The shell's
``acl-bundle serve`` is this with a file, a source to follow, and signals.

A server needs the extra ``serve``; `post_weights`, the trainer's half, needs none.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acl_bundle.server._log import JsonLines
    from acl_bundle.server.fleet import ServedFleet
    from acl_bundle.server.limits import ServerLimits
    from acl_bundle.server.model import Load, Served
    from acl_bundle.server.post import post_weights
    from acl_bundle.server.server import Server

__all__ = ["JsonLines", "Load", "Served", "ServedFleet", "Server", "ServerLimits", "post_weights"]

_HOME = {
    "JsonLines": "_log", "Load": "model", "Served": "model", "ServedFleet": "fleet",
    "Server": "server",
    "ServerLimits": "limits", "post_weights": "post",
}  # fmt: skip


if not TYPE_CHECKING:  # to a type checker a name that is not declared above is an error

    def __getattr__(name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'acl_bundle.server' has no attribute {name!r}")
        return getattr(import_module(f"acl_bundle.server.{_HOME[name]}"), name)

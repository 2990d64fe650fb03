"""Bundles behind Ray Serve, whose replicas are a fleet: one version on all of them, or on none.

    >>> from ray import serve                                              # doctest: +SKIP
    >>> app = serve.deployment(BundleDeployment).options(num_replicas=4)   # doctest: +SKIP
    >>> handle = serve.run(app.bind("policy.om", fleet="policy"))          # doctest: +SKIP
    >>> ServeFleet("policy").update(weights, version=7)                    # doctest: +SKIP

It lies above `acl_bundle.fleet`, whose steps its replicas do, and above `acl_bundle.server`, whose
rows it makes of requests. It needs the extra ``ray-serve``.
"""

from __future__ import annotations

from acl_bundle.serve.deployment import BundleDeployment
from acl_bundle.serve.fleet import ServeFleet

__all__ = ["BundleDeployment", "ServeFleet"]

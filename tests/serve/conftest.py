"""Ray Serve on the cluster of tests/fleet/on_ray, without its HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import build
from tests.fleet.on_ray.conftest import cluster  # noqa: F401
from tests.server.models import GEARED


@pytest.fixture(scope="module")
def serving(cluster: Any) -> Iterator[Any]:  # noqa: F811
    serve = pytest.importorskip("ray.serve")
    serve.start(proxy_location="Disabled")
    yield serve
    serve.shutdown()


@pytest.fixture(scope="module")
def geared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("geared") / "net.om"
    build.from_onnx(GEARED, weights=["w"], dynamic_batch=[1, 4, 8]).save(path)
    return path

"""Bundles made by a test are closed at its end, on a fresh fake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest


@pytest.fixture
def serve(fake_acl: Any) -> Iterator[Callable[..., Any]]:
    """Return what builds a bundle of a model and serves it."""
    from .samples import Served  # noqa: PLC0415  not without TensorFlow

    with ExitStack() as stack:

        def make(model: Any, **options: Any) -> Any:
            served = Served(model, **options)
            stack.callback(served.close)
            return served

        yield make

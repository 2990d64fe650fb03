"""pyACL with a device open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def acl(fake_acl: Any) -> Iterator[Any]:
    """pyACL with device 0 open."""
    made = fake_acl.pyacl
    assert made.init() == 0
    assert made.rt.set_device(0) == 0
    yield made
    assert made.rt.reset_device(0) == 0
    assert made.finalize() == 0

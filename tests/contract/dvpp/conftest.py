"""A library that decodes with Pillow's libraries, and a channel."""

from __future__ import annotations

import pytest

from acl_bundle import fake

from ..face import Acl
from .media import Media


@pytest.fixture
def media(ready: Acl) -> Media:
    """A channel and a stream on device 0."""
    for key, path in fake.image_paths().items():
        ready.set(key, path)
    return Media(ready)

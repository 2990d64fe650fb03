"""The library under test, new for every test.

A test that ends with a violation it did not look at fails: the library says
so when a program does what a device would not forgive, and a test is a
program. So does a test in which a call failed and left no text of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from acl_bundle import fake

from .face import Acl
from .programs import Linear


def _onnxruntime() -> Path:
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("capi/libonnxruntime.so.1.*"))


@pytest.fixture(scope="session")
def _library() -> Acl:
    return Acl(fake.library_path(), _onnxruntime())


@pytest.fixture
def acl(_library: Acl) -> Iterator[Acl]:
    """The library as it is in a fresh process: no aclInit, no device."""
    _library.reset()
    yield _library
    unexpected, unexplained = _library.violations(), _library.read("unexplained")
    _library.reset()
    assert unexpected == [], "the library saw misuse that the test did not expect"
    assert unexplained == [], (
        "refusals without a text of their own: say what was wrong, where it is"
    )


@pytest.fixture
def ready(acl: Acl) -> Acl:
    """The library after aclInit and aclrtSetDevice(0) on this thread."""
    acl.start()
    return acl


@pytest.fixture(scope="session")
def linear() -> Linear:
    """The bundle of most tests."""
    return Linear()

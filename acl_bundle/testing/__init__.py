"""Tests of AscendCL programs on a machine without a device: a pytest plugin.

Installed with the package, it gives every project fixtures, a marker, and an ini option:

    def test_policy(fake_acl, make_bundle):
        om = make_bundle(onnx_model, weights=["fc.weight"])
        fake_acl.fail("aclmdlExecute", nth=2, code=507011)
        ...

`FakeAcl` and `MakeBundle` are the types of the two, for annotations. Neither
pytest nor anything heavy is imported before it is used. docs/testing.md has
whole examples.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from acl_bundle.testing.controls import FakeAcl
    from acl_bundle.testing.make import MakeBundle

__all__ = ["FakeAcl", "MakeBundle"]

_HOME = {"FakeAcl": "controls", "MakeBundle": "make"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'acl_bundle.testing' has no attribute {name!r}")
    return getattr(import_module(f"acl_bundle.testing.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

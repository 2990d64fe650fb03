"""Projects as a user has them.

Most run in this process, which is quick: they share its fake, and the modules
that they need are imported before, so that pytester does not unload them. What
depends on a fresh process gets one.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

import acl_bundle.build
import acl_bundle.bundle
import acl_bundle.testing.make
import acl_bundle.testing.watch  # noqa: F401  see above

HEAD = """
import ctypes
import numpy as np
import pytest
import acl_bundle as ab

X = np.ones((1, 4), "f4")
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the outer run reaches the inner one."""
    for name in [name for name in os.environ if name.startswith(("ACL_", "PYTEST_", "ASCEND_"))]:
        monkeypatch.delenv(name)


@pytest.fixture
def run(pytester: pytest.Pytester, clean: None) -> Run:
    """Run tests, given as source, without any configuration."""

    def run_source(source: str, *arguments: str, fresh: bool = False) -> pytest.RunResult:
        pytester.makepyfile(test_user=HEAD + source)
        runner = pytester.runpytest_subprocess if fresh else pytester.runpytest_inprocess
        return runner("-p", "no:cacheprovider", "-p", "no:hypothesispytest", *arguments)

    return run_source

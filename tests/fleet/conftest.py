"""No replica catches up by itself while a test looks at what is closed."""

from __future__ import annotations

import pytest

from acl_bundle.fleet._coordinator import later


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(later, "PAUSES", ())

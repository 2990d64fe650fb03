"""The fake answers as the rows of `acl_bundle.conform` say: they are the contract, row by row.

The rows cite their facts themselves; `acl-bundle conform` runs the same ones on a device.
"""

from __future__ import annotations

import pytest

from acl_bundle.conform import kit
from acl_bundle.conform.perform import Surroundings, perform
from acl_bundle.conform.table import CallRow, rows

from ..face import Acl


@pytest.fixture(scope="session")
def around(tmp_path_factory: pytest.TempPathFactory) -> Surroundings:
    made = kit.make(tmp_path_factory.mktemp("kit"), None)
    assert made.missing == {}
    return Surroundings(made.files, {"DEVICE": 0, "NO_DEVICE": 8})


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.id)
def test_a_row_holds_and_leaves_nothing(acl: Acl, around: Surroundings, row: CallRow) -> None:
    if row.state != "nothing":
        assert acl.aclInit(b"") == 0
    if row.state == "context":
        assert acl.aclrtSetDevice(0) == 0
    before = sorted(acl.live())
    wrong = [answer for answer in perform(row, acl.ffi, acl.lib, around) if not answer.is_right]
    assert wrong == []
    assert row.is_alone or sorted(acl.live()) == before, "a row gives back what it took"
    acl.violations()  # what a device only refuses is misuse here

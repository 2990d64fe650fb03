"""Comparing two sets of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.weights import _diff

from .samples import BF16, arrays


def test_a_file_and_what_it_was_written_from_are_the_same(tmp_path: Path) -> None:
    weights.save(arrays(), tmp_path / "a")
    np.savez(tmp_path / "b.npz", **arrays())
    found = weights.diff(weights.open(tmp_path / "a"), weights.open(tmp_path / "b.npz"))
    assert found.same
    assert found.changed == ()
    assert found.title == "no difference"
    assert {row.result for row in found} == {"same"}


def test_every_kind_of_difference_has_its_row() -> None:
    a = {
        "same": np.ones(3),
        "values": np.array([1.0, 2, 4], "f4"),
        "dtype": np.ones(2, "f4"),
        "shape": np.ones(2),
        "gone": np.ones(1),
    }
    b = {
        "same": np.ones(3),
        "values": np.array([1.0, 2.5, 3], "f4"),
        "dtype": np.ones(2, BF16),
        "shape": np.ones(3),
        "new": np.ones(1),
    }
    found = weights.diff(a, b)
    assert {row.name: row.result for row in found} == {
        "same": "same",
        "values": "values",
        "dtype": "dtype",
        "shape": "shape",
        "gone": "only in a",
        "new": "only in b",
    }
    row = found.rows[1]
    assert (row.differing, row.max_abs, row.max_relative) == (2, 1.0, 0.25)
    assert found.rows[2].differing == 0
    assert found.rows[3].max_abs is None
    assert not found.same
    assert found.changed == ("values", "dtype", "shape", "gone", "new")
    assert str(found).splitlines()[0] == "5 of 6 weights differ"


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([np.nan, 1], [np.nan, 1], (0, 0, 0)),
        ([np.nan, 1], [2, 1], (1, np.inf, np.inf)),
        ([np.inf, -np.inf], [np.inf, -np.inf], (0, 0, 0)),
        ([np.inf, 1], [-np.inf, 1], (1, np.inf, np.inf)),
        ([0.0], [-0.0], (0, 0, 0)),
        ([0.0], [2.0], (1, 2, 1)),
        ([1e300], [-1e300], (1, 2e300, 2)),
    ],
)
def test_odd_values_have_a_distance(a: Any, b: Any, expected: tuple[Any, ...]) -> None:
    (row,) = weights.diff({"w": np.array(a)}, {"w": np.array(b)})
    assert (row.differing, row.max_abs, row.max_relative) == pytest.approx(expected)


def test_integers_booleans_and_complex_numbers_are_compared_exactly() -> None:
    big = np.array([1 << 62], "i8")
    (row,) = weights.diff({"w": big}, {"w": big + 1})
    assert (row.differing, row.max_abs) == (1, 1)
    (row,) = weights.diff({"w": np.array([True, False])}, {"w": np.array([True, True])})
    assert (row.differing, row.max_abs) == (1, 1)
    (row,) = weights.diff({"w": np.array([1 + 1j])}, {"w": np.array([1 + 3j])})
    assert (row.differing, row.max_abs) == (1, 2)


def test_large_weights_are_compared_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_diff, "PIECE", 7)
    a = np.arange(100, dtype="f4").reshape(10, 10)
    b = a.copy()
    b[9, 9] += 1
    b[0, 3] -= 0.5
    (row,) = weights.diff({"w": a.T}, {"w": b.T})
    assert (row.differing, row.max_abs) == (2, 1.0)
    (row,) = weights.diff({"e": np.zeros((0, 2))}, {"e": np.zeros((0, 2))})
    assert row.result == "same"

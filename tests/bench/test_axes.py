"""Axes of a sweep: how they are written, and which dims they are."""

from __future__ import annotations

import pytest

from acl_bundle import bench
from acl_bundle.bench.axes import grid

TEXT = {"ids": ["batch", "seq"], "mask": ["batch", "seq"], "scale": [4]}


def shapes(
    texts: list[str], inputs: dict[str, list[int | str]]
) -> list[dict[str, tuple[int, ...]]]:
    return [one for _, one in grid([bench.parse(text) for text in texts], inputs)]


def test_axes_are_read() -> None:
    assert bench.parse("batch=1,8,8,16") == bench.Axis("batch", (1, 8, 16))


@pytest.mark.parametrize(
    "text", ["batch", "batch=", "=1", "batch=0", "batch=1,,2", "batch=-1", "b=x"]
)
def test_what_is_no_axis_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="positive sizes are right"):
        bench.parse(text)


def test_every_combination_is_a_cell() -> None:
    made = list(grid([bench.parse("batch=1,8"), bench.parse("seq=64,128")], TEXT))
    assert [tuple(sizes.values()) for sizes, _ in made] == [(1, 64), (1, 128), (8, 64), (8, 128)]
    assert made[1][1] == {"ids": (1, 128), "mask": (1, 128), "scale": (4,)}


def test_words_stand_for_the_first_and_the_second_dim() -> None:
    inputs: dict[str, list[int | str]] = {"a": ["N", "L", 8], "b": ["", 3]}
    assert shapes(["batch=2", "length=5"], inputs) == [{"a": (2, 5, 8), "b": (2, 3)}]


def test_a_name_in_the_model_wins_over_the_word() -> None:
    inputs: dict[str, list[int | str]] = {"a": ["T", "batch"]}
    assert shapes(["batch=2", "T=7"], inputs) == [{"a": (7, 2)}]


def test_a_dim_may_be_named_by_its_place() -> None:
    inputs: dict[str, list[int | str]] = {"a": ["", 3, "", ""]}
    assert shapes(["a[2]=4", "a[3]=5"], inputs) == [{"a": (1, 3, 4, 5)}]


def test_without_axes_there_is_one_cell_of_batch_1() -> None:
    assert list(grid([], {"a": ["N", 4]})) == [({}, {"a": (1, 4)})]


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["batch=1", "width=3"], r"'width' is no open dim; open are ids\[0\] \(batch\), ids\[1\]"),
        (["batch=1"], r"ids\[1\] is open and has no axis"),
        (["batch=1", "seq=2", "length=3"], r"'seq' and 'length' are both ids\[1\]"),
        (["scale[0]=1"], r"'scale\[0\]' is no open dim"),
    ],
)
def test_axes_that_do_not_fit_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        shapes(texts, TEXT)


def test_a_model_of_fixed_shapes_says_so() -> None:
    with pytest.raises(ValueError, match="all dims of the inputs are fixed"):
        shapes(["batch=1"], {"a": [1, 2]})

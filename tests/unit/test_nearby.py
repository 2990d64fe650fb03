"""What is said of unknown names whose beginnings differ from the weights'."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl_bundle import weights
from acl_bundle._names.nearby import renaming

NAMES = ("net.0.weight", "net.0.bias", "net.1.running_mean", "head.weight", "scale")


def followed(unknown: list[str]) -> list[str]:
    """The names after doing what is said of them."""
    told = renaming(unknown, NAMES)
    new = {name: np.zeros(1, np.float32) for name in unknown}
    return list(eval(told.partition(" fit: ")[2], {"weights": weights, "new": new})) if told else []


@given(st.from_regex(r"([a-z0-9_$]{1,5}[./]){1,3}", fullmatch=True))
def test_the_call_that_is_named_makes_the_names_right(start: str) -> None:
    assert followed([start + name for name in NAMES]) == [*NAMES]


@pytest.mark.parametrize(
    ("unknown", "right"),
    [
        (["model.net.0.weight"], "strip_prefix='model.'"),
        ([*(f"model.{name}" for name in NAMES), "step"], "5 of the 6 fit"),
        (["0.weight", "0.bias", "0.num_batches_tracked"], "add_prefix='net.'"),
        ([*(f"model.{name}" for name in NAMES)], "without the leading 'model.' 5 of the 5 fit"),
    ],
)
def test_what_is_said(unknown: list[str], right: str) -> None:
    assert right in renaming(unknown, NAMES)


@pytest.mark.parametrize(
    "unknown",
    [
        ["weight"],  # of net.0 or of head
        ["step", "epoch"],
        ["net.7.weight", "net.7.bias"],  # a layer that the model does not have
        ["other.weight"],
        [3],
        [],
    ],
)
def test_nothing_is_said_where_it_would_be_a_guess(unknown: list[str]) -> None:
    assert renaming(unknown, NAMES) == ""


def test_another_beginning_is_told_where_the_whole_model_has_it() -> None:
    known = ("net.0.weight", "net.0.bias")
    told = renaming(["body.0.weight", "body.0.bias"], known)
    assert told == (
        "; with 'net.' for the leading 'body.' 2 of the 2 fit:"
        r" weights.rename(new, regex=[('^body\\.', 'net.')])"
    )

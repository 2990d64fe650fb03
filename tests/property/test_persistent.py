"""A persistent map does what copies of a dict do, and leaves the maps before as they were."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acl_bundle._base.persistent import BLOCK, PersistentMap

NAMES = [f"w{number}" for number in range(2 * BLOCK + 3)]
SOME = st.lists(st.sampled_from(NAMES), max_size=8)
STEP = st.one_of(
    st.tuples(
        st.just("changed"), st.dictionaries(st.sampled_from(NAMES), st.integers() | st.none())
    ),
    st.tuples(st.just("without"), SOME),
    st.tuples(st.just("filled"), st.integers()),
    st.tuples(st.just("cleared"), st.none()),
)


def stepped(plain: dict[str, Any], kind: str, what: Any) -> dict[str, Any]:
    """The same done to a dict."""
    if kind == "changed":
        return {**plain, **what}
    if kind == "without":
        return {name: value for name, value in plain.items() if name not in what}
    return dict.fromkeys(NAMES, what) if kind == "filled" else {}


@given(st.lists(STEP, max_size=6))
def test_every_version_stays_what_it_was(steps: list[tuple[str, Any]]) -> None:
    versions: list[tuple[PersistentMap[Any], dict[str, Any]]] = [(PersistentMap(NAMES), {})]
    for kind, what in steps:
        one, plain = versions[-1]
        arguments = () if kind == "cleared" else (what,)
        versions.append((getattr(one, kind)(*arguments), stepped(plain, kind, what)))
    for one, plain in versions:
        assert dict(one) == plain
        assert len(one) == len(plain)
        assert one.full == (len(plain) == len(NAMES))
        assert [*one] == [name for name in NAMES if name in plain]
        assert dict(pickle.loads(pickle.dumps(one))) == plain


def test_a_name_of_none_is_refused() -> None:
    with pytest.raises(KeyError):
        PersistentMap(["a"]).changed({"b": 1})


def test_a_change_shares_what_is_not_different() -> None:
    one = PersistentMap[int](NAMES).filled(0)
    two = one.changed({NAMES[0]: 1})
    assert two._blocks[0] is not one._blocks[0]
    assert [a is b for a, b in zip(two._blocks[1:], one._blocks[1:], strict=True)] == [True, True]

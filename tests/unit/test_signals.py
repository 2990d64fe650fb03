"""Signals that are held back: every handler is put back, whatever comes meanwhile."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from types import FrameType

import pytest
from pytest_mock import MockerFixture

from acl_bundle._base import owner
from acl_bundle._base.owner import RAISING, uninterrupted


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt(number)


@pytest.fixture
def _handled() -> Iterator[None]:
    before = {number: signal.signal(number, interrupt) for number in RAISING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("_handled")
@pytest.mark.parametrize("place", range(len(RAISING)))
def test_a_signal_between_two_put_backs_leaves_none_behind(
    mocker: MockerFixture, place: int
) -> None:
    """The first handler is back and raises; those after it are put back all the same."""
    put_back = signal.signal
    calls = []

    def set_and_raise(number: int, handler: owner.Callable[..., object]) -> object:
        found = put_back(number, handler)
        calls.append(number)
        if len(calls) == len(RAISING) + place + 1:  # RAISING were taken before
            signal.raise_signal(number)
        return found

    mocker.patch.object(signal, "signal", set_and_raise)
    with pytest.raises(KeyboardInterrupt), uninterrupted():
        pass
    assert [signal.getsignal(number) for number in RAISING] == [interrupt] * len(RAISING)

"""Signals that are held back: every handler is put back, whatever comes meanwhile."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
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


@pytest.mark.usefixtures("_handled")
def test_a_block_within_another_leaves_signals_to_the_outer_one() -> None:
    steps = []

    def nest() -> None:
        with uninterrupted():
            with uninterrupted() as inner:
                signal.raise_signal(signal.SIGINT)
                inner.deliver()
                steps.append("inner")
            steps.append("outer")

    with pytest.raises(KeyboardInterrupt):
        nest()
    assert steps == ["inner", "outer"]
    assert [signal.getsignal(number) for number in RAISING] == [interrupt] * len(RAISING)


@pytest.mark.usefixtures("_handled")
def test_a_block_within_another_sets_no_handler(mocker: MockerFixture) -> None:
    with uninterrupted():
        spied = mocker.spy(signal, "signal")
        with uninterrupted():
            pass
        assert spied.call_count == 0


@pytest.mark.usefixtures("_handled")
def test_a_block_in_the_handler_of_one_holds_signals_back_again() -> None:
    """The handler runs where the outer block lets go, and is no part of it."""
    seen: list[object] = []

    def handle(number: int, frame: FrameType | None) -> None:
        with uninterrupted():
            seen.append(signal.getsignal(signal.SIGINT) is not interrupt)

    signal.signal(signal.SIGTERM, handle)
    with uninterrupted():
        signal.raise_signal(signal.SIGTERM)
    assert seen == [True]
    assert signal.getsignal(signal.SIGINT) is interrupt


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.usefixtures("_handled")
@pytest.mark.parametrize("thread", ["this", "another"])
def test_a_child_forked_within_a_block_feels_signals(thread: str) -> None:
    """By another thread: no end of the block comes there. By this one: it does."""
    codes: list[int] = []

    def fork() -> int:
        child = os.fork()
        if child:
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return child

    def fork_and_look() -> None:
        if not fork():
            os._exit(0 if signal.getsignal(signal.SIGINT) is interrupt else 1)

    with uninterrupted():
        if thread == "this":
            child = fork()
        else:
            child = 1
            run(fork_and_look)
    if not child:
        os._exit(0 if signal.getsignal(signal.SIGINT) is interrupt else 1)
    assert codes == [0]


def run(what: Callable[[], None]) -> None:
    one = threading.Thread(target=what)
    one.start()
    one.join()

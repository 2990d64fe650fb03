"""Threads that infer while versions arrive: an answer is of its version; strict has an order."""

from __future__ import annotations

import threading
from time import perf_counter
from typing import Any

import numpy as np
import pytest

from acl_bundle.fleet import Fleet

from .scene import CLOSE

pytestmark = pytest.mark.usefixtures("fake_acl")
THREADS, UPDATES = 4, 40
Answer = tuple[float, float, int]


class Readers:
    """Infer until they are stopped; what is wrong is kept."""

    def __init__(self, fleet: Fleet, mlp: Any) -> None:
        self._fleet, self._mlp = fleet, mlp
        self._right = {v: mlp.answer(mlp.random(v) if v else None) for v in range(UPDATES + 1)}
        self._stop = threading.Event()
        self.answers: list[Answer] = []
        self.errors: list[BaseException] = []
        self._threads = [threading.Thread(target=self._read) for _ in range(THREADS)]

    def _read(self) -> None:
        try:
            while not self._stop.is_set():
                begin = perf_counter()
                outputs = self._fleet.infer({"x": self._mlp.x})
                self.answers.append((begin, perf_counter(), outputs.version))
                np.testing.assert_allclose(outputs["y"], self._right[outputs.version], **CLOSE)
        except BaseException as error:
            self.errors.append(error)

    def __enter__(self) -> Readers:
        for one in self._threads:
            one.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for one in self._threads:
            one.join()


def out_of_order(answers: list[Answer]) -> list[Answer]:
    """Those that began after an answer of a later version had ended."""
    ends = sorted((end, version) for _, end, version in answers)
    newest, place, found = 0, 0, []
    for one in sorted(answers):
        while place < len(ends) and ends[place][0] < one[0]:
            newest = max(newest, ends[place][1])
            place += 1
        if one[2] < newest:
            found.append(one)
    return found


def test_the_check_sees_what_it_looks_for() -> None:
    assert out_of_order([(0, 1, 2), (2, 3, 1), (0.5, 4, 1)]) == [(2, 3, 1)]


@pytest.mark.parametrize("pair", [False, True])
@pytest.mark.parametrize("consistency", ["rolling", "strict"])
def test_every_answer_is_of_its_version(mlp: Any, pair: bool, consistency: Any) -> None:
    with Fleet.local(mlp.path, devices=[0, 0, 0], pair=pair) as fleet:
        with Readers(fleet, mlp) as readers:
            for version in range(1, UPDATES + 1):
                report = fleet.update(mlp.random(version), version=version, consistency=consistency)
                assert report.closed == ()
        assert readers.errors == []
        assert len(readers.answers) > UPDATES
        assert consistency == "rolling" or out_of_order(readers.answers) == []

"""Threads do everything that the package can, until the time is up.

``python tests/soak/soak.py SECONDS THREADS [unmeasured]``; a sanitizer's own memory grows.

One bundle is shared: threads infer, submit and stream on it, update it with and without
a limit, and take snapshots; each answer must be of one version. Meanwhile they load, use
and close bundles of their own. The program ends with an error when a step raises, when no
thread gets on for a minute, when memory grows after the first fifth of the time, and when
something is alive, or was violated, in the end.
"""

from __future__ import annotations

import faulthandler
import gc
import random
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake

HANG_S = 60
LIMIT_MS = 60_000
GROWTH = 48 << 20
"""Bytes: malloc keeps arenas for threads, which are no leak; a leak of 1 KB a load is more."""


def write(path: Path) -> None:
    """Write the bundle y = x @ w, w being 4 by 2 ones."""
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph(
        [node],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])],
        [numpy_helper.from_array(weight(1), "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    build.from_onnx(model, weights=["w"]).save(path)


def weight(value: float) -> np.ndarray:
    return np.full((4, 2), value, np.float32)


def check(y: np.ndarray) -> None:
    """All of a version's weights are equal, so a mixture of two shows."""
    if y[0, 0] != y[0, 1] or y[0, 0] % 4 != 0:
        raise AssertionError(f"an answer of two versions: {y}")


class Steps:
    """What a thread may do next, on the shared bundle or on one of its own."""

    def __init__(self, path: Path, shared: ab.Bundle) -> None:
        self._path, self._shared = path, shared
        self._x = np.ones((1, 4), np.float32)

    def infer(self, dice: random.Random) -> None:
        check(self._shared.infer(self._x))

    def infer_in_time(self, dice: random.Random) -> None:
        check(self._shared.infer.run([self._x], timeout_ms=LIMIT_MS)["y"])

    def submit(self, dice: random.Random) -> None:
        check(self._shared.infer.submit(self._x).result(HANG_S))

    def stream(self, dice: random.Random) -> None:
        for y in self._shared.infer.stream([self._x] * 4, 2):
            check(y)

    def update(self, dice: random.Random) -> None:
        limit = LIMIT_MS if dice.random() < 0.7 else None
        self._shared.update({"w": weight(dice.randrange(1, 1000))}, timeout_ms=limit)

    def snapshot(self, dice: random.Random) -> None:
        self._shared.restore(self._shared.snapshot())

    def live(self, dice: random.Random) -> None:
        variables = dice.choice(["owned", "library"])
        with ab.Bundle.load(self._path, variables=variables) as own:
            own.init()
            own.update({"w": weight(3)}, timeout_ms=LIMIT_MS)
            check(own.infer.submit(self._x).result(HANG_S))

    def chances(self) -> dict[Callable[[random.Random], None], int]:
        return {self.infer: 40, self.infer_in_time: 8, self.submit: 20, self.stream: 10,
                self.update: 12, self.snapshot: 2, self.live: 8}  # fmt: skip


class Soak:
    """The threads, what they counted, and who watches them."""

    def __init__(self, steps: Steps, seconds: float) -> None:
        self._chances = steps.chances()
        self._end = time.monotonic() + seconds
        self._warm_at = time.monotonic() + seconds / 5
        self.count = 0
        self.errors: list[BaseException] = []

    def _work(self, seed: int) -> None:
        dice = random.Random(seed)
        actions, weights = list(self._chances), list(self._chances.values())
        try:
            while time.monotonic() < self._end and not self.errors:
                dice.choices(actions, weights)[0](dice)
                self.count += 1
        except BaseException as error:
            self.errors.append(error)

    def run(self, threads: int) -> int:
        """Run them; the bytes that the process has grown by since it was warm."""
        workers = [threading.Thread(target=self._work, args=(seed,)) for seed in range(threads)]
        for worker in workers:
            worker.start()
        warm = self._watch(workers)
        for worker in workers:
            worker.join()
        gc.collect()
        return resident() - warm

    def _watch(self, workers: list[threading.Thread]) -> int:
        before, warm = -1, 0
        while any(worker.is_alive() for worker in workers):
            if self.count != before:
                faulthandler.dump_traceback_later(HANG_S, exit=True)
            before = self.count
            if not warm and time.monotonic() > self._warm_at:
                warm = resident()
            time.sleep(0.2)
        faulthandler.cancel_dump_traceback_later()
        return warm or resident()


def resident() -> int:
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def main(seconds: float, threads: int, *unmeasured: str) -> None:
    fake.activate()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "linear.om"
        write(path)
        with ab.Bundle.load(path) as shared:
            shared.init()
            soak = Soak(Steps(path, shared), seconds)
            grown = soak.run(threads)
        if soak.errors:
            raise soak.errors[0]
    if grown > GROWTH and not unmeasured:
        raise AssertionError(f"grew by {grown} bytes")
    if fake.live() or fake.violations():
        raise AssertionError(f"left: {fake.live()[:5]} {fake.violations()[:5]}")
    where = Path(ab.__file__).parent
    print(f"{where}: {soak.count} steps of {threads} threads, {grown} bytes of growth")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])

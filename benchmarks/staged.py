"""What the commit of a staged set costs beside the library call that it is made for.

The reference is aclmdlExecute of the update graph with all weights on the device: a copy of
them from their area to the variables. `rollback` adds the copy of the old bytes.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack

from acl_bundle._binding.calls import acl
from acl_bundle._run.engine import dataset
from benchmarks.rounds import ROUNDS, bundle_of, normal

GOAL, WHOLE = 1.05, 1.05


def main(size: int) -> None:
    """Print each as a ratio to the bare call, or to an update."""
    weights = normal(size)
    taken: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        start = time.perf_counter()
        work()
        taken.setdefault(name, []).append(time.perf_counter() - start)

    with bundle_of(weights) as bundle, bundle.device.activated(), ExitStack() as stack:
        bundle.update(weights)
        model = bundle._second_ids.load(stack, bundle.update.index)
        given, none = bundle.update._assign.area.dataset.handle, dataset(stack, []).handle
        for turn in itertools.count():
            for name, rollback in (("commit", "none"), ("commit, rollback", "auto")):
                with bundle.stage(weights, rollback=rollback) as staged:
                    timed(name, staged.commit)
            timed("execute", lambda: acl.aclmdlExecute(model, given, none))
            timed("update", lambda: bundle.update(weights))
            timed("stage", lambda: stack.enter_context(bundle.stage(weights)).commit())
            if turn == ROUNDS:
                break
    figures = {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}
    bare, update = figures["execute"], figures["update"]
    print(f"the library's call       {bare * 1e3:8.2f} ms")
    print(f"commit of a staged set   {figures['commit'] / bare:8.2f} of it (goal <= {GOAL})")
    print(f"... with rollback        {figures['commit, rollback'] / bare:8.2f}")
    print(f"stage and commit         {figures['stage'] / update:8.2f} of update (goal <= {WHOLE})")

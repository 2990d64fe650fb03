"""The loop: take the newest weights, update, infer, compare.

`rounds` is the whole life of the demo's bundle and yields a row per version;
`verdict` says afterwards what the fake found left over or done wrong.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle.cli.demo import digits, network
from acl_bundle.cli.demo.mailbox import Letter
from acl_bundle.cli.demo.trainer import Trainer
from acl_bundle.cli.demo.weights import Array, untrained

UPDATES = 10


@dataclass(frozen=True)
class Round:
    """What one version of the weights is worth.

    Attributes:
        version: The trainer's round; 0 is what the init graph wrote.
        accuracy: Share of the held-out digits that the bundle reads.
        expected: The same from scikit-learn with the same weights.
        update_ms: Milliseconds of the update; None for version 0.
        infer_ms: Mean milliseconds of the inferences.
    """

    version: int
    accuracy: float
    expected: float
    update_ms: float | None
    infer_ms: float


@dataclass(frozen=True)
class Verdict:
    """What was left when the bundle was unloaded.

    Attributes:
        live: Objects and memory that nobody gave back.
        violations: Rules of ACL that were broken.
    """

    live: list[str]
    violations: list[str]


def _infer(bundle: ab.Bundle, x: Array) -> tuple[NDArray[np.int64], float]:
    """Read every picture; returns the digits and the mean milliseconds of a batch."""
    scores, seconds = [], 0.0
    for batch in x.reshape(digits.BATCHES, digits.BATCH, -1):
        start = perf_counter()
        outputs = bundle.infer.run({network.INPUT: batch})
        seconds += perf_counter() - start
        scores.append(outputs[network.OUTPUT])
    return np.concatenate(scores).argmax(axis=1), seconds / digits.BATCHES * 1e3


def _measure(
    bundle: ab.Bundle,
    split: digits.Halves,
    judge: digits.Judge,
    letter: Letter,
    update_ms: float | None,
) -> Round:
    read, infer_ms = _infer(bundle, split.test_x)
    accuracy = float(np.mean(read == split.test_y))
    return Round(letter.version, accuracy, judge.accuracy(letter.weights), update_ms, infer_ms)


def rounds(path: Path, updates: int = UPDATES) -> Generator[Round, None, None]:
    """Build the bundle, run it, and update it from a trainer.

    Args:
        path: Where to write the bundle file.
        updates: How often to update.

    Yields:
        Version 0 first, then each update's.

    Raises:
        AclBundleError: The bundle could not be loaded, run or updated.
        ChildProcessError: The trainer failed.
    """
    fake.activate()
    split = digits.load()
    judge = digits.Judge(split)
    weights = untrained()
    model = network.model(weights, digits.BATCH)
    build.from_onnx(model, weights=list(weights)).save(path)
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        letter = Letter(0, weights)
        yield _measure(bundle, split, judge, letter, None)
        with Trainer() as trainer:
            for _ in range(updates):
                letter = trainer.newest(after=letter.version)
                start = perf_counter()
                bundle.update(letter.weights, version=letter.version)
                update_ms = (perf_counter() - start) * 1e3
                yield _measure(bundle, split, judge, letter, update_ms)


def verdict() -> Verdict:
    """Ask the fake what is left and what was done wrong."""
    return Verdict(
        [f"{row['kind']} made by {row['created_by']}" for row in fake.live()],
        [f"{row['id']} in {row['function']}: {row['message']}" for row in fake.violations()],
    )

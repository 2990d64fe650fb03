"""The trainer's process: it knows nothing of bundles and never stops learning.

    python -m acl_bundle.cli.demo.training <mailbox> <parent's process id>

A round is one pass over the training digits, in steps of 64; its weights go
into the mailbox under the round's number. It ends when its parent does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

from acl_bundle.cli.demo import digits, mailbox, weights
from acl_bundle.cli.demo.mailbox import Letter

STEP = 64


def train(path: Path, parent: int) -> None:
    """Learn and publish, round after round, for as long as the parent lives."""
    split, model, rng = digits.load(), digits.classifier(), np.random.default_rng(0)
    version = 0
    while os.getppid() == parent:
        order = rng.permutation(len(split.train_x))
        for start in range(0, len(order), STEP):
            step = order[start : start + STEP]
            model.partial_fit(split.train_x[step], split.train_y[step], classes=digits.CLASSES)
        version += 1
        mailbox.put(path, Letter(version, weights.name(model.coefs_, model.intercepts_)))


if __name__ == "__main__":
    train(Path(sys.argv[1]), int(sys.argv[2]))

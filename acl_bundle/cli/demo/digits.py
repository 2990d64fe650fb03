"""The task: 8 by 8 pixels, ten digits, real handwriting, and who judges it.

The pixels come with scikit-learn. 320 of the 1797 pictures are held out, with
every digit in its share, and both processes draw the same ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

from acl_bundle.cli.demo.weights import HIDDEN, Array, Weights, coefs, intercepts

BATCH, BATCHES = 16, 20
CLASSES = np.arange(10)


class Halves(NamedTuple):
    """Pictures as float32[n, 64] in 0..1, and the digits they show as int64[n]."""

    train_x: Array
    train_y: NDArray[np.int64]
    test_x: Array
    test_y: NDArray[np.int64]


def load() -> Halves:
    """Read the pictures and hold out ``BATCH * BATCHES`` of them."""
    pixels, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        (pixels / 16).astype(np.float32),
        digits,
        test_size=BATCH * BATCHES,
        stratify=digits,
        random_state=0,
    )
    return Halves(train_x, train_y, test_x, test_y)


def classifier() -> MLPClassifier:
    """Make the network as scikit-learn has it, untrained."""
    return MLPClassifier(hidden_layer_sizes=(HIDDEN,), learning_rate_init=0.002, random_state=1)


class Judge:
    """scikit-learn's own opinion of a set of weights."""

    def __init__(self, split: Halves) -> None:
        self._split = split
        self._model = classifier()  # one step gives it its layers; ours replace them
        self._model.partial_fit(split.train_x[:BATCH], split.train_y[:BATCH], classes=CLASSES)

    def accuracy(self, weights: Weights) -> float:
        """The share of the held-out digits that scikit-learn reads with these weights."""
        self._model.coefs_, self._model.intercepts_ = coefs(weights), intercepts(weights)
        return float(np.mean(self._model.predict(self._split.test_x) == self._split.test_y))

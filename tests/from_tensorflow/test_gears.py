"""Bundles of several shapes: the variables are the same for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build

from .samples import close, keras, new_value

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("fake_acl")]
layers = keras.layers
RNG = np.random.default_rng(6)


def model(*dims: int | None) -> Any:
    """A convolutional model that takes images of any size where it is asked to."""
    return keras.Sequential([
        layers.Input((*dims, 3), name="image"),
        layers.Conv2D(4, 3, padding="same"),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(3),
    ])  # fmt: skip


@contextmanager
def served(trained: Any, **options: Any) -> Iterator[Any]:
    built = build.from_tensorflow(trained, **options)
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        yield bundle


def agrees(bundle: Any, trained: Any, *shapes: tuple[int, ...]) -> None:
    """With the first values, and with two updates."""
    for _ in range(3):
        for shape in shapes:
            x = RNG.standard_normal(shape).astype("f4")
            close([bundle.infer(x)], [trained(x, training=False).numpy()])
        for one in trained.variables:
            one.assign(new_value(one.path, one.numpy(), RNG))
        bundle.update({one.path: one.numpy() for one in trained.variables})


def test_a_batch_may_be_one_of_several() -> None:
    trained = model(6, 6)
    with served(trained, dynamic_batch=[1, 3, 4]) as bundle:
        agrees(bundle, trained, (1, 6, 6, 3), (4, 6, 6, 3), (3, 6, 6, 3))
        with pytest.raises(ValueError, match="2"):
            bundle.infer(np.zeros((2, 6, 6, 3), "f4"))


@pytest.mark.parametrize(
    "options",
    [
        {"dynamic_hw": [(6, 6), (8, 4)], "input_shapes": {"image": (2, -1, -1, 3)}},
        {"dynamic_dims": {"image": [(2, 6, 6, 3), (2, 8, 4, 3)]}},
        {"dynamic_shape": True},
        {"dynamic_shape": {"image": [(1, 2), (4, 8), (4, -1), 3]}},
    ],
    ids=["hw", "dims", "any shape", "bounds"],
)
def test_so_may_other_dims(options: dict[str, Any]) -> None:
    trained = model(None, None)
    with served(trained, **options) as bundle:
        agrees(bundle, trained, (2, 6, 6, 3), (2, 8, 4, 3))


def test_two_options_and_dims_that_are_not_open_are_refused() -> None:
    with pytest.raises(ValueError, match="dynamic_batch and dynamic_shape are given"):
        build.from_tensorflow(model(6, 6), dynamic_batch=[1, 2], dynamic_shape=True)
    with pytest.raises(ValueError, match="dynamic_hw"):
        build.from_tensorflow(
            model(6, 6), dynamic_hw=[(6, 6)], input_shapes={"image": (1, 6, 6, 3)}
        )

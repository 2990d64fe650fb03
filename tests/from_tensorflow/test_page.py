"""docs/build_tensorflow.md: its programs run in their order, and print what the page shows."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from .samples import close, keras
from .trainer import Trainer

pytestmark = pytest.mark.filterwarnings("ignore")
_PAGE = Path(__file__).parents[1] / "laws" / "pages" / "page.py"
PAGE = runpy.run_path(str(_PAGE))["Page"]("docs/build_tensorflow.md")


def small_model() -> Any:
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((8, 8, 3), name="image"),
            layers.Conv2D(4, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(3),
        ]
    )
    model.compile("adam", "mse")
    return model


@pytest.mark.usefixtures("fake_acl")
def test_every_program_runs_and_prints_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LD_LIBRARY_PATH", "")  # the page sets it
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    small_model().save("policy.keras")
    trainer = Trainer()
    for step in (1, 2):
        trainer.save(Path(), step)
        trainer.step()
    rng = np.random.default_rng(1)

    def is_close(got: Any, wanted: Any) -> bool:
        close([np.asarray(got)], [np.asarray(wanted)])
        return True

    names = {
        "image": rng.standard_normal((1, 8, 8, 3), "f4"),
        "batch": lambda: (rng.standard_normal((4, 8, 8, 3), "f4"), np.ones((4, 3), "f4")),
        "trainer": trainer,
        "close": is_close,
    }
    PAGE.run(names)
    trainer.session.close()


def test_every_file_that_is_named_exists() -> None:
    PAGE.check_links()

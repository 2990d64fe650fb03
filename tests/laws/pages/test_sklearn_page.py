"""docs/build_sklearn.md: its programs run in their order, and print what the page shows."""

from __future__ import annotations

import numpy as np
import pytest

from .page import Page

PAGE = Page("docs/build_sklearn.md")


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.filterwarnings("ignore")
def test_every_program_runs_and_prints_what_is_shown() -> None:
    pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    x, y = datasets.load_digits(return_X_y=True)
    PAGE.run({"x": (x / 16).astype(np.float32), "y": y})

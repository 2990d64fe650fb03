"""docs/build_jax.md: its program runs where jax2onnx is installed, and prints what is shown."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .page import Page

PAGE = Page("docs/build_jax.md")


@pytest.mark.usefixtures("fake_acl")
@pytest.mark.filterwarnings("ignore")
def test_the_program_runs_and_prints_what_is_shown() -> None:
    pytest.importorskip("jax2onnx", reason="jax2onnx is not installed")
    import jax.numpy as jnp  # noqa: PLC0415

    rng = np.random.default_rng(0)
    params = {
        name: {"w": rng.standard_normal(shape, "f4"), "b": rng.standard_normal(shape[1], "f4")}
        for name, shape in (("fc1", (4, 5)), ("fc2", (5, 3)))
    }

    def policy(params: Any, x: Any) -> Any:
        hidden = jnp.tanh(x @ params["fc1"]["w"] + params["fc1"]["b"])
        return hidden @ params["fc2"]["w"] + params["fc2"]["b"]

    PAGE.run({"params": params, "policy": policy, "x": rng.standard_normal((2, 4), "f4")})

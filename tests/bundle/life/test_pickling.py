"""What cannot be sent to another process says what to do instead; what can be is sent."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import weights as files

pytestmark = pytest.mark.usefixtures("fake_acl")
SENDING: tuple[Callable[[Any], Any], ...] = (pickle.dumps, copy.copy, copy.deepcopy)


@pytest.mark.parametrize("send", SENDING)
def test_an_open_file_of_weights(tmp_path: Path, send: Callable[[Any], Any]) -> None:
    array = np.ones((4, 4), np.float32)
    for name in ("w.safetensors", "w.npz"):
        files.save({"m.w": array}, tmp_path / name)
        with files.open(tmp_path / name) as opened:
            with pytest.raises(TypeError, match=r"open it in the worker: .*weights\.open"):
                send(opened)
            for view in (files.rename(opened, strip_prefix="m."), files.cast(opened, np.float16)):
                with pytest.raises(TypeError, match="open it in the worker"):
                    pickle.dumps(view)


def test_a_view_of_arrays_is_sent() -> None:
    view = files.rename({"m.w": np.ones(3, np.float32)}, strip_prefix="m.")
    again = pickle.loads(pickle.dumps(view))
    assert {name: value.tolist() for name, value in again.items()} == {"w": [1, 1, 1]}


def test_what_the_weights_hold_is_sent(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(2), version="two")
        held = bundle.weights
        for again in (pickle.loads(pickle.dumps(held)), copy.deepcopy(held)):
            assert dict(again) == dict(held)
            assert again["w1"].version == "two"
        with pytest.raises(TypeError, match="item assignment"):
            held["w1"] = None  # type: ignore[index]


@pytest.mark.parametrize("send", SENDING)
def test_a_future_and_a_stream(mlp: Any, send: Callable[[Any], Any]) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        future = bundle.infer.submit(mlp.x)
        with bundle.infer.stream([mlp.x]) as stream:
            for one, name in ((future, "Future"), (stream, "Stream")):
                with pytest.raises(TypeError, match=f"{name} holds what its process has"):
                    send(one)
        future.result()

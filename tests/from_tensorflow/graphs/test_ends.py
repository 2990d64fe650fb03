"""inputs= and outputs=: a graph is cut to them, and a wrong name gets the right ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ..samples import Served, close, tf, v1
from .graphs import dense, placeholder, saved

pytestmark = pytest.mark.filterwarnings("ignore")
Serve = Callable[..., Served]
X = np.linspace(-1, 1, 8, dtype="f4").reshape(2, 4)


def two_layers() -> None:
    keep = v1.placeholder(tf.float32, [], name="scale")
    hidden = tf.tanh(dense(placeholder(2, 4), 5, "fc1"), name="hidden")
    y = tf.nn.softmax(dense(hidden * keep, 3, "fc2"), name="y")
    tf.argmax(y, 1, name="best")
    tf.no_op(name="nothing")


def test_outputs_and_inputs_cut_the_graph(tmp_path: Path, serve: Serve) -> None:
    prefix, run = saved(tmp_path, two_layers)
    served = serve(prefix, outputs=["y", "best:0"])
    assert (served.inputs, served.outputs) == (["scale", "x"], ["y", "best"])
    wanted = run(X, **{"scale:0": 0.5})
    close(served.infer(np.float32(0.5), X), [wanted, wanted.argmax(1)])
    hidden = serve(prefix, outputs=["hidden"])
    assert (hidden.inputs, sorted(hidden.variables)) == (["x"], ["fc1/W", "fc1/b"])
    rest = serve(prefix, inputs=["hidden:0", "scale"], outputs=["y"])
    assert (rest.inputs, sorted(rest.variables)) == (["hidden", "scale"], ["fc2/W", "fc2/b"])
    close(rest.infer(*hidden.infer(X), np.float32(0.5)), [wanted])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outputs": ["z"]}, r"outputs names 'z', which .*model.ckpt.meta does not have; it has"),
        ({"outputs": ["hiden"]}, "outputs names 'hiden', which .* it has 'hidden'"),
        ({"outputs": ["y:1"]}, r"'y:1' is no tensor of .*: node 'y' \(Softmax\) has 1 output;"),
        ({"outputs": ["nothing"]}, r"'nothing:0' is no tensor of .*\(NoOp\) has 0 outputs"),
        ({"outputs": "y"}, "outputs is 'y'; a list of names is right"),
        ({"outputs": []}, "outputs is empty; name one at least"),
        ({"inputs": ["img"], "outputs": ["y"]}, "inputs names 'img', which .* it has .*'x'"),
        ({"inputs": ["x"], "outputs": ["y"]}, "depend on 'scale' as well; name it in inputs="),
        (
            {"inputs": ["x", "fc2/W"], "outputs": ["hidden"]},
            "inputs names 'fc2/W', which no output of .* depends on; they depend on 'x'",
        ),
        ({"outputs": ["y"], "signature": "s"}, "is no SavedModel and has none"),
    ],
)
def test_wrong_names_get_the_right_ones(
    tmp_path: Path, serve: Serve, options: dict[str, list[str]], message: str
) -> None:
    prefix, _ = saved(tmp_path, two_layers)
    with pytest.raises(ValueError, match=message):
        serve(prefix, **options)


def test_outputs_are_not_guessed(tmp_path: Path, serve: Serve) -> None:
    def make() -> None:
        y = dense(placeholder(2, 4))
        tf.tanh(y, name="a")
        tf.exp(y, name="b")

    prefix, _ = saved(tmp_path, make)
    with pytest.raises(ValueError, match=r"name them in outputs=; it has 'a', 'b'$"):
        serve(prefix)

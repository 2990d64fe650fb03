"""weights.freeze on graphs of TensorFlow's: one file that answers as the trainer's session does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from acl_bundle import weights
from acl_bundle.errors import UnsupportedError, WeightError

from .samples import Array, close, keras, tf, v1
from .trainer import OUTPUT, Trainer

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def trainer(request: pytest.FixtureRequest) -> Iterator[Trainer]:
    made = Trainer(resource=request.param)
    yield made
    made.session.close()


def run_graph(path: Path, x: Array, output: str = f"{OUTPUT}:0", fed: str = "x:0") -> Array:
    definition = v1.GraphDef.FromString(path.read_bytes())
    assert not [node for node in definition.node if "Variable" in node.op or "Assign" in node.op]
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(definition, name="")
        with v1.Session(graph=graph) as session:
            answer: Array = session.run(output, {fed: x})
            return answer


def run_onnx(path: Path, x: Array) -> Array:
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    answer: Array = session.run(None, {session.get_inputs()[0].name: x})[0]
    return answer


def test_a_checkpoint_goes_into_its_graph(trainer: Trainer, tmp_path: Path) -> None:
    meta = f"{trainer.save(tmp_path, 1)}.meta"
    trainer.step()
    x = trainer.batch(3)
    with weights.open(trainer.save(tmp_path, 2)) as new:
        for out in (tmp_path / "frozen.pb", tmp_path / "frozen.onnx"):
            report = weights.freeze(new, meta, out, outputs=[OUTPUT])
            assert report.title == "9 of 9 constants are replaced"
            assert {row.name for row in report} == {n[:-2] for n in trainer.values()}
            run = run_graph if out.suffix == ".pb" else run_onnx
            close([run(out, x)], [trainer.infer(x)])
            with weights.open(out) as source:
                for name, value in trainer.values().items():
                    np.testing.assert_array_equal(source[name[:-2]], value)


def test_what_is_frozen_takes_other_weights_again(trainer: Trainer, tmp_path: Path) -> None:
    tf.io.write_graph(trainer.frozen(), str(tmp_path), "old.pb", as_text=False)
    trainer.step()
    x = trainer.batch(3)
    values = trainer.values()
    report = weights.freeze(values, tmp_path / "old.pb", tmp_path / "new.pb")
    assert report.title == "9 of 9 constants are replaced"
    close([run_graph(tmp_path / "new.pb", x)], [trainer.infer(x)])
    part = {name: value for name, value in values.items() if "fc2" in name}
    report = weights.freeze(part, tmp_path / "old.pb", tmp_path / "part.onnx")
    assert sorted(row.name for row in report if row.replaced) == ["policy/fc2/W", "policy/fc2/b"]
    for name in set(values) - set(part):
        trainer.assign(next(one for one in trainer.model if one.name == name), values[name])
    with weights.open(tmp_path / "part.onnx") as source, weights.open(tmp_path / "old.pb") as old:
        for name in (one[:-2] for one in values):
            wanted = values[f"{name}:0"] if "fc2" in name else old[name]
            np.testing.assert_array_equal(source[name], wanted)


def test_a_fed_tensor_keeps_its_name(trainer: Trainer, tmp_path: Path) -> None:
    out = tmp_path / "part.pb"
    ends = {"inputs": ["policy/Reshape"], "outputs": [f"{OUTPUT}:0"]}
    prefix = trainer.save(tmp_path, 1)
    with weights.open(prefix) as new:
        weights.freeze(new, f"{prefix}.meta", out, **ends)
    x = np.ones((2, 144), "f4")
    wanted = trainer.session.run(f"{OUTPUT}:0", {"policy/Reshape:0": x})
    close([run_graph(out, x, fed="policy/Reshape:0")], [wanted])


def test_what_does_not_fit_is_refused_and_writes_nothing(trainer: Trainer, tmp_path: Path) -> None:
    prefix = trainer.save(tmp_path, 1)
    meta, out = f"{prefix}.meta", tmp_path / "out.pb"
    values = trainer.values()
    kernel = "policy/conv/kernel:0"
    for new, error, message in (
        (
            {**values, "policy/fc3/W": np.ones(2)},
            WeightError,
            "has no variable 'policy/fc3/W'; it has",
        ),
        ({kernel: values[kernel]}, WeightError, "lacks variable 'policy/"),
        (
            {**values, kernel: np.ones((3, 3), "f4")},
            WeightError,
            r"kernel' is float32 \(3, 3, 2, 4\)",
        ),
        ({**values, kernel: values[kernel].astype("f8")}, WeightError, "has float64"),
    ):
        with pytest.raises(error, match=message):
            weights.freeze(new, meta, out)
    with pytest.raises(UnsupportedError, match="output 'loss' is a loss"):
        weights.freeze(values, meta, out, outputs=["loss"])
    with pytest.raises(ValueError, match="outputs names 'z'"):
        weights.freeze(values, meta, out, outputs=["z"])
    assert not out.exists()
    with pytest.raises(ValueError, match=r"that becomes a .pb or .onnx file, and .*out.om is"):
        weights.freeze(values, meta, tmp_path / "out.om", outputs=["z"])
    (tmp_path / "graph.pb").write_bytes(trainer.frozen().SerializeToString())
    with pytest.raises(ValueError, match="is the input"):
        weights.freeze(values, tmp_path / "graph.pb", tmp_path / "graph.pb")


def test_a_keras_model_becomes_a_graph(tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.Input((4,), name="state"), keras.layers.Dense(3)])
    model.save(tmp_path / "model.keras")
    for one in model.variables:
        one.assign(np.random.default_rng(1).standard_normal(one.shape))
    new = {one.path: one.numpy() for one in model.variables}
    x = np.ones((2, 4), "f4")
    weights.freeze(new, tmp_path / "model.keras", tmp_path / "model.onnx")
    close([run_onnx(tmp_path / "model.onnx", x)], [model(x).numpy()])


def test_from_the_shell(tmp_path: Path) -> None:
    trainer = Trainer()
    prefix = trainer.save(tmp_path, 1)
    command = [sys.executable, "-m", "acl_bundle.cli", "weights", "freeze", prefix]
    command += [f"{prefix}.meta", tmp_path / "frozen.pb", "--output", OUTPUT, "--input", "x"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "9 of 9 constants are replaced" in done.stdout
    x = trainer.batch(2)
    close([run_graph(tmp_path / "frozen.pb", x)], [trainer.infer(x)])
    trainer.session.close()


def test_loops_are_frozen(tmp_path: Path) -> None:
    graph: Any = tf.Graph()
    with graph.as_default():
        x = v1.placeholder(tf.float32, [2, 3], name="x")
        w = v1.get_variable("w", [3, 3], use_resource=True)
        y = v1.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, h @ w), [tf.constant(0), x])[1]
        tf.identity(y, name="y")
        saver = v1.train.Saver()
        with v1.Session(graph=graph) as session:
            session.run(v1.global_variables_initializer())
            prefix = saver.save(session, str(tmp_path / "model"))
            wanted = session.run("y:0", {"x:0": np.ones((2, 3), "f4")})
    with weights.open(prefix) as new:
        weights.freeze(new, f"{prefix}.meta", tmp_path / "frozen.pb", outputs=["y"])
    close([run_graph(tmp_path / "frozen.pb", np.ones((2, 3), "f4"), "y:0")], [wanted])

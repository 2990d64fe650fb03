"""Programs in the shapes of public ones: as they are, in a shell of the fake and in a test of it.

They know pyACL alone. What they compute is held against ONNX Runtime.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from acl_bundle import aipp, build
from acl_bundle.cli.fake import env as command

PROGRAMS = Path(__file__).parent / "programs"
CLEAN = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("ACL_", "ASCEND", "LD_LIBRARY_PATH", "PYTHONPATH"))
}
Run = Callable[..., None]


def in_a_shell(program: str, *words: object, told: str | None = None, **settings: object) -> None:
    """Start it after `eval "$(acl-bundle fake env --pyacl)"`; told is the violation on stderr."""
    line = shlex.join(map(str, (sys.executable, "-W", "ignore", PROGRAMS / program, *words)))
    shell = "\n".join([*command.lines(pyacl=True), line])
    chosen = {f"ACL_FAKE_{name.upper()}": str(value) for name, value in settings.items()}
    environment = {**CLEAN, **chosen, "ACL_FAKE_REPORT": "exit"}
    done = subprocess.run(
        ["sh", "-euc", shell], cwd="/", env=environment, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert {*re.findall(r"AB-[A-Z]+-\d+", done.stderr)} == {told} - {None}, done.stderr
    assert told or not done.stderr, done.stderr  # no leak is told either


@pytest.fixture(params=["shell", "fixture"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    if request.param == "shell":
        return in_a_shell
    fake_acl = request.getfixturevalue("fake_acl")

    def here(program: str, *words: object, told: str | None = None, **settings: object) -> None:
        for name, value in settings.items():
            fake_acl.set(name, value)
        assert fake_acl.pyacl is sys.modules["acl"]
        monkeypatch.setattr(sys, "argv", [program, *map(str, words)])
        runpy.run_path(str(PROGRAMS / program), run_name="__main__")

    return here


pytestmark = pytest.mark.filterwarnings("ignore:acl.util:Warning")


def computed(model: onnx.ModelProto, x: Any) -> Any:
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"input": x})[0]


def model_of(shape: list[int | str], nodes: list[Any], **weights: Any) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "net",
        [value("input", TensorProto.FLOAT, shape)], [value("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    return onnx.shape_inference.infer_shapes(
        helper.make_model(graph, opset_imports=opset, ir_version=8)
    )


def dense(*shape: int | str) -> onnx.ModelProto:
    rng = np.random.default_rng(3)
    node = helper.make_node
    return model_of(
        list(shape), [node("MatMul", ["input", "w"], ["h"]), node("Softmax", ["h"], ["y"])],
        w=rng.standard_normal((8, 5)).astype(np.float32),
    )  # fmt: skip


def convolution() -> onnx.ModelProto:
    weight = np.random.default_rng(4).standard_normal((2, 3, 3, 3)).astype(np.float32)
    node = helper.make_node("Conv", ["input", "w"], ["y"], pads=[1, 1, 1, 1])
    return model_of([1, 3, "h", "w"], [node], w=weight)


def arrays(*shapes: tuple[int, ...]) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {f"a{i}": rng.standard_normal(s).astype(np.float32) for i, s in enumerate(shapes)}


def test_static(run: Run, tmp_path: Path) -> None:
    model, x = dense(4, 8), arrays((4, 8))["a0"]
    path = build.model(model).save(tmp_path / "net.om")
    np.save(tmp_path / "x.npy", x)
    run("static.py", path, tmp_path / "x.npy", tmp_path / "y.npy")
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), computed(model, x), rtol=1e-5)


GEARS: dict[str, tuple[Any, dict[str, Any], list[tuple[int, ...]]]] = {
    "batch": (dense("n", 8), {"dynamic_batch": [1, 2, 4]}, [(2, 8), (1, 8), (4, 8)]),
    "hw": (
        convolution(), {"dynamic_hw": [(6, 8), (4, 4)]}, [(1, 3, 4, 4), (1, 3, 6, 8)],
    ),
    "dims": (
        dense("n", "t", 8), {"dynamic_dims": {"input": [(1, 4, 8), (2, 6, 8)]}},
        [(2, 6, 8), (1, 4, 8)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", GEARS)
def test_several_shapes(run: Run, kind: str, tmp_path: Path) -> None:
    model, options, shapes = GEARS[kind]
    path, given = build.model(model, **options).save(tmp_path / "net.om"), arrays(*shapes)
    np.savez(tmp_path / "in.npz", **given)
    run("gears.py", kind, path, tmp_path / "in.npz", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        assert {*found} == {*given}
        for name, x in given.items():
            np.testing.assert_allclose(found[name], computed(model, x), rtol=1e-4, atol=1e-5)


def test_open_shapes(run: Run, tmp_path: Path) -> None:
    """What a program tells by descriptions of tensors, and is told; the file lies in memory."""
    model, given = dense("n", "t", 8), arrays((2, 6, 8), (1, 1, 8), (3, 4, 8))
    path = build.model(model, dynamic_shape=True).save(tmp_path / "net.om")
    np.savez(tmp_path / "in.npz", **given)
    run("open_shapes.py", path, tmp_path / "in.npz", tmp_path / "out.npz", 1000)
    with np.load(tmp_path / "out.npz") as found:
        for name, x in given.items():
            np.testing.assert_allclose(found[name], computed(model, x), rtol=1e-4, atol=1e-5)


def test_devices(run: Run, tmp_path: Path) -> None:
    model, x = dense(4, 8), arrays((5, 4, 8))["a0"]
    path = build.model(model).save(tmp_path / "net.om")
    np.save(tmp_path / "x.npy", x)
    run("devices.py", path, tmp_path / "x.npy", tmp_path / "y.npy", devices=2)
    wanted = [computed(model, one).ravel() for one in x]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted, rtol=1e-4, atol=1e-6)


def test_board(run: Run, tmp_path: Path) -> None:
    model, x = dense(4, 8), arrays((3, 4, 8))["a0"]
    path = build.model(model).save(tmp_path / "net.om")
    np.save(tmp_path / "x.npy", x)
    run("board.py", path, tmp_path / "x.npy", tmp_path / "y.npy", run_mode="device")
    wanted = [computed(model, one) for one in x]
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted, rtol=1e-5)


AIPP = {
    "input_format": "RGB888_U8", "src_image_size_w": 12, "src_image_size_h": 10,
    "crop": True, "load_start_pos_w": 2, "load_start_pos_h": 3, "crop_size_w": 8, "crop_size_h": 6,
    "rbuv_swap_switch": True, "mean_chn_0": 104, "mean_chn_1": 117, "mean_chn_2": 123,
    "min_chn_1": 0.5, "var_reci_chn_2": 0.0171,
}  # fmt: skip


def prepared(images: Any) -> Any:
    """What AIPP makes of them: BGR, of whose numbers each is rounded to a half."""
    bgr = images.reshape(2, 10, 12, 3)[:, 3:9, 2:10, ::-1].astype(np.float16)
    less = bgr - np.float16([104, 117, 123]) - np.float16([0, 0.5, 0])
    return (less * np.float16([1, 1, 0.0171])).transpose(0, 3, 1, 2).astype(np.float32)


@pytest.mark.parametrize("kind", ["static", "dynamic", "gears"])
def test_aipp(run: Run, kind: str, tmp_path: Path) -> None:
    """By the model's file, and by the program, run for run (facts 13)."""
    batch: Any = "n" if kind == "gears" else 2
    model = model_of([batch, 3, 6, 8], [helper.make_node("Identity", ["input"], ["y"])])
    images = np.random.default_rng(6).integers(0, 256, (2, 10 * 12 * 3)).astype(np.uint8)
    dynamic = {"aipp_mode": "dynamic", "max_src_image_size": 1440}
    front = {"aipp_mode": "static", **AIPP} if kind == "static" else dynamic
    gears = [1, 2, 4] if kind == "gears" else None
    path = build.model(model, aipp=front, dynamic_batch=gears).save(tmp_path / "net.om")
    (read,) = aipp.read({"aipp_mode": "static", **AIPP})
    (tmp_path / "one.json").write_text(json.dumps(dict(read.fields)))
    np.save(tmp_path / "in.npy", images)
    others = (tmp_path / name for name in ("in.npy", "one.json", "out.npy"))
    run("aipp.py", kind, path, *others)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), prepared(images))


@pytest.mark.acl(violations="ignore")  # it drops its arrays before the copy, as samples do
def test_callbacks(run: Run, tmp_path: Path) -> None:
    model, x = dense(4, 8), arrays((6, 4, 8))["a0"]
    path = build.model(model).save(tmp_path / "net.om")
    np.save(tmp_path / "x.npy", x)
    run("callbacks.py", path, tmp_path / "x.npy", tmp_path / "y.npy", told="AB-RT-0030")
    wanted = np.stack([computed(model, one) for one in x])
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), wanted, rtol=1e-5)


def classifier() -> onnx.ModelProto:
    """RGB888 of 224 * 224 in five classes, by the means of its 7 * 7 squares."""
    node, value = helper.make_node, helper.make_tensor_value_info
    weight = np.random.default_rng(6).standard_normal((147, 5)).astype(np.float32)
    nodes = [
        node("Cast", ["input"], ["f"], to=TensorProto.FLOAT),
        node("Transpose", ["f"], ["t"], perm=[0, 3, 1, 2]),
        node("AveragePool", ["t"], ["p"], kernel_shape=[32, 32], strides=[32, 32]),
        node("Flatten", ["p"], ["l"]),
        node("MatMul", ["l", "w"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "net", [value("input", TensorProto.UINT8, [1, 224, 224, 3])],
        [value("y", TensorProto.FLOAT, [1, 5])], [numpy_helper.from_array(weight, "w")],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_image(run: Run, tmp_path: Path) -> None:
    """What Pillow and OpenCV make of the same file gets the same class, and nearly its numbers."""
    cv2: Any = pytest.importorskip("cv2")
    y, x = np.mgrid[0:480, 0:640]
    planes = [128 + 90 * np.sin(x / (40 + 30 * i)) * np.cos(y / (60 + 9 * i)) for i in range(3)]
    image = Image.fromarray(np.stack(planes, -1).astype(np.uint8))
    image.save(tmp_path / "picture.jpg", quality=95)
    path = build.model(classifier()).save(tmp_path / "net.om")
    run("image.py", path, tmp_path / "picture.jpg", tmp_path / "y.npy")
    pixels = np.asarray(Image.open(tmp_path / "picture.jpg"))
    small = cv2.resize(pixels, (224, 224), interpolation=cv2.INTER_LINEAR)
    wanted, found = computed(classifier(), small[None])[0], np.load(tmp_path / "y.npy")
    assert found.argmax() == wanted.argmax()
    np.testing.assert_allclose(found, wanted, atol=0.02 * np.abs(wanted).max())


def test_bundle(run: Run, mlp: Any, tmp_path: Path) -> None:
    fresh = mlp.random(7)
    np.savez(tmp_path / "in.npz", x=mlp.x, **fresh)
    run("bundle.py", mlp.path, tmp_path / "in.npz", tmp_path / "out.npz")
    with np.load(tmp_path / "out.npz") as found:
        np.testing.assert_allclose(found["before"], mlp.answer(), rtol=1e-4)
        np.testing.assert_allclose(found["after"], mlp.answer(fresh), rtol=1e-4)

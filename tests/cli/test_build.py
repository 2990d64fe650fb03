"""``acl-bundle build``: of files and of functions, what it writes, and what it refuses."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import om

from .conftest import Run
from .terminal import on_terminal

pytestmark = pytest.mark.usefixtures("fake_acl")

MODELS = '''
"""Functions that make models."""
import onnx

print("importing models")


def model():
    print("making a model")
    return onnx.load("net.onnx")


def path():
    return "net.onnx"


def nowhere():
    return "none.onnx"


def number():
    return 3


def inner():
    raise KeyError("why")


def broken():
    inner()


def leaves():
    raise SystemExit(4)


class Net:
    @staticmethod
    def make():
        return model()


VALUE = 3
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """net.onnx, y = tanh(x @ w) @ v of an open batch, and modules that the command imports."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    onnx.save(
        onnx.parser.parse_model("""
            <ir_version: 8, opset_import: ["": 17]>
            net (float[N,2] x) => (float[N,3] y)
            <float[2,2] w = {1,2,3,4}, float[2,3] v = {1,2,3,4,5,6}>
            { h = MatMul(x, w)  a = Tanh(h)  y = MatMul(a, v) }
        """),
        "net.onnx",
    )
    Path("models.py").write_text(MODELS)
    Path("lacking.py").write_text("import a_module_that_is_not_there\n")
    Path("wrong.py").write_text("def make(:\n")
    yield tmp_path
    for name in ("models", "lacking", "wrong"):
        sys.modules.pop(name, None)


def weights_of(path: str) -> list[str]:
    file = om.open_loadable(Path(path))
    return list(file.variables)


def test_it_says_what_it_wrote(run: Run, folder: Path) -> None:
    done = run("build", "net.onnx", "--input-shape", "x:1,2", "-o", "net.om")
    assert (done.status, done.err) == (0, "")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert lines[0] == f"wrote net.om, {Path('net.om').stat().st_size:,} bytes for the fake"
    assert lines[1:3] == ["inputs: x: float32[1, 2]", "outputs: y: float32[1, 3]"]
    assert {"2 weights can be refreshed", "w float32 2×2 16", "v float32 2×3 24"} <= {*lines}
    with ab.Bundle.load("net.om") as bundle:
        bundle.init()
        bundle.update({"w": np.zeros((2, 2), np.float32)})
        assert bundle.infer(np.ones((1, 2), np.float32)).tolist() == [[0, 0, 0]]


def test_as_json(run: Run, folder: Path) -> None:
    given = ["--weights", "v", "--dynamic-batch", "1,4", "--no-init"]
    data = run("build", "net.onnx", *given, "-o", "net.om", "--json").json
    assert (data["schema"], data["file"], data["warnings"]) == (1, "net.om", [])
    assert data["weights"] == [{"name": "v", "dtype": "float32", "shape": [2, 3], "nbytes": 24}]
    assert data["inputs"] == [{"name": "x", "dtype": "float32", "shape": [-1, 2]}]
    assert len(data["graphs"]) == 2
    with ab.Bundle.load("net.om") as bundle:
        assert bundle.infer.batches == (1, 4)


@pytest.mark.parametrize("options", [["--weights", "w", "v"], ["--weights", "w", "--weights", "v"],
                                     ["--weights", "all"], ["--weights", "[wv]"], []])  # fmt: skip
def test_which_weights(run: Run, folder: Path, options: list[str]) -> None:
    assert run("build", "net.onnx", "--dynamic-shape", "-o", "net.om", *options).status == 0
    assert weights_of("net.om") == ["w", "v"]


def test_gears_of_dims(run: Run, folder: Path) -> None:
    assert run("build", "net.onnx", "--dynamic-dims", "1;5", "-o", "net.om").status == 0
    with ab.Bundle.load("net.om") as bundle:
        bundle.init()
        assert bundle.infer(np.ones((5, 2), np.float32)).shape == (5, 3)


def test_half_precision_and_what_it_leaves_out(run: Run, folder: Path) -> None:
    sizes = []
    for more in ([], ["--dtype", "float16"], ["--dtype", "float16", "--keep-float32", "w"]):
        assert run("build", "net.onnx", "--dynamic-shape", "-o", "net.om", *more).status == 0
        held = om.open_loadable(Path("net.om")).variables
        sizes.append([one.nbytes for one in held.values()])
    assert sizes == [[16, 24], [8, 12], [16, 12]]


@pytest.mark.parametrize("name", ["model", "path", "Net.make"])
def test_a_function_returns_the_model(run: Run, folder: Path, name: str) -> None:
    done = run("build", f"models:{name}", "--dynamic-shape", "-o", "net.om", "--json")
    assert done.status == 0
    assert done.json["file"] == "net.om"
    assert weights_of("net.om") == ["w", "v"]
    assert done.err.startswith("importing models\n"), "stdout is the command's own"


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("none.onnx", "none.onnx: No such file or directory"),
        ("model:model", "there is no module 'model' in "),
        ("model:model", "here are 'models'"),
        ("models.py:model", "a module is named without .py: models"),
        ("models:modell", "models has no 'modell'; it has 'model'"),
        ("models:VALUE", "models:VALUE is a int, no function"),
        ("models:number", "models:number returned 3; a torch module with its example inputs"),
        ("models:nowhere", "models:nowhere returned 'none.onnx', and there is no such file"),
        ("net.om", "net.om is built already"),
        ("w.npz", "w.npz holds weights, and no model; write a function"),
        ("models.py", "models.py"),
    ],
)
def test_what_is_no_model(run: Run, folder: Path, model: str, said: str) -> None:
    for name in ("net.om", "w.npz"):
        Path(name).write_bytes(b"something")
    done = run("build", model, "-o", "out.om")
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert not Path("out.om").exists()
    assert said in run("build", model, "-o", "out.om", "--json").json["error"]["message"]


@pytest.mark.parametrize(
    ("model", "frames", "last"),
    [
        ("models:broken", ["in broken", "in inner"], "KeyError: 'why'"),
        ("models:leaves", ["in leaves"], "SystemExit: 4"),
        ("lacking:make", ["in <module>"], "ModuleNotFoundError: No module named 'a_module_that_is"),
        ("wrong:make", [], "SyntaxError: "),
    ],
)
def test_what_the_users_code_raises_has_its_traceback_alone(
    run: Run, folder: Path, model: str, frames: list[str], last: str
) -> None:
    done = run("build", model, "-o", "out.om")
    assert done.status == 2
    told = done.err.partition("acl-bundle: ")[2]
    assert re.match(r"(importing \w+|\w+:\w+\(\)) raised an exception:\n", told)
    assert re.findall(r"in [\w<>]+$", told, re.MULTILINE) == frames
    assert last in told.splitlines()[-1]
    assert "function.py" not in told
    assert "importlib" not in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--dynamic-shape", "--weights", "z*"],
            "the pattern 'z*' matches no floating-point constant",
        ),
        (
            ["--dynamic-shape", "--weights", "ww"],
            "'ww' is no constant of the model; its constants are 'w', 'v'",
        ),
        (["--dtype", "int8"], "--dtype is 'int8'; float16 or bfloat16 is right"),
        (["--keep-float32", "w"], "--keep-float32 says what --dtype leaves out: give --dtype"),
        (["--dtype", "float16", "--keep-float32", "ww"], "keep_float32 names 'ww', which fits no"),
        (["--input-shape", "x"], "--input-shape has 'x'; name:dim,dim is right"),
        (["--dynamic-batch", "1,x"], "--dynamic-batch has '1,x'; numbers with commas"),
        (["--dynamic-dims", "1,2"], "--dynamic-dims has the gear 1,2; the inputs have 1 open dims"),
        (["--dynamic-hw", "1"], "--dynamic-hw has 1; height,width is right"),
        ([], "a graph is static, but input 'x' has [N, 2]; pass --input-shape NAME:1,3, or --dy"),
        (
            ["--dynamic-axes", "x=0"],
            "--dynamic-axes is for models of torch, and this is one of onnx",
        ),
        (["--signature", "s"], "--signature is for models of tensorflow"),
        (["--alias", "x"], "--alias has 'x'; NAME=WEIGHT is right"),
    ],
)
def test_a_wrong_option_leaves_what_was_there(
    run: Run, folder: Path, options: list[str], said: str
) -> None:
    Path("out.om").write_bytes(b"before")
    done = run("build", "net.onnx", "-o", "out.om", *options)
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert said in done.err
    assert Path("out.om").read_bytes() == b"before"
    assert sorted(one.name for one in folder.iterdir()) == [
        "lacking.py", "models.py", "net.onnx", "out.om", "wrong.py",
    ]  # fmt: skip


def test_it_never_writes_over_the_file_that_a_function_names(run: Run, folder: Path) -> None:
    before = Path("net.onnx").read_bytes()
    done = run("build", "models:path", "--input-shape", "x:1,2", "-o", "net.onnx")
    assert (done.status, done.out) == (2, "")
    assert "write to another file" in done.err
    assert Path("net.onnx").read_bytes() == before


def test_where_it_cannot_write(run: Run, folder: Path) -> None:
    assert "net.onnx is the input net.onnx" in run("build", "net.onnx", "-o", "net.onnx").err
    assert "none: there is no such folder" in run("build", "net.onnx", "-o", "none/out.om").err
    (folder / "out").mkdir()
    assert "out: this is a folder, not a file" in run("build", "net.onnx", "-o", "out").err


def test_on_a_terminal_a_spinner_goes_away(folder: Path) -> None:
    status, shown = on_terminal(["build", "net.onnx", "--dynamic-shape", "-o", "net.om"])
    assert status == 0
    assert "2 weights can be refreshed" in shown
    last = shown.splitlines()
    assert last[-1].strip() == ""
    assert "building" not in "".join(last[last.index("outputs: y: float32[-1, 3]") :])


TORCH = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(x)

NET = Net()

def make():
    return NET, torch.ones(2, 4)

def alone():
    return Net()
"""


def test_a_torch_module_with_example_inputs(run: Run, folder: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    Path("nets.py").write_text(TORCH)
    try:
        done = run("build", "nets:alone", "-o", "net.om")
        assert "nets:alone returned a Net alone; return it with example inputs" in done.err
        assert "nets:NET is a Net, no function" in run("build", "nets:NET", "-o", "net.om").err
        gears = ["--dynamic-batch", "1,2", "-o", "net.om"]
        assert "--dynamic-axes must say which axes" in run("build", "nets:make", *gears).err
        given = ["--dynamic-axes", "x=0", "--weights", "fc.weight"]
        assert run("build", "nets:make", *given, "-o", "net.om").status == 0
        net: Any = sys.modules["nets"].NET
        with ab.Bundle.load("net.om") as bundle:
            bundle.init()
            x = np.ones((5, 4), np.float32)
            expected = net(sys.modules["torch"].from_numpy(x)).detach().numpy()
            np.testing.assert_allclose(bundle.infer(x), expected, rtol=1e-5)
            assert list(bundle.weights) == ["fc.weight"]
        told = run("build", "nets:make", "--weights", "gc.*", "-o", "net.om").err
        assert "weights names 'gc.*'" in told
        assert "fc.weight" in told
    finally:
        sys.modules.pop("nets", None)

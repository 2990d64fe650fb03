"""No command overwrites what it reads, under whatever name: it is refused before any work."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from acl_bundle import build, weights

from .conftest import Run
from .weights_files import left_over, mlp

pytestmark = pytest.mark.usefixtures("fake_acl")

BRANCHES = """
    <ir_version: 8, opset_import: ["": 17]>
    net (bool c) => (float[2] y)
    { y = If (c) <then_branch = a () => (float[2] p) <float[2] big = {1,2}> { p = Identity(big) },
                  else_branch = b () => (float[2] q) <float[2] big = {3,4}> { q = Identity(big) }> }
"""
WEIGHTS = np.ones((8, 4), np.float32)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models, weights and inputs, each with all that lies beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "maker", raising=False)
    onnx.save(mlp(), "m.onnx", save_as_external_data=True, location="m.data", size_threshold=0)
    branches = onnx.parser.parse_model(BRANCHES)
    for attribute in branches.graph.node[0].attribute:
        for tensor in attribute.g.initializer:  # as bytes, which alone may lie beside the model
            tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    onnx.save(branches, "if.onnx", save_as_external_data=True, location="if.data", size_threshold=0)
    build.from_onnx(mlp(), ["fc.weight"]).save("m.om")
    Path("m.om.json").write_text("{}")
    weights.save({"fc.weight": WEIGHTS}, "w.safetensors")
    weights.save({"fc.weight": WEIGHTS}, "w-00001-of-00001.safetensors")
    Path("w.safetensors.index.json").write_text(
        '{"weight_map": {"fc.weight": "w-00001-of-00001.safetensors"}}'
    )
    np.savez("in.npz", x=np.ones((1, 8), np.float32))
    np.save("x.npy", np.ones((1, 8), np.float32))
    Path("maker.py").write_text("def make(): return 'm.onnx'\n")
    Path("calls.jsonl").write_text("\n")
    Path("saved/variables").mkdir(parents=True)
    for name in ("saved/saved_model.pb", "saved/variables/variables.data-00000-of-00001"):
        Path(name).write_bytes(b"anything")
    for name in ("ck.index", "ck.meta", "ck.data-00000-of-00001"):
        Path(name).write_bytes(b"anything")
    return tmp_path


ROWS = [  # the words, where OUT is the output and its suffix, and what it must not overwrite
    ("build m.onnx -o OUT.om", "m.onnx"),
    ("build m.onnx -o OUT.om", "m.data"),
    ("build if.onnx -o OUT.om", "if.data"),
    ("build maker:make -o OUT.om", "m.onnx"),
    ("build maker:make -o OUT.om", "m.data"),
    ("build maker:make -o OUT.om", "maker.py"),
    ("build saved -o OUT.om", "saved/saved_model.pb"),
    ("build saved -o OUT.om", "saved/variables/variables.data-00000-of-00001"),
    ("build ck -o OUT.om", "ck.data-00000-of-00001"),
    ("build ck.meta -o OUT.om", "ck.index"),
    ("build saved/saved_model.pb --checkpoint ck -o OUT.om", "ck.meta"),
    ("compile m.onnx --weights all --soc Ascend910B3 -o OUT.om", "m.data"),
    ("compile m.onnx --program m.om.json --soc Ascend910B3 -o OUT.om", "m.om.json"),
    ("run m.om --inputs in.npz -o OUT.npz", "in.npz"),
    ("run m.om --inputs x=x.npy -o OUT.npz", "x.npy"),
    ("run m.om -o OUT.npz", "m.om"),
    ("run m.om -o OUT.npz", "m.om.json"),
    ("run m.om --weights w.safetensors.index.json -o OUT.npz", "w-00001-of-00001.safetensors"),
    ("run m.om --compare onnx:m.onnx -o OUT.npz", "m.data"),
    ("bench m.onnx --csv OUT.csv", "m.data"),
    ("bench m.onnx --plot OUT.png", "m.data"),
    ("bench m.om --inputs in.npz --csv OUT.csv", "in.npz"),
    ("precision m.onnx --layers -o OUT.cfg", "m.data"),
    ("precision m.onnx --layers --inputs x=x.npy -o OUT.cfg", "x.npy"),
    ("update m.om --weights w.safetensors -o OUT.om", "w.safetensors"),
    ("update m.om --weights w.safetensors -o OUT.om", "m.om.json"),
    ("weights convert w.safetensors.index.json OUT.npz", "w-00001-of-00001.safetensors"),
    ("weights freeze w.safetensors m.onnx OUT.onnx", "m.data"),
    ("weights match m.onnx w.safetensors --out OUT", "m.data"),
    ("weights sparsify w.safetensors OUT.npz --record masks --layout *=kn", "w.safetensors"),
    ("inspect m.om --extract 0 OUT.om", "m.om"),
    ("fake trace calls.jsonl --chrome OUT.json", "calls.jsonl"),
    (f"record -o OUT -- {sys.executable} maker.py", "maker.py"),
]  # fmt: skip


@pytest.mark.parametrize("kind", ["hard link", "symbolic link"])
@pytest.mark.parametrize(("words", "read"), ROWS)
def test_what_is_read_is_not_written(
    run: Run, folder: Path, words: str, read: str, kind: str
) -> None:
    called = next(word for word in words.split() if word.startswith("OUT"))
    if kind == "hard link":
        os.link(read, called)
    else:
        Path(called).symlink_to(read)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = run(*words.split())
    assert (done.status, done.out) == (2, "")
    assert f"{called} is the input " in done.err.replace(f"{folder}/", "")
    left = {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in str(path)}
    assert left == {*before}
    assert all(path.read_bytes() == data for path, data in before.items())
    assert left_over(folder) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("build m.onnx -o none/OUT.om", "none: there is no such folder"),
        ("build m.onnx -o saved", "saved: this is a folder, not a file"),
        ("build m.onnx -o /dev/full", "/dev/full: this is no regular file but a character device"),
        ("compile m.onnx --weights all --soc X -o /dev/full", "/dev/full: this is no regular"),
        ("run m.om -o none/OUT.npz", "none: there is no such folder"),
        ("bench m.om --csv saved", "file 'saved' is a directory"),
        ("bench m.om --plot none/OUT.png", "none: there is no such folder"),
        ("bench m.om --csv OUT.png --plot OUT.png", "OUT.png and OUT.png are one file"),
        ("conform -o none/OUT.json", "none: there is no such folder"),
        ("inspect m.om --extract 0 saved", "saved: this is a folder, not a file"),
        ("fake trace calls.jsonl --chrome /dev/full", "/dev/full: this is no regular file"),
        ("record -o none/OUT -- true", "none: there is no such folder"),
        ("record -o saved -- true", "saved: this is a folder, not a file"),
        ("weights match m.onnx w.safetensors --out none/OUT", "none: there is no such folder"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_written_is_told_before_any_work(
    run: Run, folder: Path, words: str, said: str
) -> None:
    before = set(folder.rglob("*"))
    done = run(*words.split())
    assert (done.status, done.out) == (2, "")
    assert said in done.err
    assert set(folder.rglob("*")) == before


def test_an_older_output_is_replaced(run: Run, folder: Path) -> None:
    Path("m.om.json").unlink()
    for words in ("build m.onnx -o m.om", "build maker:make -o m.om", "run m.om -o out.npz"):
        for _ in range(2):
            assert run(*words.split()).status == 0


def test_a_report_is_compared_or_written(run: Run, folder: Path) -> None:
    done = run("conform", "--compare", "report.json", "-o", "other.json")
    assert done.status == 2
    assert "--compare reads a report: --output and --library write one" in done.err

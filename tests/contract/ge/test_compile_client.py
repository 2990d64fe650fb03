"""A C++ program written for GE's compiler, on the stand-in for it; under both string ABIs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import acl_bundle as ab

from ..clients.test_c_client import SCALE, X, answer, client, network, outputs
from ..face import ROOT, Acl

__all__ = ["client"]  # a fixture

HEADERS = ROOT / "acl_bundle" / "build" / "chip" / "include"
LINKED = ("ge_compiler", "graph", "graph_base", "fmk_onnx_parser", "ascendcl")


@pytest.fixture(scope="module", params=[0, 1], ids=lambda abi: f"abi{abi}")
def compiler(
    request: pytest.FixtureRequest, _library: Acl, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The compiled program."""
    program = tmp_path_factory.mktemp("compiler") / "compile_client"
    command = [
        os.environ.get("CXX", "c++"), "-std=c++17", "-Wall", "-Wextra", "-Werror",
        f"-D_GLIBCXX_USE_CXX11_ABI={request.param}", "-I", HEADERS,
        Path(__file__).with_name("compile_client.cc"), "-o", program,
        "-L", _library.path.parent, *(f"-l{one}" for one in LINKED),
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return program


def compiled(
    program: Path, acl: Acl, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it where only the environment leads to the library and to Python."""
    return subprocess.run(
        [program, *arguments],
        env={
            **os.environ,
            "LD_LIBRARY_PATH": str(acl.path.parent),
            "ACL_BUNDLE_PYTHON": sys.executable,
            **environment,
        },
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_its_bundle_computes_what_onnxruntime_computes(
    compiler: Path, client: Path, acl: Acl, tmp_path: Path
) -> None:
    onnx.save(network(SCALE), tmp_path / "network.onnx")
    done = compiled(
        compiler, acl, tmp_path / "network.onnx", tmp_path / "made", "scale_Initializer_1"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["dense_Initializer_0", "scale_Initializer_1"]
    got = outputs(client, acl, tmp_path / "made.om")
    for one, want in zip(got, [answer(SCALE), *[answer(SCALE * 2)] * 2], strict=True):
        assert np.array_equal(one, want)


@pytest.mark.usefixtures("fake_acl")
def test_its_bundle_has_the_authors_names(compiler: Path, acl: Acl, tmp_path: Path) -> None:
    onnx.save(network(SCALE), tmp_path / "network.onnx")
    names = ("scale_Initializer_1", "dense_Initializer_0")
    assert (
        compiled(compiler, acl, tmp_path / "network.onnx", tmp_path / "made", *names).returncode
        == 0
    )
    with ab.Bundle.load(tmp_path / "made.om") as bundle:
        assert list(bundle.weights) == ["scale", "dense"]
        assert [one.name for one in bundle.infer.outputs] == ["Tanh_2:0"]
        bundle.init()
        bundle.update({"scale": SCALE * 2})
        assert np.array_equal(bundle.infer(X), answer(SCALE * 2))


def test_without_python_it_says_what_is_missing(compiler: Path, acl: Acl, tmp_path: Path) -> None:
    onnx.save(network(SCALE), tmp_path / "network.onnx")
    done = compiled(compiler, acl, tmp_path / "network.onnx", "made", ACL_BUNDLE_PYTHON="")
    assert done.returncode == 1
    assert (
        "aclgrphParseONNX returned 4294967295: aclgrphParseONNX: ACL_BUNDLE_PYTHON is not set"
        in done.stderr
    )
    done = compiled(
        compiler, acl, tmp_path / "network.onnx", "made", ACL_BUNDLE_PYTHON="/no/python"
    )
    assert "/no/python: not found" in done.stderr

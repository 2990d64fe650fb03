"""``acl-bundle compile``: what it prints, and its exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

import acl_bundle as ab
from acl_bundle import build, om

from .conftest import Network, X


def acl_bundle(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "compile", *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.fixture
def model(network: Network, tmp_path: Path) -> Path:
    path = tmp_path / "network.onnx"
    onnx.save(network.model("N"), path)
    return path


def test_it_says_what_it_wrote(model: Path, tmp_path: Path) -> None:
    out = tmp_path / "chip.om"
    done = acl_bundle(
        model, "--weights", "w", "s", "--soc", "Ascend310P3", "--dynamic-batch", "1,4", "-o", out
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"wrote {out}, {out.stat().st_size:,} bytes for Ascend310P3, and {out}.json",
        "2 weights can be refreshed",
        "  w: float32[4, 3]",
        "  s: float32[3]",
    ]
    bundle = om.open_bundle(out)
    assert list(bundle.variables) == ["w", "s"]
    assert bundle.models[0].gears is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--input-shape", "xs:3,4"], {"input_shape": "xs:3,4"}),
        (["--dynamic-dims", "2;6"], {"input_shape": "xs:-1,4", "ge.dynamicDims": "2;6"}),
        (["--dynamic-shape"], {"input_shape": "xs:-1,4"}),
    ],
)
def test_json_is_the_manifest(
    model: Path, tmp_path: Path, options: list[str], said: dict[str, str]
) -> None:
    out = tmp_path / "chip.om"
    soc = ["--soc", "Ascend910B3", "--precision", "fp16"]
    done = acl_bundle(model, "--weights", "all", *soc, *options, "-o", out, "--json")
    assert done.returncode == 0, done.stderr
    data = json.loads(done.stdout)
    assert data.pop("schema") == 1
    assert data == json.loads(Path(f"{out}.json").read_text())
    assert data["options"]["infer"] == {"input_format": "ND", **said}
    assert data["options"]["global"]["ge.exec.precision_mode_v2"] == "fp16"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--weights", "nothing"], "'nothing' is no constant of the model"),
        ([], "no --weights; name the constants that an update is to take, or all"),
        (["--weights", "w", "--input-shape", "xs"], "--input-shape has 'xs'; name:dim,dim"),
        (["--weights", "w", "--dynamic-batch", "1,x"], "--dynamic-batch has '1,x'; numbers"),
        (["--weights", "w", "--dynamic-dims", "1,2"], "--dynamic-dims has the gear 1,2"),
        (["--weights", "w", "--dynamic-hw", "1,2"], "--dynamic-hw is given, but"),
        (["--weights", "w"], "input 'xs' has [N, 4]"),
        (["--weights", "w", "--alias", "tied"], "--alias has 'tied'; NAME=WEIGHT is right"),
        (["--weights", "w", "--alias", "t=w", "--alias", "t=b"], "that it is 'w' and 'b'"),
        (["--weights", "w", "--program", "w.program"], "leave out weights"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    model: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    done = acl_bundle(model, *arguments, "--soc", "Ascend910B3", "-o", tmp_path / "chip.om")
    assert done.returncode == 2
    assert done.stderr.startswith("acl-bundle: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "chip.om").exists()


def test_unused_and_other_names(
    network: Network, model: Path, tmp_path: Path, fake_acl: object
) -> None:
    out = tmp_path / "chip.om"
    done = acl_bundle(
        model, "w", "s", "--unused", "*.step", "--unused", "late*", "--alias", "tied=w",
        "--input-shape", "xs:2,4", "--no-fold", "--soc", "Ascend910B3", "-o", out,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with ab.Bundle.load(out) as bundle:
        bundle.init()
        assert bundle.update.aliases == {"tied": "w"}
        new = -network.weights["w"]
        bundle.update({"tied": new, "net.step": np.int64(1), "later": new})
        np.testing.assert_allclose(bundle.infer(X), network.answer(X, w=new), rtol=1e-5)


def test_a_program_in_place_of_weights(network: Network, model: Path, tmp_path: Path) -> None:
    trained = {f"net.{name}": value for name, value in network.weights.items()}
    build.match(model, trained).save(tmp_path / "found.program")
    done = acl_bundle(
        model, "--program", tmp_path / "found.program", "--input-shape", "xs:2,4",
        "--soc", "Ascend910B3", "-o", tmp_path / "chip.om",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "  net.w: float32[4, 3]" in done.stdout.splitlines()
    shown = subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "inspect", tmp_path / "chip.om"],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "  net.w -> as it is -> w: float32[4, 3]" in shown.stdout


def test_a_file_of_weights_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "sd.npz", w=np.ones(3))
    done = acl_bundle(
        tmp_path / "sd.npz", "all", "--soc", "Ascend910B3", "-o", tmp_path / "chip.om"
    )
    assert done.returncode == 2
    assert "is no ONNX model: this is an .npz archive of numpy, weights alone" in done.stderr

"""The files that the rows name: small models of one layer, and what is no model at all.

`bundle` computes ``y = x * w + b`` of float32[4] with w and b to be updated, at first 1, 2, 3, 4
and 10. `model` computes ``y = x * 2`` of float32[4], and `gears` that of 2 or 4 rows. For a chip
CANN's toolkit compiles them, for the fake they are built here.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any

from acl_bundle.errors import AclBundleError

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["MODELS", "Kit", "make", "plain"]

MODELS = ("bundle", "gears", "model")
GEARS = [2, 4]


@dataclass(frozen=True)
class Kit:
    """The files that could be made.

    Attributes:
        files: Path by name.
        missing: Why a file is not there, by name.
    """

    files: Mapping[str, Path]
    missing: Mapping[str, str]


def plain(folder: Path) -> dict[str, Path]:
    """Write what is no model: a few bytes, nothing, no file, a folder, a ZIP file's beginning."""
    contents = {
        "empty": b"",
        "small": b"abc",
        "noise": b"x" * 1000,
        "zip": b"PK\3\4" + bytes(1000),
    }
    for name, content in contents.items():
        (folder / f"{name}.om").write_bytes(content)
    found = {name: folder / f"{name}.om" for name in contents}
    return {**found, "folder": folder, "nowhere": folder / "nowhere.om"}


def _onnx(rows: int | str | None, weights: Mapping[str, list[float]]) -> ModelProto:
    """``x * w``, and ``+ b`` where there is a b, of rows of four."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    shape: list[int | str] = [4] if rows is None else [rows, 4]
    made: list[Any] = [
        helper.make_tensor(name, TensorProto.FLOAT, [len(values)], values)
        for name, values in weights.items()
    ]
    last = "xw" if "b" in weights else "y"
    nodes = [helper.make_node("Mul", ["x", "w"], [last])]
    if "b" in weights:
        nodes.append(helper.make_node("Add", [last, "b"], ["y"]))
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "conform", ends[:1], ends[1:], made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def _sources() -> dict[str, tuple[ModelProto, list[str]]]:
    """Each model, and its weights."""
    both = {"w": [1.0, 2.0, 3.0, 4.0], "b": [10.0] * 4}
    double = {"w": [2.0] * 4}
    return {
        "bundle": (_onnx(None, both), ["w", "b"]),
        "gears": (_onnx("n", double), []),
        "model": (_onnx(None, double), []),
    }


def _for_fake(name: str, path: Path) -> None:
    from acl_bundle import build  # noqa: PLC0415

    model, weights = _sources()[name]
    if weights:
        build.from_onnx(model, weights=weights).save(path)
    elif name == "gears":
        build.model(model, dynamic_batch=GEARS).save(path)
    else:
        build.model(model).save(path)


def _for_chip(soc: str) -> Callable[[str, Path], None]:
    def compiled(name: str, path: Path) -> None:
        from acl_bundle import build  # noqa: PLC0415

        model, weights = _sources()[name]
        if weights:
            build.compile(model, weights, path, soc=soc)
        else:
            _atc(model, path, soc, gears=name == "gears")

    return compiled


def _atc(model: ModelProto, path: Path, soc: str, *, gears: bool) -> None:
    """Compile a plain model by the toolkit's own command."""
    source = path.with_suffix(".onnx")
    source.write_bytes(model.SerializeToString())
    command = ["atc", "--framework=5", f"--model={source}", f"--output={path.with_suffix('')}"]
    command += [f"--soc_version={soc}", "--precision_mode_v2=origin"]
    if gears:
        sizes = ",".join(map(str, GEARS))
        command += ["--input_shape=x:-1,4", f"--dynamic_batch_size={sizes}", "--input_format=ND"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode or not path.exists():
        said = (done.stdout + done.stderr).strip().splitlines() or ["it said nothing"]
        raise OSError(f"atc ended with status {done.returncode}: {said[-1]:.200}")


def make(folder: Path, soc: str | None, needed: Collection[str] = MODELS) -> Kit:
    """Make the files in a folder.

    Args:
        folder: An empty one.
        soc: The chip that models are compiled for; None for the fake.
        needed: Names of the models that are made.
    """
    files, missing = plain(folder), {}
    save = _for_fake if soc is None else _for_chip(soc)
    for name in [one for one in MODELS if one in needed]:
        path = folder / f"{name}.om"
        try:
            save(name, path)
        except (AclBundleError, ImportError, OSError, ValueError, TimeoutExpired) as error:
            missing[name] = f"{name}.om could not be made: {error}".splitlines()[0]
        else:
            files[name] = path
    return Kit(files, missing)

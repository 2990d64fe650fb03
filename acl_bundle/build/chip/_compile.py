"""From an ONNX model to a bundle that a chip runs, and its manifest."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, overload

from acl_bundle._base.atomic import check_apart
from acl_bundle._base.files import Path_
from acl_bundle.build._onnx.load import Source
from acl_bundle.build._origin.origin import Origin
from acl_bundle.build._origin.selection import Choice
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build._shapes.ranges import Bounds
from acl_bundle.build._shapes.shapes import Shapes
from acl_bundle.build.chip import options, toolkit
from acl_bundle.build.chip._prepare import Prepared, prepare
from acl_bundle.build.chip._saved import checked, found, put
from acl_bundle.build.chip.run import Answer, run
from acl_bundle.build.result import Bundle
from acl_bundle.om import Manifest
from acl_bundle.om._bundle import manifest
from acl_bundle.weight_program import Given, to_bytes

_SLICE = 64 << 20


@dataclass(frozen=True)
class Compiled:
    """A bundle that GE compiled.

    Attributes:
        path: Of the bundle.
        manifest: What stands beside it, in ``<path>.json``.
    """

    path: Path
    manifest: Manifest


@overload
def compile(model: Bundle, *, out: Path_, soc: str, precision: str = "origin") -> Compiled: ...


@overload
def compile(
    model: Source,
    weights: Choice | None,
    out: Path_,
    *,
    soc: str,
    program: Given | None = None,
    input_shapes: Shapes | None = None,
    dynamic_batch: Sequence[int] | None = None,
    dynamic_hw: Sequence[tuple[int, int]] | None = None,
    dynamic_dims: DimGears | None = None,
    dynamic_shape: bool | Bounds = False,
    precision: str = "origin",
    fold: bool = True,
    aliases: Mapping[str, str] | None = None,
    unused: Sequence[str] = (),
) -> Compiled: ...


def compile(
    model: Source | Bundle,
    weights: Choice | None = None,
    out: Path_ | None = None,
    *,
    soc: str,
    program: Given | None = None,
    input_shapes: Shapes | None = None,
    dynamic_batch: Sequence[int] | None = None,
    dynamic_hw: Sequence[tuple[int, int]] | None = None,
    dynamic_dims: DimGears | None = None,
    dynamic_shape: bool | Bounds = False,
    precision: str = "origin",
    fold: bool = True,
    aliases: Mapping[str, str] | None = None,
    unused: Sequence[str] = (),
) -> Compiled:
    """Compile a refreshable bundle for a chip, by GE; blocks until it is done, minutes maybe.

    Needs CANN's toolkit (8.0.RC3 or newer) with the chip's kernels and a C++
    compiler, but no NPU. GE runs in a child process, which ends with this call
    whatever happens. Beside the bundle comes a manifest, ``<out>.json``, which
    `Bundle.load` reads.

        build.compile(build.from_torch(net, x), out="net.om", soc="Ascend910B3")

    Args:
        model: Path, bytes or ``ModelProto`` of an ONNX model of less than 2 GB. Or what
            `from_torch`, `from_tensorflow` or `from_onnx` gave: the chip's file takes the
            weights, other names, unused names and shapes that were chosen there, so only
            ``out``, ``soc`` and ``precision`` are given here. Such an object holds the ONNX
            model, and so the weights, in memory as long as it lives (`Bundle.origin`).
        weights: As for `from_onnx`.
        out: The bundle to write; it is there whole or not at all.
        soc: The chip, such as ``"Ascend910B3"``.
        program: As for `from_onnx`; ``weights`` is None then.
        input_shapes: As for `from_onnx`, and so with the next four.
        dynamic_batch: Gears of the first dim.
        dynamic_hw: Gears of height and width.
        dynamic_dims: Gears of any dims.
        dynamic_shape: Whether open dims stay open, or their bounds.
        precision: GE's precision mode, a value of ``precision_mode_v2`` or of
            ``precision_mode``. ``"origin"`` keeps the model's dtypes, as the
            fake does; GE's own default, ``"fp16"``, computes float32 in half
            precision.
        fold: As for `from_onnx`: what depends on weights alone becomes a weight
            program, in ``<out>.program``, and GE compiles what is left.
        aliases: As for `from_onnx`.
        unused: As for `from_onnx`.

    Raises:
        WeightError: A name in ``weights`` or ``aliases`` is wrong.
        ValueError: The model, a shape or an option does not fit; ``out`` is missing.
        TypeError: ``model`` is none of the above.
        CompileError: No toolkit or C++ compiler is here, or GE failed; it has
            the step and GE's words.
        OSError: A file cannot be read or written.
    """
    shapes = (input_shapes, dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape)
    if isinstance(model, Bundle):
        asked = _again(model, Origin(b"", weights, program, *shapes, fold, aliases, unused))
    else:
        asked = Origin(model, weights, program, *shapes, fold, aliases, unused)
    if out is None:
        raise ValueError("out is missing; name the bundle to write, out='policy.om'")
    return _compiled(asked, out, soc, precision)


def _again(made: Bundle, asked: Origin) -> Origin:
    """What a bundle was built from; nothing else may be asked for."""
    origin: Origin | None = made.origin
    if origin is None:
        raise ValueError(
            f"{made} was not built from an ONNX model, a torch or a TensorFlow model; give the"
            " ONNX model"
        )
    every = (one for one in fields(asked) if one.name != "model")
    twice = [one.name for one in every if getattr(asked, one.name) != one.default]
    if twice:
        raise ValueError(
            f"{', '.join(twice)}: said already when the bundle was built; leave it out here, or"
            " build the bundle with it"
        )
    return origin


def _compiled(asked: Origin, out: Path_, soc: str, precision: str) -> Compiled:
    source = [asked.model] if isinstance(asked.model, str | os.PathLike) else []
    check_apart(out, *source)
    prepared = prepare(asked)
    said = (options.of_process(soc, precision), options.of_infer(prepared.model.graph, asked))
    libraries = toolkit.find()
    caller = toolkit.program(libraries)
    with tempfile.TemporaryDirectory(prefix="acl-bundle-") as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(prepared.model.SerializeToString())
        answer = run(caller, libraries, folder, _request(folder, prepared, *said))
        saved = found(folder)
        made = _manifest(out, prepared, saved, _about(said, answer, asked.model, saved))
        put(saved, out, made)
    return Compiled(Path(out), made)


def _request(
    folder: Path, prepared: Prepared, process: Mapping[str, str], infer: Mapping[str, str]
) -> list[tuple[str, str]]:
    return [
        ("model", str(folder / "model.onnx")),
        ("output", str(folder / "bundle")),
        *(("constant", one.ge_name) for one in prepared.weights),
        *((f"global.{key}", value) for key, value in process.items()),
        *((f"infer.{key}", value) for key, value in infer.items()),
    ]


def _about(
    said: tuple[Mapping[str, str], Mapping[str, str]], answer: Answer, model: Source, saved: Path
) -> dict[str, Any]:
    named = {"file": Path(model).name} if isinstance(model, str | os.PathLike) else {}
    return {
        "soc": said[0]["ge.socVersion"],
        "cann": answer.cann,
        "ir": answer.ir,
        "options": {"global": dict(said[0]), "infer": dict(said[1])},
        "onnx": {**named, "sha256": _digest(model)},
        "sha256": _digest(saved),
    }


def _digest(source: Source | Path) -> str:
    found = hashlib.sha256()
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            while piece := file.read(_SLICE):
                found.update(piece)
    else:
        found.update(source if isinstance(source, bytes) else source.SerializeToString())
    return found.hexdigest()


def _manifest(out: Path_, prepared: Prepared, saved: Path, about: dict[str, Any]) -> Manifest:
    """What stands beside the bundle, once that has what was asked for."""
    file = checked(saved, {one.ge_name for one in prepared.weights})
    sources = prepared.program.sources
    rows = [{"name": s.name, "dtype": s.dtype.name, "shape": [*(s.shape or ())]} for s in sources]
    kept = memoryview(to_bytes(prepared.program)) if prepared.program.is_needed else None
    told = {**about, "sources": rows}
    return Manifest(
        manifest.path_of(out), prepared.weights, len(file.data), kept, told, file.digest
    )

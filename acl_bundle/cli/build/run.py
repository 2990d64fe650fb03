"""``acl-bundle build``: find the model, build it, write it whole, and say what it takes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from acl_bundle import build, dtypes
from acl_bundle._base.atomic import check_apart
from acl_bundle.cli.build import shapes
from acl_bundle.cli.build.models import FoundModel, find
from acl_bundle.cli.compile.run import aliases
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.console import Console
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.errors import visible
from acl_bundle.om import TensorInfo
from acl_bundle.om._container.gears import INPUT_NAME

_HALVES: Final = ("", "float16", "bfloat16")
_ALONE: Final = {
    "onnx": ("alias", "unused", "dynamic_dims", "keep_float32_layer"),
    "torch": ("dynamic_axes",),
    "tensorflow": ("inputs", "outputs", "checkpoint", "signature"),
}


@dataclass(frozen=True)
class BuildWish:
    """What a person typed: see `build.from_onnx`, `from_torch` and `from_tensorflow`."""

    model: str
    out: Path
    weights: Sequence[str]
    dtype: str
    keep_float32: Sequence[str]
    keep_float32_layer: Sequence[str]
    init: bool
    fold: bool
    input_shape: str
    dynamic_batch: str
    dynamic_hw: str
    dynamic_dims: str
    dynamic_shape: bool
    dynamic_axes: Sequence[str]
    alias: Sequence[str]
    unused: Sequence[str]
    inputs: Sequence[str]
    outputs: Sequence[str]
    checkpoint: Path | None
    signature: str


def run(wish: BuildWish, as_json: bool) -> None:
    """Build and write a bundle, and print what it holds.

    Raises:
        AclBundleError, ValueError, OSError: As for `find` and for the function of `build`.
    """
    if wish.dtype not in _HALVES:
        raise ValueError(f"--dtype is {wish.dtype!r}; float16 or bfloat16 is right")
    if wish.keep_float32 and not wish.dtype:
        raise ValueError("--keep-float32 says what --dtype leaves out: give --dtype")
    if wish.keep_float32_layer and not wish.dtype:
        raise ValueError("--keep-float32-layer says what --dtype leaves out: give --dtype")
    check_writable([wish.out], [wish.model, wish.checkpoint])
    with _spinner(f"building {wish.out}"):
        found = find(wish.model)
        if isinstance(found.model, Path):  # a function of the user's may have named it
            check_writable([wish.out], [found.model])
        check_apart(wish.out, *_modules())
        _check(found, wish)
        made, said = _built(found, wish)
    made.save(wish.out)
    for text in said:
        print(f"acl-bundle: warning: {visible(text)}", file=sys.stderr)
    _show(made, wish, said, as_json)


def _modules() -> list[Path]:
    """The files of all modules: a function of the user's lies in some. Nothing lies behind one."""
    found = [getattr(one, "__dict__", {}).get("__file__") for one in [*sys.modules.values()]]
    return [*map(Path, filter(None, found))]


def _check(found: FoundModel, wish: BuildWish) -> None:
    """Refuse options that this kind of model does not have."""
    for kind, names in _ALONE.items():
        given = [name for name in names if getattr(wish, name)]
        if kind != found.kind and given:
            option = {"inputs": "input", "outputs": "output-name"}.get(given[0], given[0])
            raise ValueError(
                f"--{option.replace('_', '-')} is for models of {kind}, and this is one of"
                f" {found.kind}"
            )
    if found.kind == "torch" and wish.input_shape:
        raise ValueError("--input-shape is not for a torch module: its example inputs say it")


def _built(found: FoundModel, wish: BuildWish) -> tuple[build.Bundle, list[str]]:
    """Build, and return the bundle with what was warned of."""
    given: dict[str, Any] = {
        "dynamic_batch": shapes.batches(wish.dynamic_batch),
        "dynamic_hw": shapes.sizes(wish.dynamic_hw),
        "dynamic_shape": wish.dynamic_shape,
        "precision": wish.dtype or None,
        "keep_float32": tuple(wish.keep_float32),
        "init": wish.init,
        "fold": wish.fold,
    }
    chosen = None if list(wish.weights) in ([], ["all"]) else list(wish.weights)
    with warnings.catch_warnings(record=True) as caught, redirect_stdout(sys.stderr):
        warnings.simplefilter("always", UserWarning)
        made = {"onnx": _onnx, "torch": _torch, "tensorflow": _tensorflow}[found.kind](
            found, wish, chosen, given
        )
    told = (str(one.message) for one in caught if issubclass(one.category, UserWarning))
    return made, [*dict.fromkeys(told)]


def _onnx(
    found: FoundModel, wish: BuildWish, chosen: list[str] | None, given: dict[str, Any]
) -> build.Bundle:
    pinned = shapes.input_shapes(wish.input_shape)
    return build.from_onnx(
        found.model,
        chosen or "all",
        input_shapes=pinned,
        dynamic_dims=shapes.dims(wish.dynamic_dims, found.model, pinned),
        aliases=aliases(wish.alias),
        unused=tuple(wish.unused),
        keep_float32_layers=tuple(wish.keep_float32_layer),
        **given,
    )


def _torch(
    found: FoundModel, wish: BuildWish, chosen: list[str] | None, given: dict[str, Any]
) -> build.Bundle:
    dynamic: dict[str, list[int]] = {}
    for text in wish.dynamic_axes:
        name, sign, axes = text.partition("=")
        if not (name and sign and axes):
            raise ValueError(f"--dynamic-axes is {text!r}; NAME=0,1 is right")
        dynamic[name] = shapes.numbers("--dynamic-axes", axes)
    return build.from_torch(found.model, found.example, chosen, dynamic=dynamic or None, **given)


def _tensorflow(
    found: FoundModel, wish: BuildWish, chosen: list[str] | None, given: dict[str, Any]
) -> build.Bundle:
    return build.from_tensorflow(
        found.model,
        inputs=list(wish.inputs) or None,
        outputs=list(wish.outputs) or None,
        weights=chosen,
        checkpoint=None if wish.checkpoint is None else str(wish.checkpoint),
        signature=wish.signature or None,
        input_shapes=shapes.input_shapes(wish.input_shape),
        **given,
    )


@contextmanager
def _spinner(what: str) -> Iterator[None]:
    """Show how long it takes: on stderr, and only where somebody can see it move."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stdout=False,
    ) as shown:
        shown.add_task(what, total=None)
        yield


def _show(made: build.Bundle, wish: BuildWish, said: Sequence[str], as_json: bool) -> None:
    inputs = [one for one in made.inputs if one.name != INPUT_NAME]
    ends = {"inputs": inputs, "outputs": made.outputs}
    weights = [
        {"name": one.name, "dtype": one.dtype.name, "shape": one.shape, "nbytes": one.nbytes}
        for one in made.weights.values()
    ]
    if as_json:
        output.document({
            "file": wish.out,
            "nbytes": made.nbytes,
            "graphs": made.graphs,
            **{name: [_tensor(one) for one in infos] for name, infos in ends.items()},
            "weights": weights,
            "warnings": said,
        })  # fmt: skip
        return
    output.line(f"wrote {wish.out}, {made.nbytes:,} bytes for the fake")
    for name, infos in ends.items():
        output.line(f"{name}: {', '.join(map(str, infos))}")
    output.table(f"{len(weights)} weights can be refreshed", weights)


def _tensor(info: TensorInfo) -> dict[str, Any]:
    return {"name": info.name, "dtype": dtypes.short_name(info.dtype), "shape": info.dims}

"""``acl-bundle precision``: the search, a bar while it goes on, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn

from acl_bundle import answers, precision
from acl_bundle import weights as files
from acl_bundle.answers import InputChoice
from acl_bundle.answers.side import Arrays
from acl_bundle.cli.precision import show
from acl_bundle.cli.shell.console import Console
from acl_bundle.cli.shell.status import DIFFERENT
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.compare import Tolerance
from acl_bundle.spec import TensorSpec


@dataclass(frozen=True)
class PrecisionWish:
    """What was asked for.

    Attributes:
        path: An .om file, or an ONNX model.
        dtype: The half precision.
        tolerance: What outputs may differ.
        inputs: Where inputs come from.
        samples: How many random inputs to compare on.
        weights: A file of float32 weights; None for what the model has.
        layers: Find layers, not weights.
        out: Where the layers' names are written for atc; None for nowhere.
        device: Which device.
        as_json: Print JSON.
    """

    path: Path
    dtype: str
    tolerance: Tolerance
    inputs: InputChoice
    samples: int
    weights: Path | None
    layers: bool
    out: Path | None
    device: int
    as_json: bool


def run(wish: PrecisionWish) -> None:
    """Search, and print which weights must stay, or which layers.

    Raises:
        Exit: Some must stay, or the tolerance is not met.
        AclBundleError, ValueError, OSError: As for `acl_bundle.precision`.
    """
    precision.half_type(wish.dtype)
    found = _layers(wish) if wish.layers else _weights(wish)
    if found.kept or not found.met:
        raise typer.Exit(DIFFERENT)


def _weights(wish: PrecisionWish) -> precision.KeepFloat32:
    if wish.out is not None:
        raise ValueError("-o is for the names of layers: give --layers")
    begun = perf_counter()
    with ExitStack() as stack:
        bundle, where = precision.load(stack, wish.path, wish.device)
        given = _inputs(bundle.infer.inputs, bundle.infer.batches, wish)
        values = None if wish.weights is None else stack.enter_context(files.open(wish.weights))
        weights = precision.RoundedWeights(bundle, given, wish.dtype, wish.tolerance, values)
        with _watched("weights") as watch:
            found = precision.find(weights, watch)
    show.weights(_searched(wish, str(where), given, begun), where, found, wish.as_json)
    return found


def _layers(wish: PrecisionWish) -> precision.KeepFloat32Layers:
    _check_layers(wish)
    begun = perf_counter()
    with _watched("layers") as watch:
        model = precision.LayeredModel(wish.path, wish.dtype)
        given = _inputs(model.inputs, (), wish)
        found = precision.find_layers(precision.RoundedLayers(model, given, wish.tolerance), watch)
    if wish.out is not None:
        precision.save_keep_dtype(found.names, wish.out)
    show.layers(_searched(wish, model.where, given, begun), found, wish.out, wish.as_json)
    return found


def _check_layers(wish: PrecisionWish) -> None:
    """Refuse, before any work, what layers are not found with."""
    if answers.kind_of(str(wish.path)) == "om":
        raise ValueError(
            f"{wish.path} is a compiled file, and layers are those of an ONNX model; give the"
            " model that it was built of"
        )
    if wish.weights is not None:
        raise ValueError(
            "--weights does not go with --layers; put them into the model first: weights freeze"
        )
    if wish.device:
        raise ValueError("--device does not go with --layers: this machine's processor computes")
    read = [wish.path, *wish.inputs.files, *wish.inputs.named.values()]
    check_writable([wish.out], read)


def _searched(
    wish: PrecisionWish, where: str, given: Sequence[Arrays], begun: float
) -> show.Searched:
    seconds = perf_counter() - begun
    return show.Searched(wish.path, where, wish.dtype, wish.tolerance, len(given), seconds)


def _inputs(
    specs: Sequence[TensorSpec], batches: Sequence[int], wish: PrecisionWish
) -> list[Arrays]:
    """The inputs of each run: with random ones as many as asked, else one."""
    choice, known = wish.inputs, answers.given(wish.inputs)
    made_up = any(spec.name not in known for spec in specs)
    count = wish.samples if made_up and choice.seed is not None else 1
    seeds = [None] if choice.seed is None else range(choice.seed, choice.seed + count)
    return [answers.made(replace(choice, seed=one), specs, batches) for one in seeds]


@contextmanager
def _watched(what: str) -> Iterator[Callable[[int], None]]:
    """Show how many sets were tried, on a terminal."""
    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}")
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(f"{what}: begins", total=None)
        yield lambda tried: bar.update(task, description=f"{what}: {tried} sets tried")

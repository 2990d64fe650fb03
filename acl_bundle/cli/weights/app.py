"""The commands of ``acl-bundle weights`` and what they are called, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json
from acl_bundle.cli.shell.groups import grouped
from acl_bundle.cli.shell.status import DIFFERENT, OK
from acl_bundle.cli.weights.options import (
    FORMATS,
    ChangeOptions,
    Drop,
    Input,
    Key,
    Layouts,
    Out,
    Output,
    Select,
    SelectOptions,
    Source,
)

weights: typer.Typer = typer.Typer(
    help="Look at weights of any framework, and make what a bundle takes out of them.",
    no_args_is_help=True,
)


@weights.command("list")
@grouped
def list_(source: Source, select: SelectOptions, as_json: Json = False) -> None:
    """List names, dtypes, shapes and sizes; values are not read.

    Example: acl-bundle weights list model.safetensors --select 'encoder.*'
    """
    from acl_bundle.cli.weights import list as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Selection  # noqa: PLC0415

    command.run(source, Selection.asked(select), as_json)


@weights.command()
def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help=FORMATS)],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
    select: Select = None,
    drop: Drop = None,
    key_a: Key = None,
    key_b: Key = None,
    every: Annotated[bool, typer.Option("--all", help="Show equal weights as well.")] = False,
    as_json: Json = False,
) -> None:
    """Compare two sets of weights: names, shapes, dtypes, values.

    Exit status 0 when they are the same, 1 when they differ, 2 in trouble.

    Example: acl-bundle weights diff before.safetensors after.npz
    """
    from acl_bundle.cli.weights import diff as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Selection  # noqa: PLC0415

    choices = [Selection(key, select or (), drop or ()) for key in (key_a, key_b)]
    same = command.run((a, b), choices, every, as_json)
    raise typer.Exit(OK if same else DIFFERENT)


@weights.command()
@grouped
def convert(source: Source, out: Out, change: ChangeOptions, as_json: Json = False) -> None:
    """Write weights in another format, in half precision, or under other names.

    With --dtype it counts overflow, underflow and NaN of every weight first, and
    writes nothing when a value overflows, unless --on-overflow allows it.

    Example: acl-bundle weights convert model.pt half.safetensors --dtype float16
    """
    from acl_bundle.cli.weights import convert as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Changes  # noqa: PLC0415

    status = command.run(source, out, Changes.asked(change), as_json)
    raise typer.Exit(status)


@weights.command()
@grouped
def sparsify(
    source: Source,
    out: Out,
    *,
    record: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The record of masks: written with --layout, read without.",
            dir_okay=False,
        ),
    ],
    layouts: Layouts = None,
    select: SelectOptions,
    as_json: Json = False,
) -> None:
    """Make weights 2:4 sparse, and keep the masks; or put new weights under kept ones.

    Of every four weights along the input axis the two smallest become zero.
    A record that exists is never replaced.

    Example: acl-bundle weights sparsify a.npz sparse.npz --layout 'fc*.weight=nk'
    --record masks.safetensors
    """
    from acl_bundle.cli.weights import sparsify as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Selection  # noqa: PLC0415

    command.run(source, out, record, layouts or (), Selection.asked(select), as_json)


@weights.command()
@grouped
def check(
    source: Source,
    *,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The record of masks to check by.", dir_okay=False),
    ] = None,
    layouts: Layouts = None,
    select: SelectOptions,
    as_json: Json = False,
) -> None:
    """Find what breaks the 2:4 pattern, with coordinates.

    Exit status 0 when nothing does, 1 when something does, 2 in trouble.

    Example: acl-bundle weights check sparse.npz --record masks.safetensors
    """
    from acl_bundle.cli.weights import check as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Selection  # noqa: PLC0415

    whole = command.run(source, record, layouts or (), Selection.asked(select), as_json)
    raise typer.Exit(OK if whole else DIFFERENT)


@weights.command()
@grouped
def freeze(
    source: Source,
    model: Annotated[
        Path,
        typer.Argument(
            metavar="MODEL",
            help="A bundle, a plain .om file, an ONNX model, or one of TensorFlow's or Keras's.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Where the copy of MODEL goes; of TensorFlow's, a .pb or .onnx file.",
        ),
    ],
    change: ChangeOptions,
    inputs: Input = None,
    outputs: Output = None,
    as_json: Json = False,
) -> None:
    """Bake weights into a copy of a model: what a bundle's init graph assigns, or constants.

    Example: acl-bundle weights freeze new.safetensors policy.om frozen.om

    Example: acl-bundle weights freeze model.ckpt-2 model.ckpt-2.meta frozen.pb --output policy/y
    """
    from acl_bundle.cli.weights import freeze as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Changes  # noqa: PLC0415

    command.run(source, (model, out), (inputs, outputs), Changes.asked(change), as_json)


@weights.command()
@grouped
def match(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An ONNX model.")],
    source: Source,
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the weight program goes.", dir_okay=False),
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(metavar="FILE.om", help="A bundle of the model, to keep it beside."),
    ] = None,
    select: SelectOptions,
    as_json: Json = False,
) -> None:
    """Find by value which constants of a model come from which weights.

    Exit status 0 when nothing is ambiguous, 1 when something is, 2 in trouble.

    Example: acl-bundle weights match exported.onnx trained.pt --beside compiled.om
    """
    from acl_bundle.cli.weights import match as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Selection  # noqa: PLC0415

    certain = command.run(model, source, out, beside, Selection.asked(select), as_json)
    raise typer.Exit(OK if certain else DIFFERENT)

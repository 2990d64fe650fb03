"""The commands of ``acl-bundle weights`` and their arguments, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.trouble import told

weights = typer.Typer(
    help="Look at weights of any framework, and make what a bundle takes out of them.",
    no_args_is_help=True,
)

DIFFERENT = 1
TROUBLE = 2
WRONG = (ValueError,)  # what is wrong with an argument

_FORMATS = (
    "A weights file or folder: safetensors, .npz, .npy, ONNX, torch, a TensorFlow checkpoint or"
    " graph, an .om file."
)
Source = Annotated[Path, typer.Argument(metavar="SOURCE", help=_FORMATS)]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="Where to: a .safetensors or .npz file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Key = Annotated[
    str | None, typer.Option(metavar="KEY", help="Where in a torch checkpoint the weights are.")
]
Select = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Take these weights alone. Repeatable."),
]
Drop = Annotated[
    list[str] | None, typer.Option(metavar="PATTERN", help="Leave these out. Repeatable.")
]
Transpose = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Transpose these: torch's Linear keeps [out, in], MatMul takes [in, out]. Repeatable.",
    ),
]
Rename = Annotated[
    list[str] | None, typer.Option(metavar="OLD=NEW", help="Rename a weight. Repeatable.")
]
Regex = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN=TEXT",
        help="Replace in names by a regular expression, before --rename. Repeatable.",
    ),
]
StripPrefix = Annotated[
    str, typer.Option(metavar="TEXT", help="Take this off the names, first of all.")
]
AddPrefix = Annotated[str, typer.Option(metavar="TEXT", help="Put this before the names, at last.")]
Dtype = Annotated[str | None, typer.Option(metavar="NAME", help="Cast to float16 or bfloat16.")]
OnOverflow = Annotated[
    str, typer.Option(metavar="WHAT", help="A value out of range: error, saturate or inf.")
]
KeepFloat32 = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Leave these weights in float32. Repeatable."),
]
Layouts = Annotated[
    list[str] | None,
    typer.Option(
        "--layout",
        metavar="PATTERN=LAYOUT",
        help="Weights and which way they lie: kn (MatMul), nk (MatMul with transpose_b, torch's"
        " Linear), oihw (Conv2D of ONNX), hwio (Conv2D of TensorFlow). Repeatable.",
    ),
]


@weights.command("list")
def list_(
    source: Source, select: Select = None, drop: Drop = None, key: Key = None, as_json: Json = False
) -> None:
    """List names, dtypes, shapes and sizes; values are not read.

    Example: acl-bundle weights list model.safetensors --select 'encoder.*'
    """
    from acl_bundle.cli.weights import list as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Choice  # noqa: PLC0415

    with told(1, WRONG):
        command.run(source, Choice(key, select or (), drop or ()), as_json)


@weights.command()
def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help=_FORMATS)],
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
    from acl_bundle.cli.weights.inputs import Choice  # noqa: PLC0415

    choices = [Choice(key, select or (), drop or ()) for key in (key_a, key_b)]
    with told(TROUBLE, WRONG):
        same = command.run((a, b), choices, every, as_json)
    raise typer.Exit(0 if same else DIFFERENT)


@weights.command()
def convert(
    source: Source,
    out: Out,
    dtype: Dtype = None,
    on_overflow: OnOverflow = "error",
    keep_float32: KeepFloat32 = None,
    select: Select = None,
    drop: Drop = None,
    transpose: Transpose = None,
    rename: Rename = None,
    regex: Regex = None,
    strip_prefix: StripPrefix = "",
    add_prefix: AddPrefix = "",
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Write weights in another format, in half precision, or under other names.

    With --dtype it counts overflow, underflow and NaN of every weight first, and
    writes nothing when a value overflows, unless --on-overflow allows it.

    Example: acl-bundle weights convert model.pt half.safetensors --dtype float16
    """
    from acl_bundle.cli.weights import convert as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Choice, Half, Names  # noqa: PLC0415

    with told(1, WRONG):
        choice = Choice(key, select or (), drop or (), transpose or ())
        names = Names(rename or (), regex or (), strip_prefix, add_prefix)
        half = Half(dtype, on_overflow, keep_float32 or ())
        status = command.run(source, out, choice, half, names, as_json)
    raise typer.Exit(status)


@weights.command()
def sparsify(
    source: Source,
    out: Out,
    record: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="The record of masks: written with --layout, read without.",
            dir_okay=False,
        ),
    ],
    layouts: Layouts = None,
    select: Select = None,
    drop: Drop = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Make weights 2:4 sparse, and keep the masks; or put new weights under kept ones.

    Of every four weights along the input axis the two smallest become zero.
    A record that exists is never replaced.

    Example: acl-bundle weights sparsify a.npz sparse.npz --layout 'fc*.weight=nk'
    --record masks.safetensors
    """
    from acl_bundle.cli.weights import sparsify as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Choice  # noqa: PLC0415

    with told(1, WRONG):
        command.run(
            source, out, record, layouts or (), Choice(key, select or (), drop or ()), as_json
        )


@weights.command()
def check(
    source: Source,
    record: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The record of masks to check by.", dir_okay=False),
    ] = None,
    layouts: Layouts = None,
    select: Select = None,
    drop: Drop = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Find what breaks the 2:4 pattern, with coordinates.

    Exit status 0 when nothing does, 1 when something does, 2 in trouble.

    Example: acl-bundle weights check sparse.npz --record masks.safetensors
    """
    from acl_bundle.cli.weights import check as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Choice  # noqa: PLC0415

    choice = Choice(key, select or (), drop or ())
    with told(TROUBLE, WRONG):
        whole = command.run(source, record, layouts or (), choice, as_json)
    raise typer.Exit(0 if whole else DIFFERENT)


@weights.command()
def freeze(
    source: Source,
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A bundle, a plain .om file, or an ONNX model.")
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Where the copy of MODEL goes.")],
    dtype: Dtype = None,
    on_overflow: OnOverflow = "error",
    keep_float32: KeepFloat32 = None,
    select: Select = None,
    drop: Drop = None,
    transpose: Transpose = None,
    rename: Rename = None,
    regex: Regex = None,
    strip_prefix: StripPrefix = "",
    add_prefix: AddPrefix = "",
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Bake weights into a copy of a model: what a bundle's init graph assigns, or constants.

    Example: acl-bundle weights freeze new.safetensors policy.om frozen.om
    """
    from acl_bundle.cli.weights import freeze as command  # noqa: PLC0415
    from acl_bundle.cli.weights.inputs import Choice, Half, Names  # noqa: PLC0415

    with told(1, WRONG):
        choice = Choice(key, select or (), drop or (), transpose or ())
        names = Names(rename or (), regex or (), strip_prefix, add_prefix)
        half = Half(dtype, on_overflow, keep_float32 or ())
        command.run(source, (model, out), choice, half, names, as_json)

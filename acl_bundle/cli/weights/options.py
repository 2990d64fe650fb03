"""The options of ``acl-bundle weights``, each written once.

A command takes one by the type of a parameter, or several that go together as a group
(`acl_bundle.cli.shell.groups`): `SelectOptions`, `ChangeOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

FORMATS = (
    "A weights file or folder, told by its content: safetensors, safetensors index, npz, npy,"
    " npy folder, onnx, torch, torch index, torch distributed checkpoint, tensorflow checkpoint,"
    " tensorflow graph, om."
)
Source = Annotated[Path, typer.Argument(metavar="SOURCE", help=FORMATS)]
Out = Annotated[Path, typer.Argument(metavar="OUT", help="Where to: a .safetensors or .npz file.")]
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
        help="Transpose these: torch's Linear keeps \\[out, in], MatMul takes \\[in, out]."
        " Repeatable.",
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

Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input", metavar="NAME", help="A tensor that a TensorFlow graph is fed. Repeatable."
    ),
]
Output = Annotated[
    list[str] | None,
    typer.Option(
        "--output", metavar="NAME", help="A tensor that a TensorFlow graph gives. Repeatable."
    ),
]


@dataclass(frozen=True)
class SelectOptions:
    """Which weights of a file; a field is an option."""

    select: Select = None
    drop: Drop = None
    key: Key = None


@dataclass(frozen=True)
class ChangeOptions:
    """What becomes of weights on their way; a field is an option."""

    dtype: Dtype = None
    on_overflow: OnOverflow = "error"
    keep_float32: KeepFloat32 = None
    select: Select = None
    drop: Drop = None
    transpose: Transpose = None
    rename: Rename = None
    regex: Regex = None
    strip_prefix: StripPrefix = ""
    add_prefix: AddPrefix = ""
    key: Key = None

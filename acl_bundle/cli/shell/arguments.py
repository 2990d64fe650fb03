"""Arguments that several commands take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE", help="An .om file.", dir_okay=False)]
Pattern = Annotated[str, typer.Option(help="Which names of the directory are versions, as a glob.")]
Key = Annotated[str, typer.Option(help="What the names in Redis start with.")]
After = Annotated[
    str | None,
    typer.Option(metavar="VERSION", help="Begin after this one, not with the newest."),
]
Cast = Annotated[str, typer.Option(help="safe, or same_kind for wider floats.")]
SigningKeyFile = Annotated[
    list[Path] | None,
    typer.Option(metavar="PATH", help="Only weights that this key signs. Repeat it for more keys."),
]
StaleAfter = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Say so when nothing new comes.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, of errors as well.")]


@dataclass(frozen=True)
class TrainerOptions:
    """How a trainer is followed; a field is an option."""

    pattern: Pattern = "*"
    key: Key = "weights"
    after: After = None
    cast: Cast = "safe"
    signing_key_file: SigningKeyFile = None
    stale_after: StaleAfter = None

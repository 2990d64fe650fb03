"""The arguments of ``acl-bundle record``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def record(
    program: Annotated[
        list[str], typer.Argument(metavar="-- PROGRAM ...", help="What to run, and its arguments.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="The trace: a line of JSON per call."),
    ] = Path("trace.jsonl"),
) -> None:
    """Run a program, and write a line for each call of AscendCL that it makes.

    Function, arguments, answer, thread and time; of memory no bytes but models' digests. Programs
    that are linked with AscendCL and programs that open it, Python's too, are recorded, with all
    processes that they start. A program that dies leaves all lines, also of the call that it died
    in. Trace and program: acl-bundle fake replay does the same on the fake.

    Example: acl-bundle record -o trace.jsonl -- python serve.py

    The exit status is the program's; 128 and the signal's number where one ended it.
    """
    from acl_bundle.cli.record import run as command  # noqa: PLC0415

    raise typer.Exit(command.run(program, output))

"""The arguments of ``acl-bundle fake``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import Json

fakes: typer.Typer = typer.Typer(
    help="The fake AscendCL, for programs of any language.", no_args_is_help=True
)


@fakes.command()
def env(
    program: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- PROGRAM ...]", help="Run this instead of printing lines."),
    ] = None,
    *,
    pyacl: Annotated[
        bool, typer.Option("--pyacl", help="Let `import acl` be acl_bundle.pyacl, too.")
    ] = False,
    toolkit: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Make a folder that build files take for CANN's toolkit."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Print shell lines that put the fake in front of any program.

    eval "$(acl-bundle fake env)" and start the program from the same shell:
    libascendcl.so, libacl_rt.so and the other names it links are the fake. Or
    acl-bundle fake env -- ./program: it runs so, in place of this command.

    With --toolkit, cmake and make of a sample find DIR by $DDK_PATH,
    $NPU_HOST_LIB or $ASCEND_HOME_PATH; DIR/set_env.sh has the lines, too.

    With --json it prints the variables as this process's environment makes them.
    """
    from acl_bundle.cli.fake import env as command  # noqa: PLC0415

    command.env(program or [], pyacl=pyacl, toolkit=toolkit, as_json=as_json)


@fakes.command()
def cflags(as_json: Json = False) -> None:
    """Print the flags that compile a program of C or C++ against the fake's headers.

    Example: cc policy.c $(acl-bundle fake cflags) $(acl-bundle fake libs) -o policy
    """
    from acl_bundle.cli.fake import toolkit  # noqa: PLC0415

    toolkit.show(toolkit.cflags(), as_json)


@fakes.command()
def libs(as_json: Json = False) -> None:
    """Print the flags that link a program with the fake.

    Programs that name other libraries of CANN's (-lacl_dvpp) find them by the same flags.
    """
    from acl_bundle.cli.fake import toolkit  # noqa: PLC0415

    toolkit.show(toolkit.libs(), as_json)


@fakes.command()
def replay(
    source: Annotated[
        Path, typer.Argument(metavar="TRACE", help="What acl-bundle record wrote.", dir_okay=False)
    ],
    files: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the models lie that the program loaded."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a recorded program's calls on the fake, and show which answer otherwise.

    Handles and ids stand for what the fake gives in their place. Bytes of memory are not in a
    trace, and callbacks do nothing: what cannot be made again is said.

    Example: acl-bundle fake replay trace.jsonl --files models

    Exit status 1 when an answer differs, or no call could be made.
    """
    from acl_bundle.cli.fake import replay as command  # noqa: PLC0415

    raise typer.Exit(command.run(source, files, as_json))


@fakes.command()
def trace(
    source: Annotated[
        Path,
        typer.Argument(metavar="TRACE", help="A file of ACL_FAKE_TRACE, or a PROF_* folder."),
    ],
    chrome: Annotated[Path, typer.Option(metavar="PATH", help="Where the timeline goes.")],
    as_json: Json = False,
) -> None:
    """Make a timeline of a trace, for ui.perfetto.dev or chrome://tracing.

    ACL_FAKE_TRACE=./calls.jsonl ./program

    acl-bundle fake trace calls.jsonl --chrome timeline.json
    """
    from acl_bundle.cli.fake import env as command  # noqa: PLC0415

    command.trace(source, chrome, as_json)

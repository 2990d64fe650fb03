"""The commands and their arguments, and nothing else.

Each command fetches its own module when it is called, so ``--help`` is quick
and a command needs only its own extra.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.arguments import After, Cast, File, Key, Pattern, StaleAfter
from acl_bundle.cli.serve.app import serve
from acl_bundle.cli.trouble import told
from acl_bundle.cli.weights.app import WRONG, weights

app: typer.Typer = typer.Typer(
    help="Run Ascend bundle models, look into their files, and try them without a device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def demo(
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Keep the bundle file under this name."
        ),
    ] = None,
) -> None:
    """Watch a model improve while it runs.

    A trainer in another process learns handwritten digits. Its newest weights
    go ten times into a bundle that stays loaded, on the fake AscendCL.
    """
    from acl_bundle.cli.demo import show as command  # noqa: PLC0415

    raise typer.Exit(command.run(output))


@app.command()
def inspect(
    file: File,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Show what is in a bundle or model file: graphs, inputs, outputs, weights.

    Nothing is loaded and no AscendCL is needed; files compiled for a chip and
    plain models can be read, too.
    """
    from acl_bundle.cli import inspect as command  # noqa: PLC0415

    command.run(file, as_json)


@app.command()
def doctor(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="An .om file to check as well.", show_default=False),
    ] = None,
) -> None:
    """Say which AscendCL would be used, what it can do, and what is missing.

    Exit status 1 when no library can be opened, or the file cannot be loaded.
    """
    from acl_bundle.cli import doctor as command  # noqa: PLC0415

    raise typer.Exit(command.run(file))


fakes: typer.Typer = typer.Typer(
    help="The fake AscendCL, for programs of any language.", no_args_is_help=True
)
app.add_typer(fakes, name="fake")


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
) -> None:
    """Print shell lines that put the fake in front of any program.

    eval "$(acl-bundle fake env)" and start the program from the same shell:
    libascendcl.so, libacl_rt.so and the other names it links are the fake. Or
    acl-bundle fake env -- ./program: it runs so, in place of this command.

    With --toolkit, cmake and make of a sample find DIR by $DDK_PATH,
    $NPU_HOST_LIB or $ASCEND_HOME_PATH; DIR/set_env.sh has the lines, too.
    """
    from acl_bundle.cli import fake as command  # noqa: PLC0415

    with told():
        command.env(program or [], pyacl=pyacl, toolkit=toolkit)


@fakes.command()
def cflags() -> None:
    """Print the flags that compile a program of C or C++ against the fake's headers.

    Example: cc policy.c $(acl-bundle fake cflags) $(acl-bundle fake libs) -o policy
    """
    from acl_bundle.cli import toolkit  # noqa: PLC0415

    with told():
        print(toolkit.cflags())


@fakes.command()
def libs() -> None:
    """Print the flags that link a program with the fake.

    Programs that name other libraries of CANN's (-lacl_dvpp) find them by the same flags.
    """
    from acl_bundle.cli import toolkit  # noqa: PLC0415

    with told():
        print(toolkit.libs())


@fakes.command()
def trace(
    source: Annotated[
        Path,
        typer.Argument(metavar="TRACE", help="A file of ACL_FAKE_TRACE, or a PROF_* folder."),
    ],
    chrome: Annotated[Path, typer.Option(metavar="PATH", help="Where the timeline goes.")],
) -> None:
    """Make a timeline of a trace, for ui.perfetto.dev or chrome://tracing.

    ACL_FAKE_TRACE=./calls.jsonl ./program

    acl-bundle fake trace calls.jsonl --chrome timeline.json
    """
    from acl_bundle.cli import fake as command  # noqa: PLC0415

    command.trace(source, chrome)


@app.command()
def follow(
    file: File,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="A directory, or a URL: redis://, s3://, gs://, https://."
        ),
    ],
    pattern: Pattern = "*",
    key: Key = "weights",
    after: After = None,
    cast: Cast = "safe",
    signing_key_file: Annotated[
        list[Path] | None,
        typer.Option(metavar="PATH", help="Only what this key signs. Repeat it for more keys."),
    ] = None,
    stale_after: StaleAfter = None,
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End when so many are applied.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")] = False,
) -> None:
    """Load a bundle and give it each version that a trainer publishes.

    acl-bundle follow policy.om checkpoints --pattern 'step-*.safetensors'

    Prints a line for each version until Ctrl-C or SIGTERM: applied or refused, how long
    the update took, how late it came. Exit status 1 when one was refused.
    """
    from acl_bundle.cli import follow as command  # noqa: PLC0415

    keys = tuple(signing_key_file or ())
    wish = command.FollowWish(
        file, source, pattern, key, after, cast, keys, stale_after, count, as_json
    )
    raise typer.Exit(command.run(wish))


app.command()(serve)


@app.command("compile")
def compile_(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An ONNX model.", dir_okay=False)],
    soc: Annotated[str, typer.Option(metavar="NAME", help="The chip: Ascend910B3, say.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The .om file to write.")
    ],
    patterns: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="More of what --weights takes."),
    ] = None,
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME...",
            help="Constants that become refreshable: names, patterns, or all. An update takes them"
            " in this order.",
        ),
    ] = None,
    unused: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="What the trainer has and the model does not need: '*.num_batches_tracked'. An"
            " update passes over it. Repeat it for more.",
        ),
    ] = None,
    alias: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=WEIGHT",
            help="Another name of a weight, such as that of a tied parameter. Repeat it for more.",
        ),
    ] = None,
    program: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="In place of --weights: what weights match wrote, which says what they are.",
            dir_okay=False,
        ),
    ] = None,
    no_fold: Annotated[
        bool,
        typer.Option(
            "--no-fold",
            help="What depends on weights alone stays in the graph, for each inference.",
        ),
    ] = False,
    input_shape: Annotated[
        str, typer.Option(metavar="TEXT", help="Fixes open dims: x:1,3;mask:1,64")
    ] = "",
    dynamic_batch: Annotated[str, typer.Option(metavar="N,N,...", help="Batch sizes.")] = "",
    dynamic_hw: Annotated[
        str, typer.Option(metavar="H,W;H,W", help="Resolutions: 224,224;448,448")
    ] = "",
    dynamic_dims: Annotated[
        str,
        typer.Option(metavar="N,N;N,N", help="In each gear, all open dims of all inputs."),
    ] = "",
    dynamic_shape: Annotated[bool, typer.Option(help="Open dims stay open.")] = False,
    precision: Annotated[
        str,
        typer.Option(
            metavar="MODE",
            help="GE's precision mode. origin keeps the model's dtypes; GE's own default, fp16,"
            " computes float32 in half precision.",
        ),
    ] = "origin",
    as_json: Annotated[bool, typer.Option("--json", help="Print the manifest.")] = False,
) -> None:
    """Compile an ONNX model into a refreshable bundle for a chip.

    It needs CANN's toolkit and a C++ compiler, and no NPU: source its set_env.sh first. Beside the
    bundle comes a manifest, FILE.json. Ctrl-C ends it.

    Example: acl-bundle compile policy.onnx --weights 'fc*.weight' --soc Ascend910B3 -o policy.om
    """
    from acl_bundle.cli import compile as command  # noqa: PLC0415

    wish = command.CompileWish(
        model, [*(weights or []), *(patterns or [])], output, soc, input_shape,
        dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape, precision,
        unused or (), alias or (), program, not no_fold,
    )  # fmt: skip
    with told(1, WRONG):
        command.run(wish, as_json)


@app.command()
def bench(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An .om file, or an ONNX model.", dir_okay=False)
    ],
    axes: Annotated[
        list[str] | None,
        typer.Argument(metavar="[AXIS=N,N,...]...", help="More of what --sweep takes."),
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(
            metavar="AXIS=N,N,...",
            help="Sizes of an open dim: batch (the first), length (the second), the dim's name"
            " in the ONNX model, or input\\[axis]. Repeat it for more axes.",
        ),
    ] = None,
    dtypes: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What an ONNX model computes in: float32, float16, bfloat16, with commas.",
        ),
    ] = "",
    rounds: Annotated[int, typer.Option(min=1, help="Timed inferences per cell.")] = 100,
    warmup: Annotated[int, typer.Option(min=0, help="Inferences before them.")] = 10,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the table: .png, .svg or .pdf.", dir_okay=False),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Measure how long an inference takes, by shape and by precision.

    An ONNX model is built for every shape and precision, for the fake. Ctrl-C
    ends it and shows what was measured so far.

    Example: acl-bundle bench model.onnx --sweep batch=1,8,16 length=64,128 --dtypes float32,float16
    """
    from acl_bundle.cli import bench as command  # noqa: PLC0415

    effort = command.Effort(rounds, warmup)
    with told(1, WRONG):
        status = command.run(file, [*(sweep or []), *(axes or [])], dtypes, effort, plot, as_json)
    raise typer.Exit(status)


app.add_typer(weights, name="weights")

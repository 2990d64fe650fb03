"""Every command by its name, and nothing else: what one takes is in its own room's ``app``.

Each command fetches its own module when it is called, so ``--help`` is quick
and a command needs only its own extra.
"""

from __future__ import annotations

import typer

from acl_bundle.cli.bench.app import bench
from acl_bundle.cli.build.app import build
from acl_bundle.cli.compare.app import compare
from acl_bundle.cli.compile.app import compile_
from acl_bundle.cli.conform.app import conforms
from acl_bundle.cli.demo.app import demo
from acl_bundle.cli.doctor.app import doctor
from acl_bundle.cli.fake.app import fakes
from acl_bundle.cli.follow.app import follow
from acl_bundle.cli.inspect.app import inspect
from acl_bundle.cli.precision.app import precision
from acl_bundle.cli.record.app import record
from acl_bundle.cli.run.app import run
from acl_bundle.cli.serve.app import serve
from acl_bundle.cli.shell.group import CommandLine
from acl_bundle.cli.shell.version import root
from acl_bundle.cli.update.app import update
from acl_bundle.cli.weights.app import weights

app: typer.Typer = typer.Typer(
    cls=CommandLine,
    help="Run Ascend bundle models, look into their files, and try them without a device.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.callback(invoke_without_command=True)(root)
app.command()(bench)
app.command()(build)
app.command()(compare)
app.command("compile")(compile_)
app.add_typer(conforms, name="conform")
app.command()(demo)
app.command()(doctor)
app.add_typer(fakes, name="fake")
app.command()(follow)
app.command()(inspect)
app.command()(precision)
app.command()(record)
app.command()(run)
app.command()(serve)
app.command()(update)
app.add_typer(weights, name="weights")

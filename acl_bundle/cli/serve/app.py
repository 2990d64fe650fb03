"""The arguments of ``acl-bundle serve``, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from acl_bundle.cli.shell.arguments import File, Json, TrainerOptions
from acl_bundle.cli.shell.groups import grouped


@grouped
def serve(
    file: File,
    follow: Annotated[
        str | None,
        typer.Option(metavar="SOURCE", help="Follow a trainer: what `follow` takes."),
    ] = None,
    name: Annotated[str, typer.Option(help="What clients call it; else the file's name.")] = "",
    *,
    options: TrainerOptions,
    host: Annotated[str, typer.Option(help="Which address; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of HTTP; 0 for any.")] = 8000,
    grpc_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Of gRPC, which is off without it.")
    ] = None,
    device: Annotated[int | None, typer.Option(help="Which device; 0 without it.")] = None,
    devices: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="A replica of a fleet on each: 0,1,2,3."),
    ] = None,
    processes: Annotated[
        bool, typer.Option("--processes", help="Have each replica in a child process.")
    ] = False,
    consistency: Annotated[
        str, typer.Option(help="Of a fleet's updates: rolling or strict.")
    ] = "rolling",
    replicas: Annotated[
        int, typer.Option(min=1, help="How many runs go on at once, on each device.")
    ] = 1,
    pair: Annotated[
        bool, typer.Option("--pair", help="Update a second bundle, beside inference.")
    ] = False,
    batch_delay_ms: Annotated[
        float,
        typer.Option(min=0, help="How long a request waits for others to fill a dynamic batch."),
    ] = 0.0,
    queue: Annotated[int, typer.Option(min=1, help="How many requests may wait.")] = 256,
    request_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="The longest wait for an answer.")
    ] = 30.0,
    drain: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long SIGTERM lets requests go on.")
    ] = 30.0,
    max_body: Annotated[int, typer.Option(metavar="BYTES", min=1, help="The largest request.")] = 64
    << 20,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Whose bearer may load, unload and post weights."),
    ] = None,
    posted_file: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Keeps the last posted version, over restarts."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve a bundle by the Open Inference Protocol, over HTTP and gRPC.

    acl-bundle serve policy.om --follow checkpoints --port 8000 --grpc-port 8001

    Answers carry the version of the weights. SIGTERM and Ctrl-C drain, a second one stops at
    once; what happens is a line of JSON on stderr, and with --json the ports and the end on stdout.
    Exit status 1 when a request had no answer.
    """
    from acl_bundle.cli.follow.run import FollowWish  # noqa: PLC0415
    from acl_bundle.cli.serve import run as command  # noqa: PLC0415
    from acl_bundle.cli.serve.wish import ServeWish, check_followed, fleet_wish  # noqa: PLC0415
    from acl_bundle.server import ServerLimits  # noqa: PLC0415

    keys = tuple(options.signing_key_file or ())
    check_followed(follow, options)
    source = None if follow is None else FollowWish(file, follow, options, None, False)
    fleet = fleet_wish(device, devices, processes=processes, consistency=consistency)
    limits = ServerLimits(
        queue=queue, batch_delay=batch_delay_ms / 1e3, workers=replicas * len(fleet.devices),
        request=request_timeout, body=max_body, drain=drain,
    )  # fmt: skip
    wish = ServeWish(
        file, name, source, host, port, grpc_port, fleet, replicas, pair, token_file,
        posted_file, keys if source is None else (), limits, as_json,
    )  # fmt: skip
    raise typer.Exit(command.run(wish))

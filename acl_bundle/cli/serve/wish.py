"""What a person asks of ``acl-bundle serve``, and what does not go together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from acl_bundle.cli.follow.run import FollowWish
from acl_bundle.cli.shell.arguments import TrainerOptions
from acl_bundle.cli.shell.groups import given
from acl_bundle.server import ServerLimits


@dataclass(frozen=True)
class FleetWish:
    """Where the model goes.

    Attributes:
        devices: The devices; of a fleet, a replica for each.
        processes: Whether each replica has a process.
        consistency: Of updates; None where there is no fleet.
    """

    devices: tuple[int, ...]
    processes: bool
    consistency: str | None


def fleet_wish(
    device: int | None, devices: str | None, *, processes: bool, consistency: str
) -> FleetWish:
    """Read the options that say where the model goes.

    Raises:
        ValueError: They do not go together, or one cannot be what it is.
    """
    if devices is None:
        if processes or consistency != "rolling":
            raise ValueError("--processes and --consistency are of a fleet: give --devices 0,1")
        return FleetWish((device or 0,), processes=False, consistency=None)
    if device is not None:
        raise ValueError(f"--device is {device} and --devices is {devices!r}; one of both is right")
    found = [one.strip() for one in devices.split(",")]
    if not all(one.isascii() and one.isdigit() and len(one) < 10 for one in found):
        raise ValueError(f"--devices is {devices!r}; numbers of devices are right: 0,1,2,3")
    if consistency not in ("rolling", "strict"):
        raise ValueError(f"--consistency is {consistency!r}; rolling or strict is right")
    return FleetWish(tuple(map(int, found)), processes, consistency)


def check_followed(source: str | None, options: TrainerOptions) -> None:
    """Refuse options that say how a trainer is followed where none is.

    Raises:
        ValueError: There are such options; keys are for posted weights, too.
    """
    said = given(replace(options, signing_key_file=None))
    if said and source is None:
        raise ValueError(f"{said[0]} says how a trainer is followed; give --follow")


@dataclass(frozen=True)
class ServeWish:
    """What was asked for.

    Attributes:
        file: The bundle.
        name: What clients call it; empty for the file's name.
        follow: What it follows, as for ``acl-bundle follow``; None for nothing.
        host: Which address of this host.
        port: For HTTP.
        grpc_port: For gRPC; None for none.
        fleet: Which devices, and whether they are a fleet.
        replicas: How often the inference graph is loaded.
        pair: Whether updates go to a second bundle, beside inference.
        token_file: Holds the token of those who may load, unload and post; None for nobody.
        posted_file: Keeps the last version that was posted; None for nothing.
        key_files: Files that hold keys with which posted weights must be signed.
        limits: Of the server.
        as_json: Whether to print the ports and the end on stdout.
    """

    file: Path
    name: str
    follow: FollowWish | None
    host: str
    port: int
    grpc_port: int | None
    fleet: FleetWish
    replicas: int
    pair: bool
    token_file: Path | None
    posted_file: Path | None
    key_files: tuple[Path, ...]
    limits: ServerLimits
    as_json: bool

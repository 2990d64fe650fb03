"""``acl-bundle serve``: a model behind the Open Inference Protocol, until SIGTERM or Ctrl-C.

The first signal drains: no new request is taken, those that run get their answers. The second
one stops at once. Everything is told on stderr, a line of JSON each.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer

import acl_bundle as ab
from acl_bundle.cli.follow.run import FollowWish, _after, _signing_key, _source
from acl_bundle.cli.serve.secrets import key_in, token_in
from acl_bundle.cli.shell import output
from acl_bundle.fleet import Fleet
from acl_bundle.server import JsonLines, ServedFleet, Server, ServerLimits

STEP = 0.2
"""Seconds between looks at whether the server still runs."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOG = logging.getLogger("acl_bundle.server")


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


class Asked:
    """How often a signal asked for the end."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Event()

    def note(self, *_: object) -> None:
        """Count one more; this is the handler of signals."""
        self.count += 1
        self._changed.set()

    def wait(self, server: Server) -> None:
        """Wait for the first signal, or for the server's end."""
        while not self._changed.wait(STEP) and server.running:
            pass

    @property
    def hurry(self) -> bool:
        """Whether a second signal came."""
        return self.count > 1


@contextmanager
def _signals() -> Iterator[Asked]:
    asked = Asked()
    numbers = [one for one in _SIGNALS if signal.getsignal(one) is not signal.SIG_IGN]
    before = [(one, signal.signal(one, asked.note)) for one in numbers]
    try:
        yield asked
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _load(wish: ServeWish) -> Callable[[], Any]:
    if wish.fleet.consistency is not None:
        return partial(_fleet, wish)

    def load() -> Any:
        kind: Any = ab.Pair if wish.pair else ab.Bundle
        loaded = kind.load(wish.file, device=wish.fleet.devices[0], replicas=wish.replicas)
        try:
            _initialise(loaded)
        except BaseException:
            loaded.close()
            raise
        return loaded

    return load


@contextmanager
def _fleet(wish: ServeWish) -> Iterator[ServedFleet]:
    make: Any = Fleet.processes if wish.fleet.processes else Fleet.local
    options = {"devices": wish.fleet.devices, "pair": wish.pair, "replicas": wish.replicas}
    with make(wish.file, **options) as fleet:
        consistency: Any = wish.fleet.consistency
        yield ServedFleet(fleet, consistency=consistency)


def _initialise(loaded: Any) -> None:
    try:
        loaded.init()
    except ab.RoleError:  # a plain model, or weights that come with the first version
        return


def _options(wish: ServeWish) -> dict[str, Any]:
    name = wish.name or wish.file.stem
    keys = [key_in(file) for file in wish.key_files]
    token = None if wish.token_file is None else token_in(wish.token_file)
    options: dict[str, Any] = {
        "token": token, "signing_key": keys or None, "posted": wish.posted_file
    }  # fmt: skip
    if wish.follow is not None:
        options["sources"] = {name: _source(wish.follow)}
        options["follow_options"] = {
            "after": _after(wish.follow.after), "stale_after": wish.follow.stale_after,
            "cast": wish.follow.cast, "signing_key": _signing_key(wish.follow),
        }  # fmt: skip
    return options


def run(wish: ServeWish) -> int:
    """Serve until a signal, and then drain.

    Returns:
        0, or 1 when not every request had its answer in time, or the server died.

    Raises:
        AclBundleError: The bundle could not be loaded.
        OSError: A file cannot be read, or a port is taken.
        typer.BadParameter: An argument cannot be what it is.
    """
    _log_as_json()
    try:
        options = _options(wish)
        models = {wish.name or wish.file.stem: _load(wish)}
        with _signals() as asked:
            server = Server(
                models, host=wish.host, port=wish.port, grpc_port=wish.grpc_port,
                limits=wish.limits, **options,
            )  # fmt: skip
            with server:
                ports = {"port": server.port, "grpc_port": server.grpc_port}
                _LOG.info("serving", extra=ports)
                _print(wish, {"event": "serving", **ports})
                asked.wait(server)
                status = _end(server, asked)
                _print(wish, {"event": "ended", "exit_status": status})
    except ValueError as error:
        if isinstance(error, ab.AclBundleError):
            raise
        raise typer.BadParameter(str(error)) from error
    if server.stuck:
        sys.stderr.flush()
        os._exit(1)  # the interpreter's own end would wait for the device
    return status


def _print(wish: ServeWish, event: dict[str, Any]) -> None:
    if wish.as_json:
        output.event(event)


def _end(server: Server, asked: Asked) -> int:
    if not server.running:
        _LOG.critical("the server died")
        return 1
    _LOG.info("draining")
    drained = server.drain(lambda: asked.hurry)
    server.close()
    _LOG.log(logging.INFO if drained else logging.WARNING, "ended" if drained else "ended early")
    return int(not drained)


def _log_as_json() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)

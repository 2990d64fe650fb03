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
from functools import partial
from typing import Any

import typer

import acl_bundle as ab
from acl_bundle.cli.follow.run import _source, follower_options
from acl_bundle.cli.serve.secrets import key_in, token_in
from acl_bundle.cli.serve.wish import ServeWish
from acl_bundle.cli.shell import output
from acl_bundle.fleet import Fleet
from acl_bundle.server import JsonLines, ServedFleet, Server

STEP = 0.2
"""Seconds between looks at whether the server still runs."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_LOG = logging.getLogger("acl_bundle.server")


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
        options["follow_options"] = follower_options(wish.follow.options)
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

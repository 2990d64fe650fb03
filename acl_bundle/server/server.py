"""The server as its caller sees it."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from time import monotonic, sleep
from typing import Any, Final

import acl_bundle as ab
from acl_bundle._base.files import Path_
from acl_bundle._base.owner import Closing
from acl_bundle.errors import ClosedError
from acl_bundle.follow import Follower
from acl_bundle.follow._versions.sign import check_keys
from acl_bundle.follow._versions.source import Source
from acl_bundle.server._bounds.bodies import Bodies
from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._ends import Ends
from acl_bundle.server._grpc.service import Service
from acl_bundle.server._http.app import Routes
from acl_bundle.server._last import LastPosted
from acl_bundle.server._tracing import Tracing
from acl_bundle.server.limits import ServerLimits
from acl_bundle.server.metrics import ModelMetrics, ServerMetrics
from acl_bundle.server.model import Load, Served, ServedModel
from acl_bundle.server.push import Posted
from acl_bundle.server.repository import Repository

STEP: Final = 0.02
BODIES: Final = 2
"""Threads that take large requests apart, and write large answers."""
TOKEN_MIN: Final = 16
_LOG = logging.getLogger("acl_bundle.server")


class Server(Closing):
    """Serves models by the Open Inference Protocol, over HTTP and gRPC. Close it, or use ``with``.

    It answers from the constructor on; ``live`` at once, ``ready`` when every model is loaded,
    which is when the constructor returns. Answers carry the version of the weights as
    ``model_version``. Bundles stay their owner's, and may be updated by whoever has them.

    Args:
        models: By name, what is served: a `Bundle`, a `Pair` or what has their doors; or a function
            that loads it and returns a context manager, so that clients may unload and load it.
        host: Which address of this host; ``"0.0.0.0"`` for all.
        port: For HTTP; 0 for any that is free.
        grpc_port: For gRPC, 0 for any that is free; None for none.
        limits: What is allowed, and how long is waited.
        sources: By name, what a model follows: `follow.Directory`, `follow.Redis`, or another
            source. Its follower runs while the model is loaded.
        follow_options: For each `Follower`: ``signing_key``, ``stale_after`` and so on; not the
            callbacks.
        token: Who brings it may load and unload models and post weights; at least 16
            characters. None refuses these.
        signing_key: Posted weights must be signed with it, or with one of several; the token is
            not asked for them then. Bytes, at least 16.
        posted: A file that keeps the last posted version of each model, so that none before it
            is taken after a restart; that one itself may be posted again. None: after a restart
            any version is the first.

    Attributes:
        port: The port of HTTP.
        grpc_port: That of gRPC; None where it is off.
        stuck: Whether a run had not ended when the server was closed.

    Raises:
        TypeError, ValueError: An argument cannot be what it is.
        OSError: A port is taken.
        Whatever loading a model raises; nothing is left open then.
    """

    def __init__(
        self,
        models: Mapping[str, Served | Load],
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        grpc_port: int | None = None,
        limits: ServerLimits | None = None,
        sources: Mapping[str, Source] | None = None,
        follow_options: Mapping[str, Any] | None = None,
        token: str | None = None,
        signing_key: bytes | Sequence[bytes] | None = None,
        posted: Path_ | None = None,
    ) -> None:
        limits, keys, sources = limits or ServerLimits(), check_keys(signing_key), sources or {}
        _check(models, sources, token)
        metrics, tracing = ServerMetrics(), Tracing()
        counts = {name: ModelMetrics(metrics, name) for name in models}
        loads = {name: _load_of(given) for name, given in models.items()}
        for name, source in sources.items():
            loads[name] = _followed(loads[name], source, follow_options or {}, counts[name], name)
        self._models = {
            name: ServedModel(name, load, limits, counts[name]) for name, load in loads.items()
        }
        last = LastPosted(posted)
        self._posted = {
            name: Posted(model, keys, counts[name], last)
            for name, model in self._models.items()
            if name not in sources
        }
        self._repository = Repository(self._models, token)
        self._metrics, self._limits = metrics, limits
        self._closing = threading.Lock()
        self._closed = False
        self.stuck: bool = False
        bodies = Bodies(limits.in_memory)
        threads = Threads("large requests", BODIES, limits.queue)
        self._routes = Routes(
            self._repository, self._posted, metrics, limits, bodies, threads, tracing,
            ab.__version__,
        )  # fmt: skip
        service = Service(self._repository, metrics, threads, tracing, ab.__version__)
        self._ends = Ends(
            self._routes.app(), service, host, port, grpc_port, limits, bodies, threads
        )
        self.port: int = self._ends.port
        self.grpc_port: int | None = self._ends.grpc_port
        try:
            for model in self._models.values():
                model.load()
                _LOG.info("loaded", extra={"model": model.name, "version": model.version})
        except BaseException:
            self.close()
            raise

    @property
    def ready(self) -> bool:
        """Whether every model infers, and the server does not end."""
        return self._repository.ready

    @property
    def running(self) -> bool:
        """Whether requests are answered; False after `close`, and when the server's thread died."""
        return self._ends.running

    def metrics(self) -> str:
        """Return what is counted, in Prometheus' text format, as ``GET /metrics`` does."""
        return self._metrics.text().decode()

    def drain(self, hurry: Callable[[], bool] = lambda: False) -> bool:
        """Take no more requests, and wait for the answers of those that are there.

        From now on ``ready`` is false, and a new request is 503, UNAVAILABLE.

        Args:
            hurry: Is asked meanwhile whether to wait no longer.

        Returns:
            Whether none is left; if not, the limit has passed, or somebody was in a hurry.
        """
        self._repository.draining = True
        until = monotonic() + self._limits.drain
        while self._repository.active and monotonic() < until and not hurry():
            sleep(STEP)
        return not self._repository.active

    def close(self) -> None:
        """Drain and stop: models are unloaded, connections closed. Harmless twice.

        A run that has not ended within the limit goes on; what it runs on stays loaded, with a
        ResourceWarning.
        """
        with self._closing:
            if self._closed:
                return
            if not self.draining:
                self.drain()
            seconds = self._limits.drain if not self._repository.active else 0.0
            why = "the server ends"
            ended: list[bool] = []

            def give_back(model: ServedModel) -> None:
                ended.append(model.unload(why, max(seconds, 1.0)))

            with ExitStack() as stack:  # to the end, whatever giving a model back raises
                stack.callback(setattr, self, "_closed", True)
                stack.callback(self._ends.close, seconds)
                stack.callback(self._routes.close)
                stack.callback(self._repository.close)
                for posted in self._posted.values():
                    stack.callback(posted.close)
                for one in self._models.values():
                    one.over = True  # a load that waits for a thread comes after this
                    stack.callback(give_back, one)
            self.stuck = not all(ended)
        if self.stuck:
            warnings.warn(
                "a run of this Server has not ended: what it runs on stays to the end of the"
                " process",
                ResourceWarning,
                stacklevel=2,
            )

    @property
    def draining(self) -> bool:
        """Whether `drain` was called: no more requests are taken."""
        return self._repository.draining

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this Server is closed")

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"port {self.port}"
        return f"<Server of {', '.join(self._models)}, {state}>"


def _check(models: Mapping[str, Any], sources: Mapping[str, Any], token: object) -> None:
    if not models:
        raise ValueError("models is empty; a name and a bundle are right: {'policy': bundle}")
    for name in models:
        if not isinstance(name, str) or not name or "/" in name or not name.isprintable():
            raise ValueError(f"a model's name is {name!r}; printable text without / is right")
    unknown = sources.keys() - models.keys()
    if unknown:
        raise ValueError(f"sources name {', '.join(map(repr, sorted(unknown)))}, which is no model")
    if token is not None and (not isinstance(token, str) or len(token) < TOKEN_MIN):
        raise ValueError(
            f"a token has at least {TOKEN_MIN} characters, such as those of secrets.token_hex(16)"
        )


def _load_of(given: Served | Load) -> Load:
    """What was loaded before stays its owner's."""
    if hasattr(given, "infer"):
        loaded: Any = given
        return lambda: nullcontext(loaded)
    if not callable(given):
        raise TypeError(
            f"a model is {given!r}; a Bundle, a Pair, or a function that loads one is right"
        )
    return given


def _followed(
    load: Load, source: Source, options: Mapping[str, Any], counts: ModelMetrics, name: str
) -> Load:
    """Return what loads a model and follows a source while it is loaded."""

    def applied(report: Any) -> None:
        counts.applied()
        fields = {"model": name, "version": report.version, "nbytes": report.nbytes}
        _LOG.info("applied", extra=fields)

    def refused(version: int | str, error: Exception) -> None:
        _LOG.warning("refused", extra={"model": name, "version": version, "error": str(error)})

    def failed(error: Exception) -> None:
        _LOG.warning("tried again", extra={"model": name, "error": str(error)})

    def stale(seconds: float) -> None:
        _LOG.warning("stale", extra={"model": name, "seconds": seconds})

    @contextmanager
    def opened() -> Iterator[Served]:
        with load() as served:
            follower = Follower(
                served, source, on_applied=applied, on_refused=refused, on_error=failed,  # type: ignore[arg-type]
                on_stale=stale, **options,
            )  # fmt: skip
            with follower:
                counts.follower = follower
                yield served

    return opened

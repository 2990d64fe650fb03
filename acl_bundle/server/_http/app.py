"""The routes of the protocol over HTTP, and of metrics and weights beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from acl_bundle.server._http import answer as answers
from acl_bundle.server._http import request as requests
from acl_bundle.server._http.read import body_of
from acl_bundle.server._protocol import described
from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of
from acl_bundle.server._tracing import Tracing
from acl_bundle.server.limits import ServerLimits
from acl_bundle.server.metrics import ModelMetrics, ServerMetrics
from acl_bundle.server.push import Posted
from acl_bundle.server.repository import Repository, in_thread

Handler = Callable[[Request], Awaitable[Response]]
_LOG = logging.getLogger("acl_bundle.server")
_JSON = {"content-type": "application/json"}


def _json(found: Any, status: int = 200) -> Response:
    return Response(json.dumps(found, separators=(",", ":")), status, _JSON)


def refused(refusal: Refusal) -> Response:
    """Return the response that tells why there is no answer."""
    response = _json({"error": refusal.text}, refusal.kind.status)
    if refusal.kind is Why.UNAUTHENTICATED:
        response.headers["www-authenticate"] = "Bearer"
    if refusal.kind in (Why.TOO_LARGE, Why.SLOW):  # the rest of the body is not wanted
        response.headers["connection"] = "close"
    return response


def told(handler: Handler) -> Handler:
    """Let a handler raise: the client is told what."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # the server lives, whatever a handler raises
            return refused(_refusal(error, request))

    return handle


def _refusal(error: Exception, request: Request) -> Refusal:
    if isinstance(error, ClientDisconnect):
        return Refusal(Why.SLOW, "the client has gone")
    found = refusal_of(error)
    if found.kind is Why.INTERNAL and not isinstance(error, Refusal):
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return found


class Routes:
    """The handlers.

    Args:
        repository: The models.
        posted: Who takes posted weights, by model.
        metrics: What counts.
        limits: Of bodies.
        tracing: What makes spans.
        version: Of the package.
    """

    def __init__(
        self,
        repository: Repository,
        posted: Mapping[str, Posted],
        metrics: ServerMetrics,
        limits: ServerLimits,
        tracing: Tracing,
        version: str,
    ) -> None:
        self._repository, self._posted, self._metrics = repository, posted, metrics
        self._limits, self._tracing, self._version = limits, tracing, version

    def app(self) -> Starlette:
        """Return the application."""
        model = "/v2/models/{model}"
        gets: dict[str, Handler] = {
            "/v2/health/live": self.live,
            "/v2/health/ready": self.ready,
            "/v2": self.server,
            f"{model}/ready": self.model_ready,
            f"{model}/versions/{{version}}/ready": self.model_ready,
            model: self.model,
            f"{model}/versions/{{version}}": self.model,
            "/metrics": self.metrics,
        }
        posts: dict[str, Handler] = {
            f"{model}/infer": self.infer,
            f"{model}/versions/{{version}}/infer": self.infer,
            f"{model}/weights": self.weights,
            "/v2/repository/index": self.index,
            "/v2/repository/models/{model}/load": self.load,
            "/v2/repository/models/{model}/unload": self.unload,
        }
        routes = [Route(path, told(one), methods=["GET"]) for path, one in gets.items()]
        routes += [Route(path, told(one), methods=["POST"]) for path, one in posts.items()]
        routes.sort(key=lambda route: not route.path.endswith("/infer"))  # looked at in order
        missing = {404: _missing, 405: _missing}
        return Starlette(routes=routes, exception_handlers=missing)

    async def live(self, _: Request) -> Response:
        return _json({"live": True})

    async def ready(self, _: Request) -> Response:
        ready = self._repository.ready
        return _json({"ready": ready}, 200 if ready else 503)

    async def server(self, _: Request) -> Response:
        return _json(described.server(self._version))

    async def model_ready(self, request: Request) -> Response:
        model = self._repository.model(request.path_params["model"])
        version = request.path_params.get("version", model.version)
        ready = model.ready and version == model.version and not self._repository.draining
        return _json({"name": model.name, "ready": ready}, 200 if ready else 503)

    async def model(self, request: Request) -> Response:
        model = self._repository.model(request.path_params["model"])
        return _json(model.metadata(request.path_params.get("version", "")))

    async def metrics(self, _: Request) -> Response:
        text = await in_thread(self._metrics.text)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    async def index(self, request: Request) -> Response:
        body = await body_of(request, self._limits.body)
        wish = requests.read_object(body) if body else {}
        return _json(self._repository.index(ready=wish.get("ready") is True))

    async def load(self, request: Request) -> Response:
        self._repository.check_token(_bearer(request), "loading a model")
        await self._repository.load(request.path_params["model"])
        return _json({})

    async def unload(self, request: Request) -> Response:
        self._repository.check_token(_bearer(request), "unloading a model")
        await self._repository.unload(request.path_params["model"])
        return _json({})

    async def weights(self, request: Request) -> Response:
        model = self._repository.model(request.path_params["model"])
        posted = self._posted.get(model.name)
        if posted is None or not posted.signed:
            self._repository.check_token(_bearer(request), "posting weights")
        self._repository.check_open()
        version = request.query_params.get("version")
        if posted is None:
            raise Refusal(
                Why.CONFLICT,
                f"model {model.name!r} follows a source: publish the weights there",
            )
        if not version:
            raise Refusal(Why.INVALID, "say which version it is: .../weights?version=8")
        body = await body_of(request, self._limits.weights)
        return _json(await in_thread(posted.apply, body, version))

    async def infer(self, request: Request) -> Response:
        name = request.path_params["model"]
        counts = self._metrics.of(name)
        tracing = self._tracing.span(name, lambda: request.headers)
        with tracing as span, self._counted(counts) as code:
            try:
                response = await self._infer(request, name, counts)
            except Exception as error:  # the server lives, whatever a handler raises
                refusal = _refusal(error, request)
                span.failed(refusal.text)
                response = refused(refusal)
            code[0] = str(response.status_code)
        return response

    @contextmanager
    def _counted(self, counts: ModelMetrics | None) -> Any:
        code = ["0"]
        self._repository.active += 1
        try:
            yield code
        finally:
            self._repository.active -= 1
            if counts is not None:
                counts.count("http", code[0])

    async def _infer(self, request: Request, name: str, counts: ModelMetrics | None) -> Response:
        self._repository.check_open()
        model = self._repository.model(name)
        body = await body_of(request, self._limits.body)
        begun = monotonic()
        version = request.path_params.get("version", "")
        wish = requests.parse(body, request.headers.get(requests.LENGTH), version)
        parsed = monotonic()
        answer = await model.infer(wish)
        computed = monotonic()
        text, headers = answers.body_of(name, wish, answer)
        if counts is not None:
            counts.observe("decode", parsed - begun)
            counts.observe("encode", monotonic() - computed)
        return Response(text, headers=headers)


async def _missing(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    path = request.url.path[:200]
    if status == 405:
        return refused(Refusal(Why.NO_METHOD, f"{request.method} is not for {path!r}"))
    return refused(Refusal(Why.NOT_FOUND, f"there is nothing at {path!r}; the protocol is at /v2"))


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None

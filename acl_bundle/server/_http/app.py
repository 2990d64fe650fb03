"""The routes of the protocol over HTTP, and of metrics and weights beside it."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from acl_bundle.server._bounds.bodies import Bodies
from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._http import answer as answers
from acl_bundle.server._http import request as requests
from acl_bundle.server._http.connection import WhileThere
from acl_bundle.server._http.read import body_of
from acl_bundle.server._http.told import App, Handler, as_json, refusal_in, refused, told
from acl_bundle.server._protocol import described
from acl_bundle.server._protocol.messages import InferRequest
from acl_bundle.server._protocol.refusal import Refusal, Why
from acl_bundle.server._tracing import Tracing
from acl_bundle.server.limits import ServerLimits
from acl_bundle.server.metrics import ModelMetrics, ServerMetrics
from acl_bundle.server.push import Posted
from acl_bundle.server.repository import Repository

INDEX_MAX: Final = 1 << 16
LOOKS: Final = 16


class Routes:
    """The handlers.

    Args:
        repository: The models.
        posted: Who takes posted weights, by model.
        metrics: What counts.
        limits: Of bodies.
        bodies: Counts what is in memory.
        threads: Take large bodies apart, and write them.
        tracing: What makes spans.
        version: Of the package.
    """

    def __init__(
        self,
        repository: Repository,
        posted: Mapping[str, Posted],
        metrics: ServerMetrics,
        limits: ServerLimits,
        bodies: Bodies,
        threads: Threads,
        tracing: Tracing,
        version: str,
    ) -> None:
        self._repository, self._posted, self._metrics = repository, posted, metrics
        self._limits, self._tracing, self._version = limits, tracing, version
        self._bodies, self._threads = bodies, threads
        self._weights = Bodies(limits.weights)
        self._looks = Threads("looks at the metrics", 1, LOOKS)

    def app(self) -> App:
        """Return the application: inferences have a short way."""
        routes, infer = self._routes(), self.infer

        async def app(scope: Any, receive: Any, send: Any) -> None:
            found = _inference(scope)
            if found is None:
                await routes(scope, receive, send)
            else:
                scope["path_params"] = found
                response = await infer(Request(scope, receive))
                await response(scope, receive, send)

        return app

    def _routes(self) -> Starlette:
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
            f"{model}/infer": self.infer,  # for what is no POST: see `app`
            f"{model}/versions/{{version}}/infer": self.infer,
            f"{model}/weights": self.weights,
            "/v2/repository/index": self.index,
            "/v2/repository/models/{model}/load": self.load,
            "/v2/repository/models/{model}/unload": self.unload,
        }
        routes = [Route(path, told(one), methods=["GET"]) for path, one in gets.items()]
        routes += [Route(path, told(one), methods=["POST"]) for path, one in posts.items()]
        missing = {404: _missing, 405: _missing}
        return Starlette(routes=routes, exception_handlers=missing)

    def close(self) -> None:
        """Let no thread stay."""
        self._looks.close(wait=True)
        self._threads.close(wait=True)

    async def live(self, _: Request) -> Response:
        return as_json({"live": True})

    async def ready(self, _: Request) -> Response:
        ready = self._repository.ready
        return as_json({"ready": ready}, 200 if ready else 503)

    async def server(self, _: Request) -> Response:
        return as_json(described.server(self._version))

    async def model_ready(self, request: Request) -> Response:
        model = self._repository.model(request.path_params["model"])
        version = request.path_params.get("version", model.version)
        ready = model.ready and version == model.version and not self._repository.draining
        return as_json({"name": model.name, "ready": ready}, 200 if ready else 503)

    async def model(self, request: Request) -> Response:
        model = self._repository.model(request.path_params["model"])
        return as_json(model.metadata(request.path_params.get("version", "")))

    async def metrics(self, _: Request) -> Response:
        text = await self._looks.run(self._metrics.text)
        return Response(text, headers={"content-type": CONTENT_TYPE_LATEST})

    async def index(self, request: Request) -> Response:
        with self._bodies.held() as held:
            body = await body_of(request, INDEX_MAX, held, self._threads)
            wish = requests.read_object(body) if body else {}
        return as_json(self._repository.index(ready=wish.get("ready") is True))

    async def load(self, request: Request) -> Response:
        self._repository.check_token(_bearer(request), "loading a model")
        await self._repository.load(request.path_params["model"])
        return as_json({})

    async def unload(self, request: Request) -> Response:
        self._repository.check_token(_bearer(request), "unloading a model")
        await self._repository.unload(request.path_params["model"])
        return as_json({})

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
        with self._weights.held() as held:
            body = await body_of(request, self._limits.weights, held, self._threads)
            return as_json(await posted.apply(body, version))

    async def infer(self, request: Request) -> Response:
        name = request.path_params["model"]
        counts, code = self._metrics.of(name), "0"
        self._repository.active += 1
        try:
            with self._tracing.span(name, lambda: request.headers) as span:
                try:
                    response = await self._infer(request, name, counts)
                except Exception as error:  # the server lives, whatever a handler raises
                    refusal = refusal_in(error, request)
                    span.failed(refusal.text)
                    response = refused(refusal)
                code = str(response.status_code)
        finally:
            self._repository.active -= 1
            if counts is not None:
                counts.count("http", code)
        return response

    async def _infer(self, request: Request, name: str, counts: ModelMetrics | None) -> Response:
        self._repository.check_open()
        model = self._repository.model(name)
        with WhileThere(request.scope), self._bodies.held() as held:
            body = await body_of(request, self._limits.body, held, self._threads)
            begun = monotonic()
            wish = await self._parsed(request, body)
            parsed = monotonic()
            answer = await model.infer(wish)
            computed = monotonic()
            if answers.is_large(wish, answer):
                text, headers = await self._threads.run(answers.body_of, name, wish, answer)
            else:
                text, headers = answers.body_of(name, wish, answer)
        if counts is not None:
            counts.observe("decode", parsed - begun)
            counts.observe("encode", monotonic() - computed)
        return Response(text, headers=headers)

    async def _parsed(self, request: Request, body: bytes) -> InferRequest:
        length = request.headers.get(requests.LENGTH)
        version = request.path_params.get("version", "")
        if requests.is_large(body, length):
            return await self._threads.run(requests.parse, body, length, version)
        return requests.parse(body, length, version)


def _inference(scope: Mapping[str, Any]) -> dict[str, str] | None:
    """Return what the address of an inference says; None for another one."""
    path = scope["path"]
    if not path.endswith("/infer") or scope["method"] != "POST":
        return None
    match path.split("/"):
        case ["", "v2", "models", model, "infer"] if model:
            return {"model": model}
        case ["", "v2", "models", model, "versions", version, "infer"] if model and version:
            return {"model": model, "version": version}
    return None


async def _missing(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 404)
    path = request.url.path[:200]
    if status == 405:
        return refused(Refusal(Why.NO_METHOD, f"{request.method} is not for {path!r}"))
    return refused(Refusal(Why.NOT_FOUND, f"there is nothing at {path!r}; the protocol is at /v2"))


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None

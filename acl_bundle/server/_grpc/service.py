"""The methods of the protocol's gRPC service."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, TypeVar

import grpc
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc

from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._grpc import messages
from acl_bundle.server._grpc.large import LargeRequest
from acl_bundle.server._protocol import described
from acl_bundle.server._protocol.refusal import TEXT_MAX, Refusal, Why, refusal_of
from acl_bundle.server._tracing import Tracing
from acl_bundle.server.metrics import ModelMetrics, ServerMetrics
from acl_bundle.server.repository import Repository

Result = TypeVar("Result")
_LOG = logging.getLogger("acl_bundle.server")


def code_of(kind: Why) -> Any:
    """Return gRPC's status code of a refusal."""
    return grpc.StatusCode[kind.code]


def _refusal(error: Exception, method: str) -> Refusal:
    found = refusal_of(error)
    if found.kind is Why.INTERNAL and not isinstance(error, Refusal):
        _LOG.error("%s failed", method, exc_info=error)
    return found


def _sendable(text: str) -> str:
    """A message that clients take: 8 KiB of headers, where what is not ASCII is written as %XX."""
    plain = text.isascii() and "%" not in text
    return text if plain else text.encode(errors="replace")[: TEXT_MAX // 3].decode(errors="ignore")


class Service(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """Answers over gRPC. What it does not have is UNIMPLEMENTED, as the stubs say.

    Args:
        repository: The models.
        metrics: What counts.
        threads: Take large requests apart.
        tracing: What makes spans.
        version: Of the package.
    """

    def __init__(
        self,
        repository: Repository,
        metrics: ServerMetrics,
        threads: Threads,
        tracing: Tracing,
        version: str,
    ) -> None:
        self._repository, self._metrics, self._threads = repository, metrics, threads
        self._tracing, self._version = tracing, version

    async def _told(self, context: Any, call: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await call()
        except Exception as error:  # the server lives, whatever a method raises
            refusal = _refusal(error, "a method")
        return await context.abort(code_of(refusal.kind), _sendable(refusal.text))  # type: ignore[no-any-return]

    async def ServerLive(self, _: Any, __: Any) -> Any:  # noqa: N802  names of the protocol
        return pb.ServerLiveResponse(live=True)

    async def ServerReady(self, _: Any, __: Any) -> Any:  # noqa: N802
        return pb.ServerReadyResponse(ready=self._repository.ready)

    async def ServerMetadata(self, _: Any, __: Any) -> Any:  # noqa: N802
        return pb.ServerMetadataResponse(**described.server(self._version))

    async def ModelReady(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def ready() -> Any:
            model = self._repository.model(request.name)
            fits = request.version in ("", model.version) and not self._repository.draining
            return pb.ModelReadyResponse(ready=model.ready and fits)

        return await self._told(context, ready)

    async def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def found() -> Any:
            return messages.metadata(self._repository.model(request.name).metadata(request.version))

        return await self._told(context, found)

    async def RepositoryIndex(self, request: Any, _: Any) -> Any:  # noqa: N802
        rows = self._repository.index(ready=request.ready)
        return pb.RepositoryIndexResponse(
            models=[pb.RepositoryIndexResponse.ModelIndex(**row) for row in rows]
        )

    async def RepositoryModelLoad(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def load() -> Any:
            self._repository.check_token(_bearer(context), "loading a model")
            await self._repository.load(request.model_name)
            return pb.RepositoryModelLoadResponse()

        return await self._told(context, load)

    async def RepositoryModelUnload(self, request: Any, context: Any) -> Any:  # noqa: N802
        async def unload() -> Any:
            self._repository.check_token(_bearer(context), "unloading a model")
            await self._repository.unload(request.model_name)
            return pb.RepositoryModelUnloadResponse()

        return await self._told(context, unload)

    async def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        name, code = request.model_name, "CANCELLED"
        counts = self._metrics.of(name)
        self._repository.active += 1
        try:
            with self._tracing.span(name, lambda: _texts(context)) as span:
                try:
                    answer = await self._infer(request, counts)
                    code = "OK"
                    return answer
                except Exception as error:  # the server lives, whatever a method raises
                    refusal = _refusal(error, "ModelInfer")
                    code = refusal.kind.code
                    span.failed(refusal.text)
        finally:
            self._repository.active -= 1
            if counts is not None:
                counts.count("grpc", code)
        return await context.abort(code_of(refusal.kind), _sendable(refusal.text))

    async def _infer(self, request: Any, counts: ModelMetrics | None) -> Any:
        self._repository.check_open()
        model = self._repository.model(request.model_name)
        begun = monotonic()
        if isinstance(request, LargeRequest):
            wish = await self._threads.run(messages.parse, request)
        else:
            wish = messages.parse(request)
        parsed = monotonic()
        answer = await model.infer(wish)
        computed = monotonic()
        if messages.is_large(answer):
            message = await self._threads.run(messages.answered, model.name, answer)
        else:
            message = messages.answered(model.name, answer)
        if counts is not None:
            counts.observe("decode", parsed - begun)
            counts.observe("encode", monotonic() - computed)
        return message


def _texts(context: Any) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


def _bearer(context: Any) -> str | None:
    kind, _, token = _texts(context).get("authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else None

"""Requests that are no messages, or one too many: refused before they are decoded.

Of what is no message grpcio would say that the server failed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from google.protobuf.message import DecodeError

from acl_bundle.server._bounds.bodies import Bodies
from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._grpc.large import LARGE, cut
from acl_bundle.server._protocol.refusal import Refusal, Why


class Decoding(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Decodes requests where a failure is the client's: INVALID_ARGUMENT.

    Args:
        bodies: Counts what is in memory.
        threads: Take large requests apart.
    """

    def __init__(self, bodies: Bodies, threads: Threads) -> None:
        self._handlers: dict[str, Any] = {}
        self._bodies, self._threads = bodies, threads

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        """Return the handler of a method; see grpc.aio.ServerInterceptor."""
        method = handler_call_details.method
        found = self._handlers.get(method)
        if found is None:
            handler = await continuation(handler_call_details)
            if handler is None or handler.unary_unary is None:
                return handler  # no such method, or a stream, which this server has not
            found = self._handlers[method] = self._decoding(handler, method.endswith("/ModelInfer"))
        return found

    def _decoding(self, handler: Any, infers: bool) -> Any:
        async def call(data: bytes, context: Any) -> Any:
            with self._bodies.held() as held:
                try:
                    held.add(len(data))
                    if infers and len(data) > LARGE:
                        request = await self._threads.run(cut, data)
                    else:
                        request = _decoded(handler, data)
                except Refusal as refusal:
                    await context.abort(grpc.StatusCode[refusal.kind.code], refusal.text)
                del data
                return await handler.unary_unary(request, context)

        return grpc.unary_unary_rpc_method_handler(
            call, response_serializer=None if infers else handler.response_serializer
        )


def _decoded(handler: Any, data: bytes) -> Any:
    if len(data) > LARGE:
        what = f"the request has {len(data)} bytes; at most {LARGE} are taken by this method"
        raise Refusal(Why.TOO_LARGE, what)
    try:
        return handler.request_deserializer(data)
    except DecodeError as error:
        raise Refusal(Why.INVALID, f"the request is no message: {error}") from error

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
from acl_bundle.server._protocol.refusal import Refusal


class Decoding(grpc.aio.ServerInterceptor):  # type: ignore[misc]
    """Decodes requests where a failure is the client's: INVALID_ARGUMENT.

    Args:
        bodies: Counts what is in memory.
    """

    def __init__(self, bodies: Bodies) -> None:
        self._handlers: dict[str, Any] = {}
        self._bodies = bodies

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
            found = self._handlers[method] = _decoding(handler, self._bodies)
        return found


def _decoding(handler: Any, bodies: Bodies) -> Any:
    async def call(data: bytes, context: Any) -> Any:
        with bodies.held() as held:
            try:
                held.add(len(data))
            except Refusal as refusal:
                await context.abort(grpc.StatusCode[refusal.kind.code], refusal.text)
            try:
                request = handler.request_deserializer(data)
            except DecodeError as error:
                text = f"the request is no message: {error}"
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
            del data
            return await handler.unary_unary(request, context)

    return grpc.unary_unary_rpc_method_handler(
        call, response_serializer=handler.response_serializer
    )

"""Responses in JSON, and what a client is told instead of one."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of

App = Callable[[Any, Any, Any], Awaitable[None]]
Handler = Callable[[Request], Awaitable[Response]]
_LOG = logging.getLogger("acl_bundle.server")
_JSON = {"content-type": "application/json"}


def as_json(found: Any, status: int = 200) -> Response:
    """Return the response that says something in JSON."""
    return Response(json.dumps(found, separators=(",", ":")), status, _JSON)


def refused(refusal: Refusal) -> Response:
    """Return the response that tells why there is no answer."""
    response = as_json({"error": refusal.text}, refusal.kind.status)
    if refusal.kind is Why.UNAUTHENTICATED:
        response.headers["www-authenticate"] = "Bearer"
    if refusal.kind is Why.BUSY:
        response.headers["retry-after"] = "1"
    if refusal.kind in (Why.TOO_LARGE, Why.SLOW):  # the rest of the body is not wanted
        response.headers["connection"] = "close"
    return response


def told(handler: Handler) -> Handler:
    """Let a handler raise: the client is told what."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # the server lives, whatever a handler raises
            return refused(refusal_in(error, request))

    return handle


def refusal_in(error: Exception, request: Request) -> Refusal:
    """Return what a client is told of what its request met."""
    if isinstance(error, ClientDisconnect):
        return Refusal(Why.GONE, "the client has gone")
    found = refusal_of(error)
    if found.kind is Why.INTERNAL and not isinstance(error, Refusal):
        _LOG.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return found

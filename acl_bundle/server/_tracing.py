"""Spans of OpenTelemetry, where it is installed and configured.

The program that starts the server sets a tracer provider (``opentelemetry-instrument``, or
``trace.set_tracer_provider``). Without one, and without the package, there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any


class RequestSpan:
    """A span that may be none."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def failed(self, text: str) -> None:
        """Note that there is no answer, and why."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415  of an extra

            self._span.set_status(Status(StatusCode.ERROR, text))


_NONE = nullcontext(RequestSpan())


class Tracing:
    """Makes a span for each request; its parent is the client's, by ``traceparent``."""

    def __init__(self) -> None:
        try:
            from opentelemetry import propagate, trace  # noqa: PLC0415  of an extra
        except ImportError:
            self._trace: Any = None
            return
        self._trace, self._propagate = trace, propagate
        self._tracer = trace.get_tracer("acl_bundle.server")

    @property
    def configured(self) -> bool:
        """Whether somebody takes spans."""
        if self._trace is None:
            return False
        provider = self._trace.get_tracer_provider()
        return not isinstance(provider, self._trace.ProxyTracerProvider)

    def span(
        self, model: str, headers: Callable[[], Mapping[str, str]]
    ) -> AbstractContextManager[RequestSpan]:
        """Have a span around an inference.

        Args:
            model: Of which.
            headers: Gives what the client sent beside the request.
        """
        return self._span(model, headers) if self.configured else _NONE

    @contextmanager
    def _span(self, model: str, headers: Callable[[], Mapping[str, str]]) -> Iterator[RequestSpan]:
        context = self._propagate.extract(headers())
        kind, attributes = self._trace.SpanKind.SERVER, {"acl_bundle.model": model}
        with self._tracer.start_as_current_span(
            f"infer {model}", context, kind=kind, attributes=attributes
        ) as span:
            yield RequestSpan(span)

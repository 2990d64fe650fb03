"""What an operator sees: metrics, spans, lines of JSON."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.parser import text_string_to_metric_families

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle.server import JsonLines, Server

from .conftest import Start, ask, numbers

INFER = "/v2/models/mlp/infer"


def samples(server: Server) -> dict[tuple[str, ...], float]:
    reply = ask(server.port, "GET", "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    return {
        (
            one.name,
            *(f"{key}={value}" for key, value in sorted(one.labels.items())),
        ): one.value
        for family in text_string_to_metric_families(reply.body.decode())
        for one in family.samples
    }


def test_what_is_counted(mlp: Any, server: Server, bundle: ab.Bundle) -> None:
    for body in (numbers(mlp.x), numbers(mlp.x), {}):
        ask(server.port, "POST", INFER, body)
    found = samples(server)
    requests = "acl_bundle_requests_total"
    assert found[requests, "code=200", "model=mlp", "protocol=http"] == 2
    assert found[requests, "code=400", "model=mlp", "protocol=http"] == 1
    for stage in ("decode", "queue", "infer", "encode"):
        assert found["acl_bundle_stage_seconds_count", "model=mlp", f"stage={stage}"] == 2
        assert 0 < found["acl_bundle_stage_seconds_sum", "model=mlp", f"stage={stage}"] < 60
    assert found["acl_bundle_ready", "model=mlp"] == 1
    assert found["acl_bundle_queue", "model=mlp"] == 0
    assert 0 <= found["acl_bundle_weights_age_seconds", "model=mlp"] < 600
    memory = {key[2]: value for key, value in found.items() if "device_memory" in key[0]}
    assert memory.keys() in (
        {"kind=hbm_free", "kind=hbm_total"},
        {"kind=ddr_free", "kind=ddr_total"},
    )
    assert all(value > 0 for value in memory.values())


def test_a_name_that_is_no_model_makes_no_series(server: Server) -> None:
    for at in range(5):
        ask(server.port, "POST", f"/v2/models/other{at}/infer", {})
    assert not [key for key in samples(server) if any("other" in part for part in key)]


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Finished spans. The process has one provider, so it stays."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    processor = SimpleSpanProcessor(exporter)
    provider.add_span_processor(processor)
    yield exporter
    processor.shutdown()


def test_a_span_for_each_request(mlp: Any, spans: InMemorySpanExporter, server: Server) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    ask(server.port, "POST", INFER, numbers(mlp.x), {"traceparent": parent})
    ask(server.port, "POST", INFER, {})
    first, second = spans.get_finished_spans()
    assert (first.name, first.attributes) == ("infer mlp", {"acl_bundle.model": "mlp"})
    assert format(first.context.trace_id, "032x") == "0af7651916cd43dd8448eb211c80319c"
    assert first.status.is_ok or first.status.is_unset
    assert not second.status.is_ok
    assert "'inputs' is no list" in str(second.status.description)


def test_lines_of_json(
    mlp: Any, tmp_path: Path, start: Start, bundle: ab.Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "acl_bundle.server")
    follow.publish_directory(tmp_path, mlp.random(1), 1)
    follow.publish_directory(tmp_path, {"w1": mlp.x}, 2)
    options = {"after": 0}
    server = start(bundle, sources={"mlp": follow.Directory(tmp_path)}, follow_options=options)
    while not [one for one in caplog.records if one.getMessage() == "refused"]:
        assert server.running
    lines = [json.loads(JsonLines().format(one)) for one in caplog.records]
    events = {line["event"]: line for line in lines if line["logger"] == "acl_bundle.server"}
    assert (events["applied"]["version"], events["applied"]["nbytes"]) == (1, 780)
    assert events["refused"]["level"] == "warning"
    assert "weight 'w1' has shape" in events["refused"]["error"]
    assert events["loaded"]["model"] == "mlp"
    assert all(line["time"].endswith("Z") for line in lines)


def test_a_line_stays_one_line() -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "a\nb\x1b[m \ud800", None, None)
    try:
        raise ValueError("c\nd")
    except ValueError as error:
        record.exc_info = (ValueError, error, None)
    line = JsonLines().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["event"] == "a\nb\x1b[m \ud800"

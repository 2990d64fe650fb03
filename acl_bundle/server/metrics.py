"""What the server counts, in Prometheus' format. Each server has a registry of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from acl_bundle.server._device import memory

if TYPE_CHECKING:
    from acl_bundle.follow import Follower

STAGES = ("decode", "queue", "infer", "encode")
SECONDS = (
    50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 0.1, 0.25, 0.5, 1, 5,
)  # fmt: skip
ROWS = (1, 2, 4, 8, 16, 32, 64, 128)


class Measured(Protocol):
    """What is asked when somebody reads the metrics: a `ServedModel`."""

    @property
    def ready(self) -> bool:
        """Whether it infers."""

    @property
    def waiting(self) -> int:
        """How many requests wait."""

    @property
    def served(self) -> Any:
        """What answers now."""


class ModelMetrics:
    """The counts of one model.

    Attributes:
        follower: What keeps the model's weights at a source's newest; None where nothing does.
    """

    def __init__(self, metrics: ServerMetrics, name: str) -> None:
        self._metrics, self._name = metrics, name
        self._stages: dict[str, Callable[[float], None]] = {
            stage: metrics.seconds.labels(name, stage).observe for stage in STAGES
        }
        self._stages["rows"] = metrics.rows.labels(name).observe
        self._results: dict[tuple[str, str], Callable[[], None]] = {}
        self._pushed = {"applied": 0, "refused": 0}
        self.applied_at: float | None = None
        self.follower: Follower | None = None

    def watch(self, model: Measured) -> None:
        """Ask a model for what is known only when it is asked."""
        self._metrics.models[self._name] = (model, self)

    def observe(self, stage: str, value: float) -> None:
        """Note the seconds of a stage, or the rows of a run."""
        self._stages[stage](value)

    def count(self, protocol: str, code: str) -> None:
        """Count a request that has its answer."""
        count = self._results.get((protocol, code))
        if count is None:
            count = self._metrics.requests.labels(self._name, protocol, code).inc
            self._results[protocol, code] = count
        count()

    def applied(self) -> None:
        """Note that the weights are new now."""
        self.applied_at = time.time()

    def pushed(self, outcome: str) -> None:
        """Count weights that were posted: ``"applied"`` or ``"refused"``."""
        self._pushed[outcome] += 1
        if outcome == "applied":
            self.applied()

    def versions(self) -> dict[str, int]:
        """Return how many versions came, by what became of them."""
        found = {**self._pushed, "passed": 0, "healed": 0, "errors": 0}
        seen = sum(self._pushed.values())
        if self.follower is not None:
            now = self.follower.metrics
            seen += now.seen
            for outcome in found:
                found[outcome] += getattr(now, outcome)
        return {"seen": seen, **found}


class ServerMetrics:
    """The counts of a server."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.models: dict[str, tuple[Measured, ModelMetrics]] = {}
        self.requests: Counter = Counter(
            "acl_bundle_requests", "Inference requests that were answered, by HTTP status or code.",
            ("model", "protocol", "code"), registry=self._registry,
        )  # fmt: skip
        self.seconds: Histogram = Histogram(
            "acl_bundle_stage_seconds",
            "Seconds of each stage of a request; infer is counted once for a batch.",
            ("model", "stage"), buckets=SECONDS, registry=self._registry,
        )  # fmt: skip
        self.rows: Histogram = Histogram(
            "acl_bundle_batch_rows", "Rows that one run of a model with gears had.",
            ("model",), buckets=ROWS, registry=self._registry,
        )  # fmt: skip
        self._registry.register(self)

    def of(self, name: str) -> ModelMetrics | None:
        """Return the counts of a model; None where there is none of that name."""
        found = self.models.get(name)
        return None if found is None else found[1]

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Any]:
        """Yield what is known when it is asked."""
        ready = GaugeMetricFamily("acl_bundle_ready", "Whether it infers.", labels=("model",))
        waits = GaugeMetricFamily("acl_bundle_queue", "Requests that wait.", labels=("model",))
        age = GaugeMetricFamily(
            "acl_bundle_weights_age_seconds", "Since the last version was applied.",
            labels=("model",),
        )  # fmt: skip
        follows = GaugeMetricFamily(
            "acl_bundle_following", "Whether the follower of a source runs.", labels=("model",)
        )
        versions = CounterMetricFamily(
            "acl_bundle_versions", "Versions of weights, by what became of them.",
            labels=("model", "outcome"),
        )  # fmt: skip
        for name, (model, counts) in list(self.models.items()):
            ready.add_metric((name,), model.ready)
            waits.add_metric((name,), model.waiting)
            if counts.applied_at is not None:
                age.add_metric((name,), max(0.0, time.time() - counts.applied_at))
            if counts.follower is not None:
                follows.add_metric((name,), counts.follower.running)
            for outcome, count in counts.versions().items():
                versions.add_metric((name, outcome), count)
        yield from (ready, waits, age, follows, versions, self._memory(), *self._replicas())

    def _replicas(self) -> Iterator[Any]:
        """What is known of the replicas of fleets."""
        labels = ("model", "replica")
        open_ = GaugeMetricFamily(
            "acl_bundle_replica_open", "Whether requests go to it.", labels=labels
        )
        load = GaugeMetricFamily("acl_bundle_replica_load", "Its runs under way.", labels=labels)
        runs = CounterMetricFamily("acl_bundle_replica_runs", "Runs it was given.", labels=labels)
        for name, (model, _) in list(self.models.items()):
            for one in getattr(model.served, "replicas", ()):
                open_.add_metric((name, one.name), one.is_open)
                load.add_metric((name, one.name), one.load)
                runs.add_metric((name, one.name), one.runs)
        yield from (open_, load, runs)

    def _memory(self) -> GaugeMetricFamily:
        found = GaugeMetricFamily(
            "acl_bundle_device_memory_bytes", "Memory of the devices.", labels=("device", "kind")
        )
        known = (model.served for model, _ in list(self.models.values()))
        for device, kinds in memory(known).items():
            for kind, nbytes in kinds.items():
                found.add_metric((str(device), kind), nbytes)
        return found

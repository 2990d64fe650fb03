"""Weights that are posted: safetensors bytes under a version that is newer than the last."""

from __future__ import annotations

import threading
from typing import Any

from acl_bundle.follow._versions.order import order_of
from acl_bundle.follow._versions.sign import Keys, verified
from acl_bundle.follow._versions.source import Checkpoint, Order
from acl_bundle.follow._versions.stamp import check_stamp
from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of
from acl_bundle.server.metrics import ModelMetrics
from acl_bundle.server.model import ServedModel
from acl_bundle.server.post import place_of
from acl_bundle.weights import Safetensors


class Posted:
    """What is posted to one model; each version once, and never backwards.

    Args:
        model: Whose weights they are.
        keys: With which they must be signed, one of them; None: they need not be.
        metrics: What counts them.

    Attributes:
        signed: Whether a signature is asked for.
    """

    def __init__(self, model: ServedModel, keys: Keys | None, metrics: ModelMetrics) -> None:
        self._model, self._keys, self._metrics = model, keys, metrics
        self.signed: bool = keys is not None
        self._one = threading.Lock()
        self._last: Order | None = None

    def apply(self, body: bytes, version: str) -> dict[str, Any]:
        """Give the model posted weights. Blocks until they are what inference reads.

        Raises:
            Refusal: They were refused; the model has the weights that it had.
        """
        try:
            with self._one:
                report = self._applied(body, version)
        except Exception as error:
            self._metrics.pushed("refused")
            raise refusal_of(error) from error
        self._metrics.pushed("applied")
        return {
            "model_name": self._model.name, "model_version": str(report.version),
            "nbytes": report.nbytes,
        }  # fmt: skip

    def _applied(self, body: bytes, text: str) -> Any:
        order = order_of(text)
        if self._last is not None and order <= self._last:
            raise Refusal(
                Why.CONFLICT,
                f"version {text!r} is not newer than the one that was applied last",
            )
        served: Any = self._model.served
        if served is None:
            raise Refusal(Why.UNAVAILABLE, f"model {self._model.name!r} is not loaded")
        name = int(text) if text.isascii() and text.isdigit() else text
        place = place_of(self._model.name)
        one = Checkpoint(name, order, lambda: Safetensors(body), place=place)
        with one.open() if self._keys is None else verified(one, self._keys) as weights:
            check_stamp(weights, order, place)
            report = served.update(weights, version=name)
        self._last = order
        return report

"""Weights that are posted: safetensors bytes under a version that is newer than the last."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, Final
from weakref import ref

from acl_bundle.fleet import UndecidedError
from acl_bundle.follow._versions.order import order_of
from acl_bundle.follow._versions.sign import Keys, verified
from acl_bundle.follow._versions.source import Checkpoint, Order
from acl_bundle.follow._versions.stamp import check_stamp
from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._last import LastPosted
from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of
from acl_bundle.server.metrics import ModelMetrics
from acl_bundle.server.model import ServedModel
from acl_bundle.server.post import place_of
from acl_bundle.weights import Safetensors

POSTS: Final = 4
"""How many may wait and run at once."""


class Posted:
    """What is posted to one model; each version once, and never backwards.

    Args:
        model: Whose weights they are.
        keys: With which they must be signed, one of them; None: they need not be.
        metrics: What counts them.
        last: The version that was posted last, before the server was started, and where to keep
            those that come.

    Attributes:
        signed: Whether a signature is asked for.
    """

    def __init__(
        self, model: ServedModel, keys: Keys | None, metrics: ModelMetrics, last: LastPosted
    ) -> None:
        self._model, self._keys, self._metrics, self._kept = model, keys, metrics, last
        self.signed: bool = keys is not None
        self._threads = Threads(f"posts of weights for {model.name!r}", 1, POSTS)
        before = last.of(model.name)
        self._last: Order | None = None if before is None else order_of(before)
        self._holder: Callable[[], object] = lambda: None
        """Returns what the last version was given to; when that is not what is served any more,
        the version is gone, and may come again."""

    async def apply(self, body: bytes, version: str) -> dict[str, Any]:
        """Give the model posted weights; one post at a time, in the order in which they came.

        Raises:
            Refusal: They were refused; the model has the weights that it had.
        """
        return await self._threads.run(self._apply, body, version)

    def close(self) -> None:
        """Begin no more of them."""
        self._threads.close(wait=False)

    def _apply(self, body: bytes, version: str) -> dict[str, Any]:
        try:
            begun = monotonic()
            report = self._applied(body, version)
        except Exception as error:
            self._metrics.pushed("refused")
            raise refusal_of(error) from error
        self._metrics.pushed("applied")
        self._note(version)
        return {
            "model_name": self._model.name, "model_version": str(report.version),
            "nbytes": report.nbytes, "seconds": monotonic() - begun,
        }  # fmt: skip

    def _applied(self, body: bytes, text: str) -> Any:
        order = order_of(text)
        served: Any = self._model.served
        if served is None:
            raise Refusal(Why.UNAVAILABLE, f"model {self._model.name!r} is not loaded")
        self._check_new(text, order, served)
        name = int(text) if text.isascii() and text.isdigit() else text
        place = place_of(self._model.name)
        one = Checkpoint(name, order, lambda: Safetensors(body), place=place)
        with one.open() if self._keys is None else verified(one, self._keys) as weights:
            check_stamp(weights, order, place)
            before = served.version
            try:
                report = served.update(weights, version=name)
            except Exception as error:
                if isinstance(error, UndecidedError) or before != name == served.version:
                    self._last, self._holder = order, lambda: None  # in force, maybe: none before
                    with suppress(Refusal):
                        self._note(text)
                raise
        self._last, self._holder = order, _weakly(served)
        return report

    def _check_new(self, text: str, order: Order, served: object) -> None:
        last = self._last
        if last is None or order > last or (order == last and self._holder() is not served):
            return
        raise Refusal(
            Why.CONFLICT, f"version {text!r} is not newer than the one that was applied last"
        )

    def _note(self, text: str) -> None:
        try:
            self._kept.note(self._model.name, text)
        except OSError as error:
            text = f"version {text!r} was applied, but this cannot be kept: {error}"
            raise Refusal(Why.INTERNAL, text) from error


def _weakly(served: object) -> Callable[[], object]:
    """Return what returns it, and does not keep it."""
    try:
        return ref(served)
    except TypeError:  # of a kind to which nobody can refer like that
        return lambda: served

"""The models of a server by name, and what their owners may do with them."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Final

from acl_bundle.server._bounds.threads import Threads
from acl_bundle.server._protocol.refusal import Refusal, Why
from acl_bundle.server.model import ServedModel

LOADS: Final = 4


class Repository:
    """The models of a server.

    Args:
        models: By name.
        token: What loads, unloads and posts must bring; None refuses all of them.
    """

    def __init__(self, models: Mapping[str, ServedModel], token: str | None) -> None:
        self.models: Mapping[str, ServedModel] = models
        self._token = token
        self._threads = Threads("loads and unloads", LOADS, 2 * LOADS)
        self.draining = False
        self.active = 0
        """Requests that have no answer yet. Only the loop's thread changes it."""

    @property
    def ready(self) -> bool:
        """Whether every model infers, and the server does not end."""
        return not self.draining and all(model.ready for model in self.models.values())

    def model(self, name: str) -> ServedModel:
        """Return a model.

        Raises:
            Refusal: There is none of that name.
        """
        found = self.models.get(name)
        if found is None:
            known = ", ".join(self.models)
            raise Refusal(Why.NOT_FOUND, f"there is no model {name[:200]!r}; there is {known}")
        return found

    def check_open(self) -> None:
        """Refuse a request while the server ends.

        Raises:
            Refusal: It ends.
        """
        if self.draining:
            raise Refusal(Why.UNAVAILABLE, "the server ends: it takes no more requests")

    def check_token(self, given: str | None, what: str) -> None:
        """Let nobody but an owner go on.

        Args:
            given: What stands behind ``Bearer`` in the header ``Authorization``.
            what: What is asked for.

        Raises:
            Refusal: It is not the server's token, or the server has none.
        """
        if self._token is None:
            raise Refusal(
                Why.FORBIDDEN, f"{what} is off: this server was started without a token for it"
            )
        if given is None:
            raise Refusal(
                Why.UNAUTHENTICATED, f"{what} needs the header Authorization: Bearer <token>"
            )
        if not hmac.compare_digest(given.encode(errors="replace"), self._token.encode()):
            raise Refusal(Why.FORBIDDEN, f"{what}: the token is not this server's")

    def index(self, *, ready: bool = False) -> list[dict[str, str]]:
        """Return a row for each model, or for each that is ready."""
        return [
            {
                "name": name, "version": model.version, "state": model.state,
                "reason": model.reason,
            }
            for name, model in self.models.items()
            if model.ready or not ready
        ]  # fmt: skip

    async def load(self, name: str) -> None:
        """Load a model that was unloaded.

        Raises:
            Refusal: It cannot be loaded, or there is none of that name.
        """
        self.check_open()
        await self._threads.run(self.model(name).load)

    async def unload(self, name: str) -> None:
        """Unload a model, when what runs has ended.

        Raises:
            Refusal: It has not ended in time, or there is none of that name.
        """
        if not await self._threads.run(self.model(name).unload):
            raise Refusal(
                Why.TIMEOUT,
                f"model {name!r} takes no more requests, but a run has not ended yet",
            )

    def close(self) -> None:
        """Begin no more loads."""
        self._threads.close(wait=False)

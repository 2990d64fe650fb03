"""The models of a server by name, and what their owners may do with them."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from acl_bundle.server._protocol.refusal import Refusal, Why, refusal_of
from acl_bundle.server.model import ServedModel

Result = TypeVar("Result")


class Repository:
    """The models of a server.

    Args:
        models: By name.
        token: What loads, unloads and posts must bring; None refuses all of them.
    """

    def __init__(self, models: Mapping[str, ServedModel], token: str | None) -> None:
        self.models: Mapping[str, ServedModel] = models
        self._token = token
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
        await in_thread(self.model(name).load)

    async def unload(self, name: str) -> None:
        """Unload a model, when what runs has ended.

        Raises:
            Refusal: It has not ended in time, or there is none of that name.
        """
        if not await in_thread(self.model(name).unload):
            raise Refusal(
                Why.TIMEOUT,
                f"model {name!r} takes no more requests, but a run has not ended yet",
            )


async def in_thread(call: Callable[..., Result], *arguments: Any) -> Result:
    """Make a call that blocks on a thread of its own.

    Raises:
        Refusal: It raised; this says what.
    """
    try:
        return await asyncio.get_running_loop().run_in_executor(None, call, *arguments)
    except OSError as error:
        raise Refusal(Why.INTERNAL, str(error)) from error
    except Exception as error:
        raise refusal_of(error) from error

"""A deployment that tells what Serve does not, and whose device can be made to fail.

Serve's processes import it, so it is no part of a test's module.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from acl_bundle import fake
from acl_bundle.fleet import ReplicaClosedError
from acl_bundle.serve import BundleDeployment


class Probed(BundleDeployment):
    sizes: list[int] | None = None

    def fail(self, function: str, nth: int) -> str:
        """Let a call of the library fail, in one replica; returns which."""
        fake.fail(function, nth, 507899)
        return self._replica.name

    def retire(self) -> tuple[str, str]:
        """Have the fleet go on without one replica; returns which, and what its health is."""
        self._replica.start("retire", "it is tried").result()
        try:
            self.check_health()
        except ReplicaClosedError as error:
            return self._replica.name, str(error)
        return self._replica.name, ""

    def part(self, until_there: Path) -> str:
        """Cut one replica off from its coordinator until a file is there; returns which."""
        link: Any = self._membership._link

        def parted(call: Callable[..., Any], *arguments: Any) -> Any:
            if until_there.exists():
                return call(*arguments)
            raise ConnectionError("the network is cut")

        for name in ("take", "answer", "join"):
            setattr(link, name, partial(parted, getattr(link, name)))
        return self._replica.name

    def gears(self) -> tuple[str, list[int]]:
        """The rows of each run of one replica since the first call of this; and which it is."""
        if self.sizes is None:
            found = self.sizes = []
            infer = self._replica.infer

            def noted(inputs: Any, timeout_ms: int | None = None) -> Any:
                if isinstance(inputs, dict) and "x" in inputs:
                    found.append(len(inputs["x"]))
                return infer(inputs, timeout_ms)

            self._replica.infer = noted  # type: ignore[method-assign]
        return self._replica.name, self.sizes

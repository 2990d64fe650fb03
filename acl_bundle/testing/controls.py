"""What a test holds in its hands as ``fake_acl``."""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from acl_bundle import fake


class FakeAcl:
    """The fake as one test sees it: what happened, and what shall happen.

    Everything starts anew with each test. A program that loads
    ``libascendcl.so`` itself while the test runs, by name or by ``path``, has
    the same fake.
    """

    @property
    def path(self) -> Path:
        """The fake's library, for a program that wants to open it."""
        return fake.library_path()

    @property
    def calls(self) -> Counter[str]:
        """How often each function was called; 0 for one that was not."""
        return Counter(fake.calls())

    @property
    def live(self) -> list[dict[str, Any]]:
        """What has not been given back: kind, handle, size, created_by, seq."""
        return fake.live()

    @property
    def violations(self) -> list[dict[str, Any]]:
        """Every misuse so far: id, severity, message, function, seq."""
        return fake.violations()

    @property
    def trace(self) -> list[dict[str, Any]]:
        """Every call since ``set("trace", "on")``: function, args, status, thread, ns."""
        return fake.trace()

    @property
    def report(self) -> str:
        """What is alive and what was misused, as tables; empty when there is nothing."""
        return fake.report()

    @property
    def devices(self) -> int:
        """How many devices there are, 1 to 64."""
        return int(fake.get("devices"))

    @devices.setter
    def devices(self, count: int) -> None:
        fake.set("devices", count)

    @property
    def memory(self) -> int:
        """Bytes of memory per device."""
        return int(fake.get("memory"))

    @memory.setter
    def memory(self, nbytes: int) -> None:
        fake.set("memory", nbytes)

    @property
    def soc(self) -> str:
        """The chip's name."""
        return fake.get("soc")

    @soc.setter
    def soc(self, name: str) -> None:
        fake.set("soc", name)

    @property
    def mode(self) -> str:
        """``"strict"``, or ``"faithful"``: what the device would do, where it does not refuse."""
        return fake.get("mode")

    @mode.setter
    def mode(self, mode: str) -> None:
        fake.set("mode", mode)

    @property
    def profile(self) -> str:
        """Whose times the calls take; empty for as fast as they can."""
        return fake.get("profile")

    @profile.setter
    def profile(self, name: str) -> None:
        fake.set("profile", name)

    def set(self, key: str, value: str | int) -> None:
        """Change any setting.

        Raises:
            ValueError: The key is unknown or the value does not fit it.
        """
        fake.set(key, value)

    def settings(self, **changes: str | int) -> AbstractContextManager[None]:
        """Change settings for the time of a ``with`` block.

        Raises:
            ValueError: A key is unknown or a value does not fit it.
        """
        return fake.settings(**changes)

    def fail(self, function: str, nth: int = 1, code: int = 507899) -> None:
        """Make the nth call from now on (0: every call) of a function return a code.

        Args:
            function: An ACL function, or ``"*"`` for all that can fail.
            nth: 1 is the next call.
            code: The status; 0 removes the fault.

        Raises:
            ValueError: The fake has no such function.
        """
        fake.fail(function, nth, code)

    def latency(self, function: str, seconds: float, seconds_per_byte: float = 0.0) -> None:
        """Let every call of a function take its time.

        Raises:
            ValueError: The fake has no such function.
        """
        fake.latency(function, seconds, seconds_per_byte)

    def __repr__(self) -> str:
        return f"<fake_acl {len(self.live)} live, {len(self.violations)} violations>"

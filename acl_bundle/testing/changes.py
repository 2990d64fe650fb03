"""What a test changes of a fake that other tests have after it, and how it is put back."""

from __future__ import annotations

from acl_bundle import fake
from acl_bundle.fake._library import read

_KEPT = ("lines", "onnxruntime")  # not a test's


def _settings() -> dict[str, str]:
    return {row["key"]: row["value"] for row in read("settings")}


class PutBack:
    """Settings, faults and latencies since the last `begin`."""

    def __init__(self) -> None:
        self._settings: dict[str, str] | None = None
        self._faults: set[str] = set()
        self._latencies: dict[str, tuple[float, float]] = {}
        self._before: dict[str, tuple[float, float]] = {}

    def note_fault(self, function: str) -> None:
        """Remember that calls of a function were to fail."""
        self._faults.add(function)

    def note_latency(self, function: str, seconds: float, seconds_per_byte: float) -> None:
        """Remember how long calls of a function take."""
        self._latencies[function] = seconds, seconds_per_byte

    def begin(self) -> None:
        """From now on what changes is to be put back."""
        self._settings = _settings()
        self._faults = set()
        self._before = dict(self._latencies)

    def put_back(self) -> None:
        """Let everything be as it was at `begin`; nothing without one.

        Raises:
            ValueError: A setting cannot go back, such as the memory of a device that is in use.
        """
        if self._settings is None:
            return
        for function in self._faults:
            fake.fail(function, 0, 0)
        settings, self._settings = self._settings, None
        now = _settings()
        changed = [key for key in now if now[key] != settings[key] and key not in _KEPT]
        if "profile" in changed or self._latencies != self._before:
            self._put_latencies_back(settings["profile"])
        for key in changed:
            if key != "profile":
                fake.set(key, settings[key])

    def _put_latencies_back(self, profile: str) -> None:
        """A profile replaces all latencies."""
        fake.set("profile", profile)
        self._latencies = self._before
        for function, latency in self._latencies.items():
            fake.latency(function, *latency)

"""The variables of a bundle: who may touch them, and what they hold.

The gate (csrc/acl_gate.c) lets inferences share the variables and a commit
have them alone, and counts the commits that succeeded: the epoch. Here each
epoch has the caller's version, and each weight the version that wrote it.

What a commit will publish is written down before it runs and taken over once
the gate's epoch shows that it did. So an interrupt between the C call and the
next line of Python leaves version and epoch in step.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from acl_bundle._api import BUSY, LOWEST_EPOCH, ffi, lib, raise_failure
from acl_bundle._digest import Seen

Version = int | str | None
REMEMBERED = 4096


class _Pending(NamedTuple):
    epoch: int
    version: Version
    names: frozenset[str]


class Variables:
    """The gate of one bundle and the versions behind its epochs.

    Args:
        names: The weights behind the variables, as far as the file names them.
        defined: Whether there are no variables that wait for a first value.
    """

    def __init__(self, names: Iterable[str], defined: bool) -> None:
        self.names = tuple(names)
        self.gate = ffi.gc(lib.ab_gate_new(defined), lib.ab_gate_free)
        if self.gate == ffi.NULL:
            raise MemoryError("no memory for a bundle's gate")
        self.lock = threading.Lock()
        self.versions: dict[int, Version] = {0: None}
        self.seen = Seen()
        self._written: dict[str, Version] = {}
        self._settling = threading.Lock()
        self._pending: _Pending | None = None
        self._warned = False

    def _settle(self) -> None:
        """Take over what the last commit published, if it did."""
        with self._settling:
            pending = self._pending
            if pending is not None and self.epoch >= pending.epoch:
                self._written = {**self._written, **dict.fromkeys(pending.names, pending.version)}
                self._pending = None

    def check(self, what: str) -> None:
        """Raise ClosedError when the bundle is closed or the parent process's."""
        result = lib.ab_gate_check(self.gate)
        if result:
            raise_failure(result, what, [], [])

    @contextmanager
    def alone(self, what: str) -> Iterator[None]:
        """Hold `lock` for a commit or a close; raises ClosedError as `check` does."""
        self.check(what)
        with self.lock:
            self.check(what)
            yield

    @property
    def epoch(self) -> int:
        """How many commits have succeeded."""
        return int(lib.ab_gate_epoch(self.gate))

    @property
    def version(self) -> Version:
        """The version that inference reads now; None before the first commit."""
        return self.versions[self.epoch]

    @property
    def poisoned(self) -> bool:
        """Whether a failed commit left the weights in an unknown state."""
        return bool(lib.ab_gate_is_poisoned(self.gate))

    @property
    def written(self) -> dict[str, Version]:
        """The weights that have a value, and the version that wrote each."""
        self._settle()
        return self._written

    def unset(self) -> list[str]:
        """The weights that no commit has written."""
        written = self.written
        return [name for name in self.names if name not in written]

    def next_version(self) -> int:
        """The version of an update that names none: one more, or 1 after a str or None."""
        version = self.version
        return version + 1 if isinstance(version, int) else 1

    def commit(self, engine: Any, version: Version, names: Collection[str]) -> int:
        """Run a graph that writes these weights, alone, and publish the version.

        The caller is `alone`. Waits for running inferences, returning to
        Python every 100 ms so that Ctrl-C works.

        Returns:
            The shim's answer.
        """
        self._settle()
        epoch = self.epoch + 1
        self.versions[epoch] = version
        self.versions.pop(epoch - REMEMBERED, None)  # no inference runs that long
        self._pending = _Pending(epoch, version, frozenset(names))
        defines = set(self.names) <= self._written.keys() | set(names)
        try:
            while (result := int(lib.ab_commit(engine, defines))) == BUSY:
                pass
        except BaseException:
            lib.ab_gate_retract(self.gate)
            raise
        return result

    def shut(self) -> None:
        """Wait for running inferences and refuse later ones. May be called twice."""
        try:
            while lib.ab_gate_close(self.gate) == BUSY:
                pass
        except BaseException:
            lib.ab_gate_retract(self.gate)
            raise

    def explain(
        self, result: int, what: str, inputs: list[str], outputs: list[str], depth: int = 4
    ) -> int:
        """Turn a negative answer into the epoch it stands for, or raise.

        Warns once when an inference read a variable that nothing has written;
        `depth` is how many calls above that warning the user's own line is.

        Raises:
            ClosedError: The bundle is closed, or belongs to the parent process.
            PoisonedError: A failed commit left the weights in an unknown state.
            AclError: A call into the library failed.
        """
        if result < LOWEST_EPOCH:
            raise_failure(result, what, inputs, outputs)
        if not self._warned:
            self._warned = True
            names = self.unset()
            warnings.warn(
                f"inference before {', '.join(names) or 'the weights'} had a value: the variables"
                " hold whatever the memory held. Call init(), or update every weight, first",
                RuntimeWarning,
                stacklevel=depth,
            )
        return -1 - result

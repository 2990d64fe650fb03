"""The actors' half. Ray makes actors of these classes; they know little of it.

Ray calls a method of one *concurrency group* on that group's own threads, in the order of the
calls where it has one thread. So a ``status`` is answered while a ``prepare`` runs, and inferences
wait for neither.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

from acl_bundle.fleet._decision.file import FileRecord
from acl_bundle.fleet._messages.errors import ReplicaLostError
from acl_bundle.fleet._process.child import AT_ONCE, loaded
from acl_bundle.fleet._process.plan import ChildPlan, sendable
from acl_bundle.fleet._ray.answers import Answer, answered, library
from acl_bundle.fleet._replica.local import LocalReplica

STEPS, OVERTAKE, INFER, LIFE = "steps", "overtake", "infer", "life"
GROUPS = {STEPS: 1, OVERTAKE: 2, INFER: AT_ONCE, LIFE: 8}
"""The threads of each concurrency group of `ReplicaActor`."""


class ReplicaActor:
    """A model on the device that Ray has given to the actor.

    Args:
        plan: What to load. An actor that cannot load it lives, and says why.
    """

    def __init__(self, plan: ChildPlan) -> None:
        self._name = plan.name
        self._ended = Event()
        self._replica: LocalReplica | None = None
        self._failed: BaseException | None = None
        try:
            self._replica = loaded(plan)
        except Exception as error:
            self._failed = sendable(error)

    def ready(self) -> Answer:
        """Tell whether the model is loaded, or why not."""
        return self._failed is None, self._failed

    def step(self, name: str, *arguments: Any) -> Answer:
        """Do a step of `Participant`."""
        return answered(self._step, name, *arguments)

    def _step(self, name: str, *arguments: Any) -> Any:
        found = self._there().start(name, *arguments).result()
        return replace(found, where=f"{found.where}, {_place()}") if name == "describe" else found

    def infer(
        self, inputs: Mapping[str, Any] | Sequence[Any], timeout_ms: int | None = None
    ) -> Answer:
        """Infer."""
        return answered(lambda: self._there().infer(inputs, timeout_ms))

    def _there(self) -> LocalReplica:
        if self._replica is None:
            raise ReplicaLostError(self._name, f"it could not be loaded: {self._failed}")
        return self._replica

    def alive(self, seconds: float) -> None:
        """Return after some time, or when it is closed: whoever waits learns of its end."""
        self._ended.wait(seconds)

    def close(self) -> None:
        """Close the model."""
        self._ended.set()
        if self._replica is not None:
            self._replica.close()


def _place() -> str:
    node = library().get_runtime_context().get_node_id()
    return f"NPU {os.environ.get('ASCEND_RT_VISIBLE_DEVICES', '-')} of Ray's node {node}"


class RecordActor:
    """A decision record in a file of the node on which the actor runs, and runs again.

    Args:
        folder: The name of the file's folder, among those for temporary files.
    """

    def __init__(self, folder: str) -> None:
        self._folder = Path(tempfile.gettempdir()) / folder
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._record = FileRecord(self._folder / "decision")

    def where(self) -> str:
        """The place, for people."""
        return f"{self._record.where} of Ray's head node"

    def call(self, method: str, *arguments: Any) -> Answer:
        """Call a method of the record."""
        return answered(getattr(self._record, method), *arguments)

    def close(self) -> None:
        """Delete the file."""
        shutil.rmtree(self._folder, ignore_errors=True)

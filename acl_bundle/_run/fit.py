"""What one run is given, as C is told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from numpy.typing import NDArray

from acl_bundle._binding.library import need
from acl_bundle._binding.shim import NULL, ffi
from acl_bundle._device.array import DeviceArray
from acl_bundle._device.block import Use

Array = NDArray[Any]
Given = Mapping[str, Any] | Sequence[Any]
Out = Given | Literal["device"] | None
HostOut = Mapping[str, Array] | Sequence[Array | None] | None
"""An `Out` that leaves every output on the host."""
Target = Array | DeviceArray | Literal["device"] | None
"""Where an output goes: into an array; or the run makes one, on the device or on the host."""
Shape = tuple[int, ...]
Extent = tuple[Shape, Shape] | None
"""The least and the most of each dim; None for any shape."""


@dataclass(frozen=True)
class Choice:
    """One choice of the shapes that a graph is run in.

    Attributes:
        inputs: What the inputs' shapes may be.
        outputs: The outputs' shapes; None where the run tells them.
        gear: The ``ab_gear``; NULL where there is none.
        rule: Says of an output's shape that it is the right one.
    """

    inputs: tuple[Extent, ...]
    outputs: tuple[Shape, ...] | None
    gear: Any = NULL
    rule: str = "it must be"


class Fit:
    """What one run is given: an ``ab_run``, and all that it points at.

    Args:
        sources: The inputs' arrays in order, contiguous; they are kept.
        choice: Their shapes.
        sizes: The bytes of each output; of a dynamic graph they count nothing.
        ready: The events to wait for; see `events_of`.

    Attributes:
        pointer: The ``ab_run``.
        sources: As given.
        choice: As given.
        targets: The arrays to write, once `write_to` was told them.
        uses: The device memory that the run uses, until the fit is collected.
        ready: As given.
    """

    def __init__(
        self,
        sources: Sequence[Array | DeviceArray],
        choice: Choice,
        sizes: Sequence[int],
        ready: Sequence[Any] = (),
    ) -> None:
        self.sources, self.choice, self.ready = sources, choice, ready
        self.targets: Sequence[Target] = ()
        self.uses: list[Use] = []
        self._held = [ffi.new("int64_t[]", one.shape) for one in sources]
        self._data = [self._place(one) for one in sources]
        rows = [
            (data, one.nbytes, one.ndim, on_device, dims)
            for one, (data, on_device), dims in zip(sources, self._data, self._held, strict=True)
        ]
        self._in = ffi.new("ab_array[]", rows)
        self._out = ffi.new("ab_array[]", [(NULL, nbytes) for nbytes in sizes])
        self._ready = ffi.new("aclrtEvent[]", ready)
        self.pointer = ffi.new(
            "ab_run *",
            {"gear": choice.gear, "in": self._in, "out": self._out, "readyCount": len(ready),
             "ready": self._ready},
        )  # fmt: skip

    def _place(self, array: Target) -> tuple[Any, bool]:
        """Where the graph, or a copy, finds an array, and whether that is on the device."""
        if array is None:
            return NULL, False
        if isinstance(array, str):
            return NULL, True
        if not isinstance(array, DeviceArray):
            return ffi.from_buffer(array), False
        if array.nbytes == 0:  # which may have no address; nothing is copied
            return ffi.new("char[1]"), False
        if not self.uses:
            need("an array on the device", ("aclUpdateDataBuffer",))
        use = array.use()
        self.uses.append(use)
        return ffi.cast("void *", use.block.pointer), True

    def write_to(self, targets: Sequence[Target]) -> None:
        """Say where the outputs go; the arrays are kept."""
        self.targets = targets
        self._written = [self._place(one) for one in targets]
        rows = zip(self._out, targets, self._written, strict=True)
        for row, target, (data, on_device) in rows:
            row.data, row.onDevice = data, on_device
            if isinstance(target, DeviceArray):
                row.nbytes = target.nbytes

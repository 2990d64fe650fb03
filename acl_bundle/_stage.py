"""From host arrays to the update graph's dataset.

A `Plan` is what an update wants to change, checked. A `Stage` keeps the update
graph's input dataset, in which every weight says "assign" or "keep" (facts
4.3), and the two areas that the bytes pass through: on the device, and in
page-locked host memory for small weights. Both areas grow and stay.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle import dtypes
from acl_bundle._api import acl, ffi, lib, raise_failure
from acl_bundle._arrays import as_array, check
from acl_bundle._engine import Dataset
from acl_bundle._owner import uninterrupted
from acl_bundle.device import Device
from acl_bundle.errors import WeightError
from acl_bundle.memory import DeviceBuffer, HostBuffer
from acl_bundle.spec import WeightSpec

BOUNCE = 16 << 20
NO_RULE = frozenset({"float16", "bfloat16"})


def check_scalar(array: NDArray[Any], spec: WeightSpec) -> None:
    """Refuse a value of rank 0 that the device would silently skip (facts 4.3).

    The update graph's If sees a scalar's value where it sees other weights'
    shapes: zero keeps the old weight, floats count as zero up to epsilon, NaN
    compares as zero, and for half precision there is no rule at all.
    """
    if spec.dtype.name in NO_RULE:
        raise WeightError(
            f"weight {spec.name!r} has rank 0 and dtype {spec.dtype}, for which the device has no"
            " update rule; build the model with shape (1,) for it"
        )
    floating = spec.dtype.kind == "f"
    if not (abs(array) > np.finfo(spec.dtype).eps if floating else array != 0):
        raise WeightError(
            f"weight {spec.name!r} has rank 0 and the new value {array}, which the device takes"
            " for 'keep the old one'; build the model with shape (1,) for it"
        )


@dataclass
class Plan:
    """The weights that an update changes, in the graph's order.

    Attributes:
        indices: Their places among the update graph's inputs.
        arrays: Their new values, contiguous and of the right dtype and shape.
        learnt: Specs whose shape this update was the first to show, by index.
    """

    indices: list[int] = field(default_factory=list)
    arrays: list[NDArray[Any]] = field(default_factory=list)
    specs: list[WeightSpec] = field(default_factory=list)
    learnt: dict[int, WeightSpec] = field(default_factory=dict)

    def add(self, index: int, spec: WeightSpec, value: Any) -> None:
        """Check one value and take it in.

        Raises:
            WeightError: Dtype, shape or scalar value do not fit.
            TypeError: It is not an array.
        """
        if type(value) is not np.ndarray or value.dtype is not spec.dtype:
            value = as_array(value, f"weight {spec.name!r}", spec)
        if value.shape != spec.shape or value.dtype is not spec.dtype:
            check(value, f"weight {spec.name!r}", spec)
        if value.ndim == 0:
            check_scalar(value, spec)
        if spec.shape is None:
            if value.size == 0:
                raise WeightError(
                    f"weight {spec.name!r} has shape {value.shape}; the device keeps the old value"
                    " of a weight without elements, and the file does not tell the right shape"
                )
            spec = self.learnt[index] = replace(spec, shape=value.shape)
        self.indices.append(index)
        self.specs.append(spec)
        self.arrays.append(np.ascontiguousarray(value) if value.ndim else value)

    @property
    def names(self) -> tuple[str, ...]:
        """The weights' names."""
        return tuple(spec.name for spec in self.specs)

    @property
    def nbytes(self) -> int:
        """Bytes to move."""
        return sum(array.nbytes for array in self.arrays)


class Stage:
    """The update graph's input dataset and what fills it.

    Args:
        stack: Gives back everything made here.
        device: Whose memory it is.
        weights: One per input of the graph; each is kept until a write.
    """

    def __init__(self, stack: ExitStack, device: Device, weights: tuple[WeightSpec, ...]) -> None:
        self._stack, self._device, self._weights = stack, device, weights
        self._descs: dict[tuple[int, tuple[int, ...]], Any] = {}
        self.dataset = Dataset(acl.aclmdlCreateDataset(), [], [])
        stack.callback(acl.aclmdlDestroyDataset, self.dataset.handle)
        keep = DeviceBuffer(1)
        stack.callback(keep.close)
        self._keep_data = keep.pointer
        self._keep_desc = self._described(dtypes.FLOAT, (0,))
        for index in range(len(weights)):
            buffer = acl.aclCreateDataBuffer(self._keep_data, 1)
            stack.callback(acl.aclDestroyDataBuffer, buffer)
            acl.aclmdlAddDatasetBuffer(self.dataset.handle, buffer)
            acl.aclmdlSetDatasetTensorDesc(self.dataset.handle, self._keep_desc, index)
            self.dataset.buffers.append(buffer)
        self._area: DeviceBuffer | None = None
        self._bounce: HostBuffer | None = None

    def open(self, engine: Any) -> None:
        """Make the C half, for the engine of the same graph."""
        stage = lib.ab_stage_new(
            engine, self.dataset.handle, len(self._weights), self._keep_data, self._keep_desc
        )
        if stage == ffi.NULL:
            raise MemoryError("no memory for an update's stage")
        self._stage = ffi.gc(stage, lib.ab_stage_free)
        for index, spec in enumerate(self._weights):
            if spec.shape is not None:
                self._describe(index, spec)

    def _described(self, dtype: int, shape: tuple[int, ...]) -> Any:
        """An aclTensorDesc, of which an update reads the dims alone (facts 1.11)."""
        if (dtype, shape) not in self._descs:
            desc = acl.aclCreateTensorDesc(dtype, len(shape), list(shape), dtypes.FORMAT_ND)
            self._stack.callback(acl.aclDestroyTensorDesc, desc)
            self._descs[dtype, shape] = desc
        return self._descs[dtype, shape]

    def _describe(self, index: int, spec: WeightSpec) -> None:
        """Tell the C half a weight's size and shape."""
        desc = self._described(dtypes.from_numpy(spec.dtype), spec.shape or ())
        lib.ab_stage_weight(self._stage, index, self.dataset.buffers[index], spec.nbytes, desc)

    def _area_of(self, nbytes: int) -> Any:
        """The device area, grown to at least so many bytes."""
        if self._area is None or self._area.nbytes < nbytes:
            with self._device.activated():
                if self._area is not None:
                    self._area.close()
                self._area = DeviceBuffer(nbytes)
                self._stack.callback(self._area.close)
        return self._area.pointer

    def _bounce_of(self, nbytes: int) -> HostBuffer:
        """The host area for small weights, grown as far as BOUNCE."""
        nbytes = min(nbytes, BOUNCE)
        if self._bounce is None or self._bounce.nbytes < nbytes:
            with self._device.activated():
                if self._bounce is not None:
                    self._bounce.close()
                self._bounce = HostBuffer(nbytes)
                self._stack.callback(self._bounce.close)
        return self._bounce

    def write(self, plan: Plan) -> None:
        """Bring a plan's bytes to the device and make the dataset ready to run.

        Raises:
            AclError: A copy or an allocation failed. No variable was touched,
                and the next write starts afresh.
        """
        with uninterrupted():
            for index, spec in plan.learnt.items():
                self._describe(index, spec)
            count = len(plan.indices)
            nbytes = lib.ab_stage_nbytes(self._stage, plan.indices, count) if count else 1
            area, bounce = self._area_of(nbytes), self._bounce_of(nbytes)
        result = lib.ab_stage_write(
            self._stage, area, bounce.pointer, bounce.nbytes,
            plan.indices, list(map(ffi.from_buffer, plan.arrays)), count,
        )  # fmt: skip
        if result:
            raise_failure(result, "staging an update", plan.names, ())

"""From a plan to the update graph's dataset.

A `Stage` keeps the update graph's input dataset, in which every weight says
"assign" or "keep" (facts 4.3), and the area on the device that an update's bytes go
to. The area grows and stays. What is staged ahead has areas of its own (`areas`).

    for bucket in stage.buckets(plan):    one, if the device has room for all
        stage.write(bucket)               its bytes, then the dataset
        ...                               run the graph

`write` touches no variable and may be called whether the gate is open or shut;
what it was given stays in the area until the next one. After it every weight
outside the bucket says "keep". `Plan.casts` is complete after the last bucket;
to know it before the first is committed, the sender surveys the plan.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from acl_bundle import dtypes
from acl_bundle._base.owner import uninterrupted
from acl_bundle._binding.calls import acl
from acl_bundle._binding.failures import raise_failure
from acl_bundle._binding.library import need
from acl_bundle._binding.shim import ffi, lib
from acl_bundle._device.memory import DeviceBuffer
from acl_bundle._plan.plan import Plan
from acl_bundle._run.engine import Dataset
from acl_bundle._update._staging.areas import Areas
from acl_bundle._update._staging.sender import Sender, start
from acl_bundle._update._staging.transfer import WHAT
from acl_bundle.device import Device
from acl_bundle.errors import AclResourceError
from acl_bundle.spec import WeightSpec

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_engine, ab_stage


class Stage:
    """The update graph's input dataset and what fills it.

    Args:
        stack: Gives back everything made here.
        device: Whose memory it is.
        weights: One per input of the graph; each is kept until a write.
    """

    def __init__(self, stack: ExitStack, device: Device, weights: tuple[WeightSpec, ...]) -> None:
        self._stack, self._device, self._weights = ExitStack(), device, weights
        stack.callback(self._stack.close)  # what comes later has its place among the bundle's
        self._descs: dict[tuple[int, tuple[int, ...]], Any] = {}
        self.dataset = Dataset(acl.aclmdlCreateDataset(), [], [])
        self._stack.callback(acl.aclmdlDestroyDataset, self.dataset.handle)
        keep = DeviceBuffer(1)
        self._stack.callback(keep.close)
        self._keep_data = keep.pointer
        self._keep_desc = self._described(dtypes.FLOAT, (0,))
        for index in range(len(weights)):
            buffer = acl.aclCreateDataBuffer(self._keep_data, 1)
            self._stack.callback(acl.aclDestroyDataBuffer, buffer)
            acl.aclmdlAddDatasetBuffer(self.dataset.handle, buffer)
            acl.aclmdlSetDatasetTensorDesc(self.dataset.handle, self._keep_desc, index)
            self.dataset.buffers.append(buffer)
        self._area: DeviceBuffer | None = None
        self.areas: Areas = Areas(self._stack, device)
        self._refused = 0

    def open(self, engine: ab_engine) -> None:
        """Make the C half, for the engine of the same graph.

        Raises:
            UnsupportedError: The library lacks what C calls for it.
        """
        need("an update", ("aclUpdateDataBuffer", "aclmdlSetDatasetTensorDesc"))
        self._engine = engine
        self.sender: Sender = self._sender(lends=True)

    def another(self) -> Sender:
        """One more that sends, beside `sender`; it copies all that it is given."""
        return self._sender(lends=False)

    def _sender(self, lends: bool) -> Sender:
        stage = lib.ab_stage_new(
            self._engine, self.dataset.handle, len(self._weights), self._keep_data, self._keep_desc
        )
        if stage == ffi.NULL:
            raise MemoryError("no memory for an update's stage")
        stage = ffi.gc(stage, lib.ab_stage_free)
        for index, spec in enumerate(self._weights):
            if spec.shape is not None:
                self._describe(stage, index, spec)
        return Sender(self._stack, self._device, stage, self._describe, lends)

    def _described(self, dtype: int, shape: tuple[int, ...]) -> Any:
        """An aclTensorDesc, of which an update reads the dims alone (facts 1.11)."""
        if (dtype, shape) not in self._descs:
            desc = acl.aclCreateTensorDesc(dtype, len(shape), list(shape), dtypes.FORMAT_ND)
            self._stack.callback(acl.aclDestroyTensorDesc, desc)
            self._descs[dtype, shape] = desc
        return self._descs[dtype, shape]

    def _describe(self, stage: ab_stage, index: int, spec: WeightSpec) -> None:
        """Tell the C half the size and shape of a weight whose shape is known."""
        assert spec.shape is not None
        assert spec.nbytes is not None
        desc = self._described(dtypes.from_numpy(spec.dtype), spec.shape)
        lib.ab_stage_weight(stage, index, self.dataset.buffers[index], spec.nbytes, desc)

    @property
    def area_nbytes(self) -> int:
        """The size of the area on the device."""
        return 0 if self._area is None else self._area.nbytes

    def _take_area(self, nbytes: int) -> None:
        """Make an area of this size in place of the one there is."""
        with self._device.activated():
            if self._area is not None:
                self._area.close()
            self._area = self._made(nbytes)

    def _made(self, nbytes: int) -> DeviceBuffer:
        self.areas.collect()
        made = DeviceBuffer(nbytes)
        self._stack.callback(made.close)
        return made

    def _grow(self, want: int, least: int) -> None:
        """Bring the area to a size, or as near to it as the device allows.

        A device that has refused a size is asked again at the next update, but
        the area there is goes only for one that was not refused yet.

        Raises:
            AclError: Not even the least size could be had.
        """
        old, size = self.area_nbytes, want
        if least <= old and want <= self._refused:
            self._swap(want)
            return
        refusal: AclResourceError | None = None
        try:
            while True:
                try:
                    self._take_area(size)
                except AclResourceError as error:
                    refusal = refusal or error
                    self._refused = max(self._refused, want)
                    if size <= least:
                        raise refusal from None
                    size = max(size // 2, least, old if old < size else 0)
                else:
                    return
        finally:
            refusal = None  # its frames hold what is updated

    def _swap(self, want: int) -> None:
        """Have a larger area, if the device has it beside the one there is."""
        with self._device.activated():
            try:
                larger = self._made(want)
            except AclResourceError:
                return
            if self._area is not None:
                self._area.close()
            self._area = larger

    def buckets(self, plan: Plan) -> list[Plan]:
        """Divide a plan into what the device can stage at once; mostly that is all of it.

        Makes the area. When the device refuses, asks for half, and so on, down
        to the room of the largest weight.

        Raises:
            AclError: The device has no room for the largest weight, or a call
                failed. No variable was touched.
        """
        with uninterrupted():
            nbytes, _ = self.sender.lay(plan)
            if nbytes <= self.area_nbytes:
                return [plan]
            rooms = self.sender.rooms(plan)
            self._grow(nbytes, max(rooms))
        if nbytes <= self.area_nbytes:
            return [plan]
        return [plan.part(places) for places in _divide(rooms, self.area_nbytes)]

    def write(self, plan: Plan) -> None:
        """Bring a plan's bytes to the device and make the dataset ready to run.

        Args:
            plan: One of `buckets`; of any other, the area must be had at once.

        Raises:
            AclError: A copy or an allocation failed. No variable was touched,
                and the next write starts afresh.
            WeightError: A lazy value is not what it was when it was checked.
        """
        with uninterrupted():
            nbytes, _ = self.sender.lay(plan)
            if self.area_nbytes < nbytes:
                self._take_area(nbytes)
        self.sender.send(plan, self._area)
        self.describe(plan, self._area)

    def describe(self, plan: Plan, area: DeviceBuffer | None) -> None:
        """Make the dataset ready to run: assign what lies in an area, and keep all else.

        Args:
            plan: What was sent there.
            area: Where to.

        Raises:
            AclError: A call failed. No variable was touched.
        """
        self.sender.lay(plan)
        result = lib.ab_stage_describe(self.sender.stage, start(area))
        if result:
            raise_failure(result, WHAT, (), ())


def _divide(rooms: Sequence[int], size: int) -> Iterator[list[int]]:
    """Runs of places whose rooms fit into a size."""
    places: list[int] = []
    left = size
    for place, room in enumerate(rooms):
        if places and room > left:
            yield places
            places, left = [], size
        places.append(place)
        left -= room
    yield places

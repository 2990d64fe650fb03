"""What brings a plan's bytes to an area of the device.

A `Sender` lays the plan's weights out and moves them there, through page-locked host
memory where they need it. It touches neither a variable nor the update graph's
dataset, so one sends for the commit that comes next, and another beside commits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from acl_bundle._base.owner import uninterrupted
from acl_bundle._binding.shim import NULL, ffi, lib
from acl_bundle._device.array import ALIGNMENT, DeviceArray
from acl_bundle._device.layout import check_device
from acl_bundle._device.memory import DeviceBuffer, HostBuffer
from acl_bundle._plan.casts import ON_DEVICE
from acl_bundle._plan.plan import Plan
from acl_bundle._update._staging.transfer import Transfer, staging_of
from acl_bundle.device import Device
from acl_bundle.spec import WeightSpec

if TYPE_CHECKING:
    from acl_bundle._binding.shim import ab_stage
SIZE_MAX = 2**64 - 1


class Sender:
    """Lays plans out and moves them, one at a time.

    Args:
        stack: Gives the host memory back.
        device: Where to.
        stage: The C half, which knows the weights whose shapes the file tells.
        describe: Tells the C half of a weight whose shape is learnt.
        lends: Whether the graph may read the caller's memory on the device in place.

    Attributes:
        stage: As it was given.
    """

    def __init__(
        self,
        stack: ExitStack,
        device: Device,
        stage: ab_stage,
        describe: Callable[[ab_stage, int, WeightSpec], None],
        lends: bool,
    ) -> None:
        self._stack, self._device, self.stage, self._describe = stack, device, stage, describe
        self._staging: HostBuffer | None = None
        self._lends = lends
        self._read: list[DeviceArray] = []
        stack.callback(self._read.clear)

    def lay(self, plan: Plan) -> tuple[int, int]:
        """Place a plan's weights; the bytes that all of them and the small ones take."""
        for index, spec in plan.learnt.items():
            self._describe(self.stage, index, spec)
        small = ffi.new("size_t *")
        count, lent = len(plan.indices), self._lent(plan)
        nbytes = int(lib.ab_stage_lay(self.stage, plan.indices, lent, count, small))
        if nbytes == SIZE_MAX:
            raise MemoryError(f"the weights of {plan.label} are more than can be addressed")
        return nbytes, small[0]

    def rooms(self, plan: Plan) -> list[int]:
        """The bytes that each weight of a plan takes in an area."""
        lent = self._lent(plan)
        return [
            0 if lent != NULL and lent[place] != NULL
            else int(lib.ab_stage_room(self.stage, index))
            for place, index in enumerate(plan.indices)
        ]  # fmt: skip

    def _lent(self, plan: Plan) -> Any:
        """Where the weights lie that the graph reads from the caller's memory; NULL for others.

        What is laid uses that memory until something else is, or `let_go`.

        Raises:
            ValueError: An array is on another device.
        """
        self._read.clear()
        if ON_DEVICE not in plan.moves:
            return NULL
        found = [NULL] * len(plan.indices)
        for place, array in enumerate(plan.arrays):
            if not isinstance(array, DeviceArray):
                continue
            check_device(array, f"weight {plan.specs[place].name!r}", self._device.index)
            if self._lends and array.nbytes and array.pointer % ALIGNMENT == 0:
                self._read.append(array)
                found[place] = ffi.cast("void *", array.pointer)
        return found

    def let_go(self) -> None:
        """Let go the arrays on the device that were laid last: the graph has read them."""
        self._read.clear()

    def _staging_of(self, nbytes: int) -> HostBuffer:
        """The host area, grown to at least so many bytes."""
        if self._staging is None or self._staging.nbytes < nbytes:
            with self._device.activated():
                if self._staging is not None:
                    self._staging.close()
                self._staging = HostBuffer(nbytes)
                self._stack.callback(self._staging.close)
        return self._staging

    def send(self, plan: Plan, area: DeviceBuffer | None) -> None:
        """Bring a plan's bytes to an area that has room for them; None is one for no weights.

        Raises:
            AclError: A copy or an allocation failed. No variable was touched.
            WeightError: A lazy value is not what it was when it was checked.
        """
        self._move(plan, start(area))

    def survey(self, plan: Plan) -> None:
        """Find what conversions do to a plan's values (`Plan.casts`), moving nothing.

        Raises:
            WeightError: A lazy value is not what it was when it was checked.
        """
        self._move(plan, NULL)

    def _move(self, plan: Plan, area: Any) -> None:
        with uninterrupted():
            _, small = self.lay(plan)
            staging = self._staging_of(staging_of(plan, small))
        Transfer(self.stage, area, staging, plan, self._lends).run()


def start(area: DeviceBuffer | None) -> Any:
    """Where an area begins, for C."""
    return area.pointer if area and area.pointer else NULL

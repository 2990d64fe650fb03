"""What the shim's own calls (`ab_*`) answer when they fail, as the same exceptions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from acl_bundle import errors
from acl_bundle._binding.calls import fail
from acl_bundle._binding.shim import ffi, lib

__all__ = ["BUSY", "HELD", "LOWEST_EPOCH", "RUNNING", "raise_failure"]

_STEPS = {
    lib.AB_STEP_GET_CONTEXT: "aclrtGetCurrentContext",
    lib.AB_STEP_SET_CONTEXT: "aclrtSetCurrentContext",
    lib.AB_STEP_COPY_IN: "aclrtMemcpy",
    lib.AB_STEP_EXECUTE: "aclmdlExecute",
    lib.AB_STEP_COPY_OUT: "aclrtMemcpy",
    lib.AB_STEP_SET_BUFFER: "aclUpdateDataBuffer",
    lib.AB_STEP_SET_DESC: "aclmdlSetDatasetTensorDesc",
    lib.AB_STEP_SET_BATCH: "aclmdlSetDynamicBatchSize",
    lib.AB_STEP_SET_HW: "aclmdlSetDynamicHWSize",
    lib.AB_STEP_SET_DIMS: "aclmdlSetInputDynamicDims",
    lib.AB_STEP_NEW_DESC: "aclCreateTensorDesc",
    lib.AB_STEP_GET_DIM: "aclGetTensorDescDimV2",
    lib.AB_STEP_ALLOCATE: "aclrtMalloc",
    lib.AB_STEP_FREE: "aclrtFree",
    lib.AB_STEP_GET_DESC: "aclmdlGetDatasetTensorDesc",
    lib.AB_STEP_SAVE: "aclrtMemcpy",
    lib.AB_STEP_PUT_BACK: "aclrtMemcpy",
    lib.AB_STEP_EXECUTE_ASYNC: "aclmdlExecuteAsync",
    lib.AB_STEP_SYNCHRONIZE: "aclrtSynchronizeStreamWithTimeout",
    lib.AB_STEP_STREAM_QUERY: "aclrtStreamQuery",
    lib.AB_STEP_STREAM_WAIT: "aclrtStreamWaitEvent",
    lib.AB_STEP_RECORD: "aclrtRecordEvent",
    lib.AB_STEP_QUEUE_IN: "aclrtMemcpyAsync",
    lib.AB_STEP_QUEUE_OUT: "aclrtMemcpyAsync",
}
_LIES = {
    lib.AB_STEP_BAD_RANK: "aclGetTensorDescNumDims",
    lib.AB_STEP_BAD_SIZE: "aclGetTensorDescSize",
    lib.AB_STEP_BAD_MEMORY: "aclrtMalloc",
    lib.AB_STEP_BAD_OUTPUT: "aclGetDataBufferAddr",
}
LOWEST_EPOCH = -(1 << lib.AB_STEP_SHIFT)
BUSY = -(lib.AB_STEP_BUSY << lib.AB_STEP_SHIFT)
HELD = -(lib.AB_STEP_HELD << lib.AB_STEP_SHIFT)
RUNNING = -(lib.AB_STEP_RUNNING << lib.AB_STEP_SHIFT)
_INWARD = (lib.AB_STEP_COPY_IN, lib.AB_STEP_QUEUE_IN)
_OUTWARD = (lib.AB_STEP_COPY_OUT, lib.AB_STEP_QUEUE_OUT)


def raise_failure(
    result: int,
    what: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    detail: str | None = None,
) -> NoReturn:
    """Raise what a shim call below LOWEST_EPOCH means; see csrc/gate/ab_gate.h.

    Args:
        result: The answer of an ``ab_*`` call.
        what: The graph, for the message.
        inputs: Names behind the index of a failed copy to the device.
        outputs: Names behind the index of a failed copy from it.
        detail: What the library said, where it did so on another thread.
    """
    number = -result
    status = int(ffi.cast("int32_t", number & 0xFFFFFFFF))
    step, index = number >> lib.AB_STEP_SHIFT & lib.AB_STEP_MASK, number >> lib.AB_INDEX_SHIFT
    if step in _LIES:
        raise errors.LibraryError(_LIES[step], status, f"see output {index} of {what}")
    if step == lib.AB_STEP_CLOSED:
        raise errors.ClosedError(
            f"the bundle of {what} was closed, or collected: keep it while its graphs are used"
        )
    if step == lib.AB_STEP_FORKED:
        raise errors.ClosedError(
            f"the bundle of {what} was loaded before this process was forked from its parent:"
            " load it in this process, or use the spawn start method"
        )
    if step == lib.AB_STEP_POISONED:
        raise errors.PoisonedError(
            f"{what} is refused: a failed update or init left the weights in an unknown state."
            " Run bundle.init(), or update every weight at once"
        )
    if step == lib.AB_STEP_HELD:
        raise errors.BusyError(
            f"{what} is refused: this thread holds the bundle (Bundle.hold), and would wait for"
            " itself. Release it first, or infer from another thread, which then waits"
        )
    if step == lib.AB_STEP_HUNG:
        raise errors.BusyError(
            f"{what} is refused: a run of bundle.graphs[{index}] that was not over in time is still"
            " on the device. Its asynchronous runs, and whatever writes the weights, can go on when"
            " it is over; runs without timeout_ms go on now. Nothing was changed"
        )
    try:
        fail(_STEPS[step], status, detail)
    except errors.AclError as error:
        names = inputs if step in _INWARD else outputs
        copied = step in (*_INWARD, *_OUTWARD) and index < len(names)
        error.where = f"in {what}" + (f", copying {names[index]!r}" if copied else "")
        raise

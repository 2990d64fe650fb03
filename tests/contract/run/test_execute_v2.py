"""aclmdlExecuteV2, which a binding better leaves alone (facts 1.11, 6.28)."""

from __future__ import annotations

import numpy as np

from .. import codes
from ..face import Acl
from ..programs import Tensor, model, onnx_program

X, Y = Tensor("x", (4,)), Tensor("y", (4,))
DATA = model(onnx_program([("Neg", "x", "y")], [X], [Y]), [X], [Y])


def test_it_needs_a_handle_facts_1_11(ready: Acl) -> None:
    loaded, one = ready.load_model(DATA), ready.dataset(16)
    call = ready.aclmdlExecuteV2
    assert call(loaded, one.handle, one.handle, ready.NULL, ready.NULL) == codes.INVALID_PARAM


def test_it_runs_on_the_default_stream_facts_1_11(ready: Acl) -> None:
    loaded, handle = ready.load_model(DATA), ready.aclmdlCreateExecConfigHandle()
    value = np.float32([1, 2, 3, 4])
    inputs, outputs = ready.dataset(value.tobytes()), ready.dataset(16)
    call = ready.aclmdlExecuteV2
    status = call(loaded, inputs.handle, outputs.handle, ready.NULL, handle)
    assert status == codes.SUCCESS
    assert outputs.read(0) == (-value).tobytes()


def test_it_is_a_synchronous_run_facts_3(ready: Acl) -> None:
    """So that a plain execute of the same model may follow."""
    loaded, handle = ready.load_model(DATA), ready.aclmdlCreateExecConfigHandle()
    one, other = ready.dataset(16), ready.dataset(16)
    call = ready.aclmdlExecuteV2
    assert call(loaded, one.handle, other.handle, ready.NULL, handle) == codes.SUCCESS
    assert ready.aclmdlExecute(loaded, one.handle, other.handle) == codes.SUCCESS


def test_datasets_and_ids_are_checked_as_ever_facts_1_11(ready: Acl) -> None:
    handle, one = ready.aclmdlCreateExecConfigHandle(), ready.dataset(16)
    call, null = ready.aclmdlExecuteV2, ready.NULL
    assert call(77, one.handle, one.handle, null, handle) == codes.GE_MODEL_ID_INVALID
    loaded = ready.load_model(DATA)
    assert call(loaded, null, one.handle, null, handle) == codes.INVALID_PARAM
    assert call(loaded, one.handle, null, null, handle) == codes.INVALID_PARAM


def test_an_event_timeout_is_kept_and_changes_nothing_facts_1_11(ready: Acl) -> None:
    """No run waits for an event, so a run that takes longer is none the worse."""
    loaded, handle = ready.load_model(DATA), ready.aclmdlCreateExecConfigHandle()
    assert ready.aclmdlSetExecConfigOpt(handle, 1, ready.new("int32_t *", 1), 4) == codes.SUCCESS
    assert ready.aclfakeLatency(b"aclmdlExecuteV2", 30_000_000, 0.0) == 0
    value = np.float32([1, 2, 3, 4])
    inputs, outputs = ready.dataset(value.tobytes()), ready.dataset(16)
    call = ready.aclmdlExecuteV2
    status = call(loaded, inputs.handle, outputs.handle, ready.NULL, handle)
    assert status == codes.SUCCESS
    assert outputs.read(0) == (-value).tobytes()

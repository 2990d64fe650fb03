"""Executions on streams: aclmdlExecuteAsync, and aclmdlExecuteV2 with a stream (facts 1.11)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import INT32, Acl
from ..programs import Linear, Tensor, model, null_model, onnx_program
from ..streams import NEG, STREAM_BUSY, Clock, new_event, new_stream, slow, stream_status
from ..threads import elsewhere

VALUE = np.float32([1, 2, 3, 4])
ANY = Tensor("x", (-1,), ranges=((1, 1000),))
DYNAMIC = model(
    onnx_program([("Neg", "x", "y")], [ANY], [Tensor("y", (-1,))]), [ANY],
    [Tensor("y", (-1,), ranges=((1, 1000),))], dynamic=True,
)  # fmt: skip
TABLE, INDEX = Tensor("x", (4,)), Tensor("i", (1,), INT32)
PICK = model(
    onnx_program([("Gather", "x i", "y")], [TABLE, INDEX], [Tensor("y", (1,))]),
    [TABLE, INDEX], [Tensor("y", (1,))],
)  # fmt: skip


@pytest.fixture
def stream(ready: Acl) -> Any:
    return new_stream(ready)


def test_it_computes_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded = ready.load_model(NEG)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(16)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert outputs.read(0) == (-VALUE).tobytes()


def test_it_returns_before_it_ran_facts_6_27(ready: Acl, stream: Any) -> None:
    loaded = ready.load_model(NEG)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(16)
    slow(ready, "aclmdlExecuteAsync", 400)
    with Clock() as clock:
        status = ready.aclmdlExecuteAsync(loaded, inputs.handle, outputs.handle, stream)
    assert status == codes.SUCCESS
    assert clock.ms < 300
    assert stream_status(ready, stream) == STREAM_BUSY
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_null_is_the_default_stream_facts_1_11(ready: Acl) -> None:
    loaded = ready.load_model(NEG)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(16)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, ready.NULL) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(ready.NULL) == codes.SUCCESS
    assert outputs.read(0) == (-VALUE).tobytes()


def test_one_dataset_many_times_in_a_row_facts_3(ready: Acl, stream: Any) -> None:
    """On one stream; that is how everybody measures."""
    loaded = ready.load_model(NEG)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(16)
    for _ in range(200):
        status = ready.aclmdlExecuteAsync(loaded, inputs.handle, outputs.handle, stream)
        assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert outputs.read(0) == (-VALUE).tobytes()


def test_a_queued_run_has_the_addresses_of_its_call_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded = ready.load_model(NEG)
    slow(ready, "aclmdlExecuteAsync", 20)
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    pairs = [(ready.on_device((VALUE * k).tobytes()), ready.malloc(16)) for k in range(5)]
    for source, target in pairs:
        ready.aclUpdateDataBuffer(inputs.buffers[0], source, 16)
        ready.aclUpdateDataBuffer(outputs.buffers[0], target, 16)
        status = ready.aclmdlExecuteAsync(loaded, inputs.handle, outputs.handle, stream)
        assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    answers = [ready.download(target, 16) for _, target in pairs]
    assert answers == [(-VALUE * k).astype(np.float32).tobytes() for k in range(5)]


def test_arguments_are_checked_at_the_call_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded = ready.load_model(NEG)
    good, null = ready.dataset(16).handle, ready.NULL
    cases = {
        (loaded, null, good): codes.INVALID_PARAM,
        (loaded, good, null): codes.INVALID_PARAM,
        (4711, good, good): codes.GE_MODEL_ID_INVALID,
        (loaded, ready.dataset().handle, good): codes.GE_FAILURE,
        (loaded, good, ready.dataset(16, 16).handle): codes.GE_FAILURE,
    }
    for arguments, status in cases.items():
        assert ready.aclmdlExecuteAsync(*arguments, stream) == status


def test_no_memory_is_made_for_outputs_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded, inputs = ready.load_model(NEG), ready.dataset(16)
    outputs = ready.dataset(None)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.GE_FAILURE
    assert outputs.address(0) == ready.NULL


def test_streams_are_checked_facts_1_4(ready: Acl, stream: Any) -> None:
    loaded, one, other = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    assert ready.aclrtDestroyStream(stream) == codes.SUCCESS
    status = ready.aclmdlExecuteAsync(loaded, one.handle, other.handle, stream)
    assert status == codes.RT_INVALID_HANDLE
    assert ready.violations() == ["AB-RT-0002"]


def test_it_needs_a_context_facts_8(ready: Acl, stream: Any) -> None:
    loaded, one = ready.load_model(NEG), ready.dataset(16).handle
    status = elsewhere(lambda: ready.aclmdlExecuteAsync(loaded, one, one, stream))
    assert status == codes.RT_CONTEXT_NULL


@pytest.mark.parametrize("first", ["sync", "async"])
def test_a_static_model_keeps_its_mode_facts_6_26(ready: Acl, stream: Any, first: str) -> None:
    loaded, one, other = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    runs = {
        "sync": lambda: ready.aclmdlExecute(loaded, one.handle, other.handle),
        "async": lambda: ready.aclmdlExecuteAsync(loaded, one.handle, other.handle, stream),
    }
    second = "async" if first == "sync" else "sync"
    assert runs[first]() == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert runs[second]() == codes.GE_FAILURE
    assert runs[first]() == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_the_mode_is_the_ids_not_the_files_facts_6_26(ready: Acl, stream: Any) -> None:
    one, other = ready.load_model(NEG), ready.load_model(NEG)
    inputs, outputs = ready.dataset(16).handle, ready.dataset(16).handle
    assert ready.aclmdlExecute(one, inputs, outputs) == codes.SUCCESS
    assert ready.aclmdlExecuteAsync(other, inputs, outputs, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_a_dynamic_model_has_no_mode_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded = ready.load_model(DYNAMIC)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(64)
    inputs.describe(0, [4])
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.SUCCESS
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert outputs.read(0)[:16] == (-VALUE).tobytes()


def test_a_dynamic_run_describes_its_outputs_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded = ready.load_model(DYNAMIC)
    inputs, outputs = ready.dataset(VALUE.tobytes()), ready.dataset(64)
    inputs.describe(0, [3])
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert outputs.dims(0) == [3]


def test_a_shape_out_of_range_is_refused_at_the_call_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded, inputs, outputs = ready.load_model(DYNAMIC), ready.dataset(64), ready.dataset(64)
    inputs.describe(0, [1001])
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.INVALID_PARAM


def test_what_fails_inside_comes_out_of_the_wait_facts_6_27(ready: Acl, stream: Any) -> None:
    """An index out of range is seen by no check before the run."""
    loaded = ready.load_model(PICK)
    inputs = ready.dataset(VALUE.tobytes(), np.int32([99]).tobytes())
    outputs = ready.dataset(4)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.RT_MODEL_EXECUTE
    assert "Gather" in (ready.message() or "")
    inputs.write(1, np.int32([2]).tobytes())
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert outputs.read(0) == VALUE[2:3].tobytes()


def test_an_update_and_an_inference_in_a_row_facts_6_16(
    ready: Acl, stream: Any, linear: Linear
) -> None:
    _, (infer, init, update) = ready.load_bundle(linear.to_bytes())
    empty, x = ready.dataset(), np.ones((2, 3), np.float32)
    assert ready.aclmdlExecuteAsync(init, empty.handle, empty.handle, stream) == codes.SUCCESS
    new = ready.dataset((linear.w * 2).tobytes(), bytes(8))
    new.describe(0, [3, 2])
    new.describe(1, [0])
    inputs, outputs = ready.dataset(x.tobytes()), ready.dataset(16)
    run = ready.aclmdlExecuteAsync
    assert run(update, new.handle, ready.dataset().handle, stream) == codes.SUCCESS
    assert run(infer, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert outputs.read(0) == (x @ (linear.w * 2) + linear.b).tobytes()


def test_weights_that_change_beside_an_inference_are_seen_facts_6_16(
    ready: Acl, stream: Any, linear: Linear
) -> None:
    made, (infer, init, _) = ready.load_bundle(linear.to_bytes())
    inputs, outputs = ready.dataset(24), ready.dataset(16)
    run, empty = ready.aclmdlExecuteAsync, ready.dataset()
    assert run(ready.load_model_of(made, 1), empty.handle, empty.handle, stream) == codes.SUCCESS
    assert run(infer, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    other = new_stream(ready)
    assert run(init, empty.handle, empty.handle, other) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0012"]


def one_model_twice(acl: Acl, first: Any, second: Any) -> int:
    loaded = acl.load_model(NEG)
    a, b, c, d = (acl.dataset(16).handle for _ in range(4))
    assert acl.aclmdlExecuteAsync(loaded, a, b, first) == codes.SUCCESS
    return int(acl.aclmdlExecuteAsync(loaded, c, d, second))


def test_one_model_on_two_streams_is_seen_facts_6_25(ready: Acl, stream: Any) -> None:
    """Even when the first run happens to be over already."""
    assert one_model_twice(ready, stream, new_stream(ready)) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0007"]


def test_one_model_on_one_stream_is_fine_facts_6_25(ready: Acl, stream: Any) -> None:
    assert one_model_twice(ready, stream, stream) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_one_model_on_two_streams_in_order_is_fine_facts_6_25(ready: Acl, stream: Any) -> None:
    loaded, other, event = ready.load_model(NEG), new_stream(ready), new_event(ready)
    inputs, outputs = ready.dataset(VALUE.tobytes()).handle, ready.dataset(16).handle
    run = ready.aclmdlExecuteAsync
    slow(ready, "aclmdlExecuteAsync", 20)
    assert run(loaded, inputs, outputs, stream) == codes.SUCCESS
    assert ready.aclrtRecordEvent(event, stream) == codes.SUCCESS
    assert ready.aclrtStreamWaitEvent(other, event) == codes.SUCCESS
    assert run(loaded, inputs, outputs, other) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(other) == codes.SUCCESS


def test_one_dataset_on_two_streams_is_seen(ready: Acl, stream: Any) -> None:
    one, other = ready.load_model(NEG), ready.load_model(NEG)
    inputs, run = ready.dataset(16).handle, ready.aclmdlExecuteAsync
    assert run(one, inputs, ready.dataset(16).handle, stream) == codes.SUCCESS
    status = run(other, inputs, ready.dataset(16).handle, new_stream(ready))
    assert status == codes.GE_FAILURE
    assert ready.violations() == ["AB-STR-0005"]


def test_two_runs_may_read_the_same_memory(ready: Acl, stream: Any) -> None:
    one, other = ready.load_model(NEG), ready.load_model(NEG)
    first, second = ready.dataset(16), ready.dataset(None)
    ready.aclUpdateDataBuffer(second.buffers[0], first.address(0), 16)
    run = ready.aclmdlExecuteAsync
    assert run(one, first.handle, ready.dataset(16).handle, stream) == codes.SUCCESS
    status = run(other, second.handle, ready.dataset(16).handle, new_stream(ready))
    assert status == codes.SUCCESS
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS


def test_a_synchronous_run_beside_the_stream_is_seen_facts_6_25(ready: Acl, stream: Any) -> None:
    loaded, inputs, outputs = ready.load_model(DYNAMIC), ready.dataset(16), ready.dataset(64)
    inputs.describe(0, [4])
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0007"]


@pytest.mark.parametrize("what", ["memory", "model"])
def test_taking_away_what_a_queued_run_needs_is_seen_facts_6_27(
    ready: Acl, stream: Any, what: str
) -> None:
    loaded, inputs, outputs = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    take = {
        "memory": (lambda: ready.aclrtFree(inputs.address(0)), "AB-STR-0002"),
        "model": (lambda: ready.aclmdlUnload(loaded), "AB-MDL-0008"),
    }
    action, violation = take[what]
    assert action() != codes.SUCCESS
    assert ready.violations() == [violation]
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    assert action() == codes.SUCCESS


@pytest.mark.parametrize("file", [NEG, DYNAMIC], ids=["static", "dynamic"])
def test_datasets_and_buffers_that_go_while_the_run_is_queued_facts_6_27(
    ready: Acl, stream: Any, file: bytes
) -> None:
    """The call has read them, and programs that ship destroy them; a warning says so."""
    loaded = ready.load_model(file)
    slow(ready, "aclmdlExecuteAsync", 20)
    results = []
    for k in range(1, 4):
        inputs, outputs = ready.dataset((VALUE * k).tobytes()), ready.dataset(16)
        inputs.describe(0, [4])
        run = ready.aclmdlExecuteAsync
        assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
        results.append(outputs.address(0))
        for one in (inputs, outputs):
            assert ready.aclmdlDestroyDataset(one.handle) == codes.SUCCESS
            assert ready.aclDestroyDataBuffer(one.buffers[0]) == codes.SUCCESS
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS
    for k, result in enumerate(results, start=1):
        assert ready.download(result, 16) == (-VALUE * k).tobytes()
    assert ready.violations() == ["AB-STR-0003"] * 3 * 4
    assert {row["severity"] for row in ready.read("violations")} == {"warning"}


def test_reading_results_without_waiting_is_seen_facts_6_33(ready: Acl, stream: Any) -> None:
    loaded, inputs, outputs = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    host = ready.hold(bytearray(16))
    status = ready.aclrtMemcpy(host, 16, outputs.address(0), 16, 2)
    assert status == codes.RT_PARAM_INVALID
    assert ready.violations() == ["AB-STR-0004"]


def exec_config(acl: Acl, timeout: int = -1) -> Any:
    handle = acl.aclmdlCreateExecConfigHandle()
    value = acl.new("int32_t *", timeout)
    assert acl.aclmdlSetExecConfigOpt(handle, 0, value, 4) == codes.SUCCESS
    return handle


def test_v2_runs_on_the_stream_and_waits_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded, pointer = ready.load_model(NEG), ready.on_device(VALUE.tobytes())
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    slow(ready, "aclrtMemcpyAsync", 40)
    target = inputs.address(0)
    assert ready.aclrtMemcpyAsync(target, 16, pointer, 16, 3, stream) == codes.SUCCESS
    call = ready.aclmdlExecuteV2
    status = call(loaded, inputs.handle, outputs.handle, stream, exec_config(ready))
    assert status == codes.SUCCESS
    assert outputs.read(0) == (-VALUE).tobytes(), "it ran behind the copy"


def test_v2_makes_memory_for_outputs_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded, inputs = ready.load_model(NEG), ready.dataset(VALUE.tobytes())
    outputs = ready.dataset(None)
    call = ready.aclmdlExecuteV2
    status = call(loaded, inputs.handle, outputs.handle, stream, exec_config(ready))
    assert status == codes.SUCCESS
    assert outputs.read(0) == (-VALUE).tobytes()
    assert ready.aclrtFree(outputs.address(0)) == codes.SUCCESS


def test_v2_on_a_stream_times_out_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded, inputs, outputs = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    slow(ready, "aclmdlExecuteV2", 400)
    call, handle = ready.aclmdlExecuteV2, exec_config(ready, 30)
    with Clock() as clock:
        status = call(loaded, inputs.handle, outputs.handle, stream, handle)
    assert status == codes.RT_STREAM_SYNC_TIMEOUT
    assert 30 <= clock.ms < 300
    assert stream_status(ready, stream) == STREAM_BUSY
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_v2_without_a_stream_times_out_otherwise_facts_1_11(ready: Acl) -> None:
    loaded, inputs, outputs = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    slow(ready, "aclmdlExecuteV2", 150)
    call, handle = ready.aclmdlExecuteV2, exec_config(ready, 30)
    status = call(loaded, inputs.handle, outputs.handle, ready.NULL, handle)
    assert status == codes.GE_FAILURE
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS


def test_the_timeout_stays_with_the_thread_facts_6_28(ready: Acl) -> None:
    loaded, inputs, outputs = ready.load_model(NEG), ready.dataset(16), ready.dataset(16)
    call, plain = ready.aclmdlExecuteV2, ready.aclmdlExecute
    handle = exec_config(ready, 200)
    status = call(loaded, inputs.handle, outputs.handle, ready.NULL, handle)
    assert status == codes.SUCCESS
    slow(ready, "aclmdlExecute", 500)
    assert plain(loaded, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert ready.aclrtSynchronizeDevice() == codes.SUCCESS

    def other_thread() -> int:
        ready.aclrtSetDevice(0)
        return int(plain(loaded, inputs.handle, outputs.handle))

    assert elsewhere(other_thread) == codes.SUCCESS


def test_with_a_timeout_outputs_still_get_memory_facts_1_11(ready: Acl) -> None:
    loaded, inputs = ready.load_model(DYNAMIC), ready.dataset(VALUE.tobytes())
    outputs, handle = ready.dataset(None), exec_config(ready, 5000)
    inputs.describe(0, [4])
    call = ready.aclmdlExecuteV2
    status = call(loaded, inputs.handle, outputs.handle, ready.NULL, handle)
    assert status == codes.SUCCESS
    assert outputs.read(0) == (-VALUE).tobytes()
    assert outputs.dims(0) == [4]


def test_v2_ignores_the_stream_of_a_dynamic_model_facts_1_11(ready: Acl, stream: Any) -> None:
    loaded, inputs, outputs = ready.load_model(DYNAMIC), ready.dataset(16), ready.dataset(64)
    inputs.describe(0, [4])
    slow(ready, "aclrtMemsetAsync", 500)
    assert ready.aclrtMemsetAsync(ready.malloc(4), 4, 0, 4, stream) == codes.SUCCESS
    call = ready.aclmdlExecuteV2
    with Clock() as clock:
        status = call(loaded, inputs.handle, outputs.handle, stream, exec_config(ready))
    assert status == codes.SUCCESS
    assert clock.ms < 400
    assert ready.aclmdlExecute(loaded, inputs.handle, outputs.handle) == codes.SUCCESS


def test_after_v2_a_plain_run_does_not_wait_facts_6_28(ready: Acl, stream: Any) -> None:
    loaded, inputs = ready.load_model(NEG), ready.dataset(VALUE.tobytes())
    outputs, call = ready.dataset(16), ready.aclmdlExecuteV2
    status = call(loaded, inputs.handle, outputs.handle, stream, exec_config(ready))
    assert status == codes.SUCCESS
    plain = ready.aclmdlExecute
    assert plain(loaded, inputs.handle, outputs.handle) == codes.GE_FAILURE
    assert ready.violations() == ["AB-STR-0010"]
    ready.set("mode", "faithful")
    slow(ready, "aclmdlExecute", 400)
    with Clock() as clock:
        assert plain(loaded, inputs.handle, outputs.handle) == codes.SUCCESS
    assert clock.ms < 300
    assert stream_status(ready, stream) == STREAM_BUSY
    assert ready.aclrtSynchronizeStream(stream) == codes.SUCCESS


def test_waiting_with_a_timeout_and_going_on_design_4(ready: Acl, stream: Any) -> None:
    """How our own binding waits: it times out, asks later, and may then go on."""
    loaded = ready.load_model(null_model([Tensor("x", (4,))], [Tensor("y", (4,))]))
    inputs, outputs = ready.dataset(16), ready.dataset(16)
    slow(ready, "aclmdlExecuteAsync", 150)
    run = ready.aclmdlExecuteAsync
    assert run(loaded, inputs.handle, outputs.handle, stream) == codes.SUCCESS
    wait = ready.aclrtSynchronizeStreamWithTimeout
    assert wait(stream, 20) == codes.RT_STREAM_SYNC_TIMEOUT
    while stream_status(ready, stream) == STREAM_BUSY:
        pass
    assert outputs.read(0) == b"\xa5" * 16
    assert ready.aclmdlUnload(loaded) == codes.SUCCESS

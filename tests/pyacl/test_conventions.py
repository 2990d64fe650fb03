"""What pyACL's functions take and give, to the letter: numbers, tuples, callbacks, the GIL."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest


def test_handles_wrap_and_smaller_numbers_are_checked(fake_acl: Any) -> None:
    """Facts 1 of pyACL: k and I wrap, i does not; bool is a number, None and float are none."""
    acl = fake_acl.pyacl
    assert acl.data_type_size(True) == 2
    for refused in (1 << 40, -(1 << 40), 1.0, None, "1"):
        with pytest.raises(TypeError, match=r"^acl.rt.set_device args parse failed$"):
            acl.rt.set_device(refused)
    for refused in (1.0, None, "1", np.float32(1)):
        with pytest.raises(TypeError, match=r"^acl.rt.free args parse failed$"):
            acl.rt.free(refused)


@pytest.mark.acl(violations="ignore")
def test_what_wraps_reaches_the_library(acl: Any, fake_acl: Any) -> None:
    fake_acl.set("trace", "on")
    acl.rt.free(-1)
    acl.mdl.unload((1 << 32) + 7)
    told = {row["function"]: str(row["args"]) for row in fake_acl.trace}
    assert "0xffffffffffffffff" in told["aclrtFree"]
    assert "7" in told["aclmdlUnload"]
    assert "4294967303" not in told["aclmdlUnload"]


def test_a_path_is_a_str(fake_acl: Any, tmp_path: Path) -> None:
    acl, config = fake_acl.pyacl, tmp_path / "acl.json"
    for refused in (None, b"x", config, "a\0b", "\ud800"):
        with pytest.raises(TypeError, match=r"^acl.init args parse failed$"):
            acl.init(refused)
    config.write_text("{}")
    assert acl.init(str(config)) == 0
    assert acl.finalize() == 0
    assert acl.finalize("what is passed is passed over") != 0


@pytest.mark.acl(violations="ignore")
def test_a_bad_ret_is_an_answer_and_outputs_stand_before_it(acl: Any) -> None:
    assert acl.mdl.load_from_file("no such file")[0] == 0
    assert acl.mdl.load_from_file("no such file")[1] != 0
    assert "no such file" in acl.get_recent_err_msg()
    dims, ret = acl.mdl.get_input_dims(0, 0)
    assert dims == {}
    assert ret != 0
    assert acl.mdl.get_input_name_by_index(0, 0) in (None, "")
    assert acl.get_tensor_desc_dim_range(0, 0, 5000) == (None, 100000)
    assert acl.mdl.get_input_dynamic_dims(0, -1, 5000) == (None, 100000)


def test_the_two_odd_tuples_begin_with_the_dataset(acl: Any) -> None:
    data, buffer = acl.mdl.create_dataset(), acl.create_data_buffer(4096, 4)
    desc = acl.create_tensor_desc(0, [1], 2)
    assert acl.mdl.add_dataset_buffer(data, buffer) == (data, 0)
    assert acl.mdl.set_dataset_tensor_desc(data, desc, 0) == (data, 0)
    assert acl.destroy_tensor_desc(desc) is None
    assert acl.mdl.get_dataset_tensor_desc(data, 0) not in (0, None)
    assert acl.mdl.destroy_dataset(data) == 0
    assert acl.destroy_data_buffer(buffer) == 0


def test_a_description_keeps_what_lists_say(acl: Any) -> None:
    desc = acl.create_tensor_desc(0, [2, -1, 3], 2)
    assert acl.set_tensor_shape(desc, [4, 5]) == 0
    assert acl.get_tensor_desc_dim_v2(desc, 1) == (-1, 0)  # the storage shape is another matter
    assert acl.set_tensor_desc_name(desc, "näme") is None
    assert acl.get_tensor_desc_name(desc) == "näme"
    acl.destroy_tensor_desc(desc)


@pytest.mark.parametrize("given", [[1, 2], (1,), {"a": 1}, None, "text"])
def test_a_callback_is_given_one_object_whatever_it_is(acl: Any, given: object) -> None:
    """Facts 6 of pyACL: samples hand over a list."""
    stream, _ = acl.rt.create_stream()
    got: list[object] = []
    going = [True]

    def serve(context: int) -> None:
        assert acl.rt.set_context(context) == 0
        while going[0]:
            acl.rt.process_report(20)

    thread, _ = acl.util.start_thread(serve, acl.rt.get_context()[0])
    assert acl.rt.subscribe_report(thread, stream) == 0
    with pytest.raises(TypeError, match=r"^parameter must be callable$"):
        acl.rt.launch_callback("print", given, 1, stream)
    assert acl.rt.launch_callback(got.append, given, 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert acl.rt.unsubscribe_report(thread, stream) == 0
    going[0] = False
    assert acl.util.stop_thread(thread) == 0
    assert got[0] is given
    assert acl.rt.destroy_stream(stream) == 0


def test_half_precision_is_an_int(acl: Any) -> None:
    assert acl.float16_to_float(np.float16(1.5).view(np.uint16)) == 1.5
    assert acl.float_to_float16(np.float32(-0.25)) == acl.float_to_float16(-0.25)
    assert acl.float_to_float16(1.5) == int(np.float16(1.5).view(np.uint16))
    assert acl.float16_to_float(acl.float_to_float16(-0.25)) == -0.25


def test_dvpp_memory_is_memory_of_the_device(acl: Any, fake_acl: Any) -> None:
    pointer, ret = acl.media.dvpp_malloc(128)
    assert ret == 0
    assert [row["size"] for row in fake_acl.live if row["kind"] == "device memory"] == [128]
    assert acl.media.dvpp_free(pointer) == 0


def test_a_failed_task_is_told_to_the_exception_callback(acl: Any, fake_acl: Any) -> None:
    told: list[dict[str, int]] = []

    def on_failure(info: int) -> None:
        told.append(
            {
                name: getattr(acl.rt, f"get_{name}_from_exception_info")(info)
                for name in ("error_code", "task_id", "stream_id", "thread_id", "device_id")
            }
        )

    assert acl.rt.set_exception_info_callback(on_failure) == 0
    stream, ret = acl.rt.create_stream()
    assert ret == 0
    pointer, ret = acl.rt.malloc(64, 0)
    assert ret == 0
    fake_acl.fail("task", 1, 507011)
    acl.rt.memset_async(pointer, 64, 0, 64, stream)
    assert acl.rt.synchronize_stream(stream) == 507011
    assert [one["error_code"] for one in told] == [507011]
    assert told[0]["device_id"] == 0
    assert acl.rt.set_exception_info_callback(None) == 0
    assert acl.rt.set_exception_info_callback() == 0
    with pytest.raises(TypeError, match=r"^acl.rt.set_exception_info_callback args parse failed$"):
        acl.rt.set_exception_info_callback(5)
    assert acl.rt.free(pointer) == 0
    assert acl.rt.destroy_stream(stream) == 0


def test_what_a_callback_raises_is_printed_and_the_stream_goes_on(
    acl: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda one: seen.append(one.exc_value))
    going = [True]

    def serve(context: int) -> None:
        assert acl.rt.set_context(context) == 0
        while going[0]:
            acl.rt.process_report(20)

    context, _ = acl.rt.get_context()
    stream, _ = acl.rt.create_stream()
    thread, _ = acl.util.start_thread(serve, context)
    assert acl.rt.subscribe_report(thread, stream) == 0
    got: list[Any] = []
    assert acl.rt.launch_callback(lambda given: 1 / given[0], [0], 1, stream) == 0
    assert acl.rt.launch_callback(got.append, ["list"], 1, stream) == 0
    assert acl.rt.synchronize_stream(stream) == 0
    assert acl.rt.unsubscribe_report(thread, stream) == 0
    going[0] = False
    assert acl.util.stop_thread(thread) == 0
    assert got == [["list"]]
    assert isinstance(seen[0], ZeroDivisionError)
    assert acl.rt.destroy_stream(stream) == 0


@pytest.mark.timed
@pytest.mark.parametrize("name", ["aclrtMemset", "aclrtSynchronizeDevice", "aclrtGetMemInfo"])
def test_the_interpreter_goes_on_during_a_call(acl: Any, fake_acl: Any, name: str) -> None:
    """A second thread ticks while the call sleeps; with the GIL held it could not tick once."""
    pointer, _ = acl.rt.malloc(64, 0)
    calls = {
        "aclrtMemset": lambda: acl.rt.memset(pointer, 64, 0, 64),
        "aclrtSynchronizeDevice": acl.rt.synchronize_device,
        "aclrtGetMemInfo": lambda: acl.rt.get_mem_info(0),
    }
    fake_acl.latency(name, 0.3)
    inside, ticks, over = threading.Event(), [0], threading.Event()

    def tick() -> None:
        inside.wait()
        while not over.is_set():
            ticks[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=tick)
    thread.start()
    inside.set()
    before = ticks[0]
    calls[name]()
    during = ticks[0] - before
    over.set()
    thread.join()
    fake_acl.latency(name, 0)
    assert acl.rt.free(pointer) == 0
    assert during > 1

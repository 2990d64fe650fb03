"""What programs of ais_bench do below `infer`, and on several devices."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle.compat import InferSession, MemorySummary, MultiDeviceSession

from .test_infer_session import SHAPES, computed, feeds, saved

pytestmark = pytest.mark.usefixtures("fake_acl")
CHOICES = {
    "static": lambda one, _: one.set_staticbatch(),
    "dymbatch": lambda one, shape: one.set_dynamic_batchsize(str(shape[0])),
    "dymhw": lambda one, shape: one.set_dynamic_hw(shape[2], shape[3]),
    "dymdims": lambda one, shape: one.set_dynamic_dims(text(shape)),
    "dymshape": lambda one, shape: one.set_dynamic_shape(text(shape)),
}


def text(shape: tuple[int, ...]) -> str:
    dims = ",".join(map(str, shape))
    return f"left:{dims};right:{dims}"


@pytest.mark.parametrize("mode", SHAPES)
def test_a_shape_is_chosen_and_memory_is_run(mode: str, tmp_path: Path) -> None:
    with InferSession(0, saved(tmp_path, mode)) as session:
        for shape in SHAPES[mode][2]:
            given = feeds(shape)
            CHOICES[mode](session, shape)
            session.set_custom_outsize([1000, 1000])
            outputs = session.run([one.ravel() for one in given])
            session.convert_tensors_to_host(outputs)
            found = session.convert_tensors_to_arrays(outputs)
            for one, right in zip(found, computed(mode, given), strict=True):
                np.testing.assert_array_equal(one, right)
            np.testing.assert_array_equal(session.run(given, out_array=True)[0], found[0])
        others = {*CHOICES} - {mode}
        for other in others:
            with pytest.raises(ValueError, match=f"the file's inputs are those of '{mode}'"):
                CHOICES[other](session, SHAPES[other][2][0])


def test_a_text_of_shapes_that_does_not_fit(tmp_path: Path) -> None:
    with InferSession(0, saved(tmp_path, "dymshape")) as session:
        for wrong in ("left:1,2", "left:a,b;right:1,2", ""):
            with pytest.raises(ValueError, match="right is a text like 'left:1,2;right:1,2'"):
                session.set_dynamic_shape(wrong)


def test_feeds_of_files_and_of_the_device(tmp_path: Path) -> None:
    left, right = feeds((2, 3))
    left[:1].tofile(tmp_path / "0.bin")
    np.save(tmp_path / "1.npy", left[1:])
    with InferSession(0, saved(tmp_path, "static")) as session:
        files = [tmp_path / "0.bin", tmp_path / "1.npy"]
        tensor = session.create_tensor_from_fileslist(session.get_inputs()[0], files)
        other = session.create_tensor_from_arrays_to_device(right)
        total, _ = session.run([tensor, other], out_array=True)
        np.testing.assert_array_equal(total, left + right)


def test_what_it_is_made_of(tmp_path: Path) -> None:
    path = saved(tmp_path, "dymbatch")
    session = InferSession(0, path, debug=True, loop=2)
    assert (session.device_id, session.model_path, session.loop) == (0, path, 2)
    assert session.get_max_dym_batchsize() == 4
    assert session.outputs_names == [one.name for one in session.outtensors_desc]
    assert [one.name for one in session.intensors_desc] == ["left", "right"]
    session.set_context()
    session.set_loop_count(3)
    session.infer(feeds((2, 3)), "dymbatch")
    assert len(session.summary().exec_time_list) == 3
    session.reset_summaryinfo()
    assert session.summary().exec_time_list == []
    with pytest.raises(ValueError, match="loop is 0"):
        session.set_loop_count(0)
    InferSession.finalize()
    session.free_resource()


def test_several_devices(fake_acl: Any, tmp_path: Path) -> None:
    fake_acl.set("devices", 3)
    session = MultiDeviceSession(saved(tmp_path, "static"))
    given = {0: [feeds((2, 3), 1)], 2: [feeds((2, 3), 2), feeds((2, 3), 3)]}
    found = session.infer(given)
    assert {device: len(many) for device, many in found.items()} == {0: 1, 2: 2}
    for device, many in given.items():
        for one, outputs in zip(many, found[device], strict=True):
            np.testing.assert_array_equal(outputs[0], one[0] + one[1])
    assert (
        [*map(len, session.summary.values())] == [*map(len, session.summary().values())] == [1, 2]
    )
    piped = session.infer_pipeline({1: [[feeds((2, 3)), feeds((2, 3), 4)]]})
    assert len(piped[1][0]) == 2
    left, right = feeds((2, 3))
    ((total, _),) = session.infer_iteration({0: [[left, right]]}, [0, -1], 3)[0]
    np.testing.assert_allclose(total, left + 3 * right, rtol=1e-5)


def test_what_fails_on_one_device_is_raised(fake_acl: Any, tmp_path: Path) -> None:
    fake_acl.set("devices", 2)
    session = MultiDeviceSession(saved(tmp_path, "static"))
    with pytest.raises(ValueError, match="there are 1 feeds; the inputs are left, right"):
        session.infer({0: [feeds((2, 3))], 1: [feeds((2, 3))[:1]]})
    assert session.infer({}) == {}


def test_no_times_of_copies_are_known() -> None:
    MemorySummary.reset()
    assert MemorySummary.get_h2d_time_list() == MemorySummary.get_d2h_time_list() == []


PARAMETERS = {
    InferSession: {
        "__init__": "device_id model_path acl_json_path debug loop",
        "infer": "feeds mode custom_sizes out_array",
        "infer_pipeline": "feeds_list mode custom_sizes",
        "infer_iteration": "feeds in_out_list iteration_times mode custom_sizes",
        "run": "feeds out_array",
        "run_pipeline": (
            "infilelist output auto_shape auto_dims outfmt pure_infer_mode extra_session"
        ),
        "load_aipp_config_file": "config_file batchsize",
    },
    MultiDeviceSession: {
        "__init__": "model_path acl_json_path debug loop",
        "infer": "device_feeds mode custom_sizes",
        "infer_pipeline": "device_feeds_list mode custom_sizes",
        "infer_iteration": "device_feeds in_out_list iteration_times mode custom_sizes",
    },
}


@pytest.mark.parametrize("kind", PARAMETERS)
def test_parameters_have_ais_bench_s_names_and_order(kind: type) -> None:
    for name, wanted in PARAMETERS[kind].items():
        found = [*inspect.signature(getattr(kind, name)).parameters][1:]
        assert found[: len(wanted.split())] == wanted.split(), name


def test_feeds_that_are_too_few_and_loops_that_are_none(tmp_path: Path) -> None:
    with InferSession(0, saved(tmp_path, "static")) as session:
        left, right = feeds((2, 3))
        for wrong in [left], [left, right, left]:
            with pytest.raises(ValueError, match="feeds; the inputs are left, right"):
                session.run(wrong)
        for loop, kind in (0, ValueError), (2.5, TypeError):
            with pytest.raises(kind, match="loop is"):
                session.set_loop_count(loop)

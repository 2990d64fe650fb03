"""What pyACL's functions take and give, to the letter: lists, dicts, options of their own width."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build


@pytest.mark.acl(violations="ignore")
def test_a_list_is_a_list_of_ints(acl: Any) -> None:
    """Facts 1 of pyACL: no tuple, none of numpy's integers, and no float that is cut."""
    with pytest.raises(TypeError, match=r"^acl.create_tensor_desc args parse failed$"):
        acl.create_tensor_desc(0, [1], None)
    for refused in ((1, 2), None, np.array([1, 2])):
        with pytest.raises(TypeError, match=r"^argument 2 is not list$"):
            acl.create_tensor_desc(0, refused, 2)
        with pytest.raises(TypeError, match=r"^argument 2 is not list$"):
            acl.set_tensor_shape_range(0, refused)
    for one in ("two", 2.0, np.int64(2), np.float32(2.5), None):
        with pytest.raises(TypeError, match=r"^invalid data type: .* in the list is no int"):
            acl.create_tensor_desc(0, [1, one], 2)
    with pytest.raises(ValueError, match="the list holds what is no int64_t"):
        acl.create_tensor_desc(0, [1 << 63], 2)
    for ranges in ([1, 2], [[1]], [(1, 2)]):
        with pytest.raises(TypeError, match=r"^the list argument is not list"):
            acl.set_tensor_value_range(0, ranges)
    with pytest.raises(TypeError, match=r"^invalid data type"):
        acl.set_tensor_shape_range(0, [[1, "2"]])


def test_dicts_go_in_and_come_out(acl: Any) -> None:
    config = {"numAttrs": 1, "attrs": [{"attr": 1, "value": {"moduleId": 3}}]}
    pointer, ret = acl.rt.malloc_with_cfg(64, 0, config)
    assert ret == 0
    found, ret = acl.rt.pointer_get_attributes(pointer)
    assert ret == 0
    assert found["location"] == {"id": 0, "type": 1}
    assert acl.rt.free(pointer) == 0
    with pytest.raises(ValueError, match="the configuration"):
        acl.rt.malloc_with_cfg(64, 0, {"numAttrs": 1})
    for count in (-1, 2, 2**70):
        with pytest.raises(ValueError, match=f"numAttrs is {count}, and there are 1 attrs"):
            acl.rt.malloc_with_cfg(64, 0, {**config, "numAttrs": count})
    for wrong, error in (
        ({}, TypeError), ({"dimCount": 1, "dims": (1,)}, TypeError),
        ({"dimCount": 1, "dims": [None]}, TypeError), ({"dims": [1]}, ValueError),
        ({"dimCount": 2, "dims": [1]}, ValueError),
        ({"dimCount": 1, "dims": [1 << 63]}, ValueError),
    ):  # fmt: skip
        with pytest.raises(error, match=r"dims|int64_t|dimCount|invalid data type"):
            acl.mdl.set_input_dynamic_dims(0, 0, 0, wrong)
    with pytest.raises(TypeError, match=r"^argument 4 is not dict$"):
        acl.mdl.set_input_dynamic_dims(0, 0, 0, [1])
    version, ret = acl.get_cann_version(0)
    assert ret == 0
    assert {*version} == {"version", "major_version", "minor_version", "release_version",
                          "patch_version", "reserved"}  # fmt: skip


def test_an_option_is_as_wide_as_its_kind(acl: Any, tmp_path: Path) -> None:
    path = build.null({"x": ("float32", (4,))}, {"y": ("float32", (4,))}).save(tmp_path / "n.om")
    bundle, ret = acl.mdl.bundle_load_from_file(str(path))
    assert ret == 0
    assert acl.mdl.bundle_unload(bundle) == 0
    handle = acl.mdl.create_config_handle()
    assert acl.mdl.set_config_opt(handle, 0, 0) == 0  # priority, 4 bytes
    assert acl.mdl.set_config_opt(handle, 1, 1) == 0  # load type: from a file
    assert acl.mdl.set_config_opt(handle, 2, str(path)) == 0
    for attr, refused in ((2, 5), (2, "a\0b"), (0, 1 << 31), (0, "1"), (1, 1.0), (1, np.int64(1))):
        with pytest.raises(TypeError, match=r"^acl.mdl.set_config_opt args parse failed!$"):
            acl.mdl.set_config_opt(handle, attr, refused)
    assert acl.mdl.destroy_config_handle(handle) == 0
    handle = acl.mdl.create_exec_config_handle()
    assert acl.mdl.set_exec_config_opt(handle, 0, 5000) == 0
    assert acl.mdl.destroy_exec_config_handle(handle) == 0


@pytest.mark.acl(violations="ignore")
def test_some_dicts_are_filled_on_failure_and_others_are_empty(acl: Any, fake_acl: Any) -> None:
    """Facts 1 of pyACL: on error the outputs are still there."""
    dims, ret = acl.mdl.get_input_dims_range(0, 0)
    assert (dims, ret != 0) == ({"rangeCount": 0, "range": []}, True)
    fake_acl.fail("aclrtGetDeviceUtilizationRate", 1, 507899)
    found, ret = acl.rt.get_device_utilization_rate(0)
    assert ret == 507899
    assert [*found] == ["cube_utilization", "vector_utilization", "aicpu_utilization",
                        "memory_utilization", "utilization_extend"]  # fmt: skip
    found, ret = acl.rt.pointer_get_attributes(0)
    assert [*found] == ["location", "page_size", "rsv"]
    for name in ("get_input_dims", "get_input_dims_v2", "get_output_dims", "get_cur_output_dims",
                 "get_dynamic_hw"):  # fmt: skip
        found, ret = getattr(acl.mdl, name)(0, 0)
        assert (found, ret != 0) == ({}, True), name
    assert acl.mdl.get_first_aipp_info(0, 0)[0] is None
    assert acl.mdl.create_and_get_op_desc(0, 0, 0, 4097) == ("", 0, 0, 0, 0, 100000)


IMAGE = onnx.parser.parse_model("""
    <ir_version: 8, opset_import: ["": 17]>
    image (float[1, 3, 4, 6] x) => (float[1, 3, 4, 6] y) { y = Identity(x) }
""")


def test_an_aipp_is_a_dict_in_pyacl_s_order(acl: Any, tmp_path: Path) -> None:
    """Facts 3 of pyACL: three numbers of the matrix are not among them."""
    front = {"aipp_mode": "static", "input_format": "RGB888_U8", "mean_chn_1": 7,
             "src_image_size_w": 6, "src_image_size_h": 4, "var_reci_chn_2": 0.5}  # fmt: skip
    path = build.model(IMAGE, aipp=front).save(tmp_path / "n.om")
    model, ret = acl.mdl.load_from_file(str(path))
    assert ret == 0
    info, ret = acl.mdl.get_first_aipp_info(model, 0)
    assert ret == 0
    names = [*info]
    assert names[:7] == ["cscSwitch", "matrixR0C0", "matrixR0C1", "matrixR1C0", "matrixR1C1",
                         "matrixR1C2", "matrixR2C2"]  # fmt: skip
    assert names[13:16] == ["rbuvSwapSwitch", "axSwapSwitch", "singleLineMode"]
    assert names[-1] == "outDims"
    assert len(names) == len({*names}) == 50
    assert (info["meanChn1"], info["varReciChn2"]) == (7, 0.5)
    assert (info["srcImageSizeW"], info["srcImageSizeH"]) == (6, 4)
    assert [*info["outDims"][0]] == ["srcDims", "srcSize", "aippOutdims", "aippOutSize"]
    assert info["outDims"][0]["aippOutdims"]["dims"] == [1, 3, 4, 6]
    assert acl.mdl.unload(model) == 0

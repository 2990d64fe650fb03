"""A file with dynamic AIPP, and ais_bench's file of its parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx.parser
import pytest

from acl_bundle import build
from acl_bundle.compat import InferSession

from .test_infer_session import saved

NET = """
    <ir_version: 8, opset_import: ["": 17]>
    net (float[2,3,2,2] x) => (float[2,3,2,2] y) { y = Identity(x) }
"""
CONFIG = """
[aipp_op]
input_format : RGB888_U8
src_image_size_w : 4
src_image_size_h : 3
crop : 1
load_start_pos_w : 2
load_start_pos_h : 1
crop_size_w : 2
crop_size_h : 2
rbuv_swap_switch = 1
mean_chn_0 : 3
min_chn_1 : 0.5
var_reci_chn_0 : 1
var_reci_chn_1 : 0.5
"""
pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    net = onnx.parser.parse_model(NET)
    aipp = {"aipp_mode": "dynamic", "max_src_image_size": 72}
    return build.model(net, aipp=aipp).save(tmp_path / "net.om")


def config(folder: Path, text: str) -> Path:
    made = folder / "aipp.config"
    made.write_text(text)
    return made


def images() -> Any:
    return np.random.default_rng(8).integers(0, 256, 72).astype(np.uint8)


def prepared(given: Any) -> Any:
    """BGR of a corner; the third channel is 0, as ais_bench's var_reci_chn_2 that is left out."""
    bgr = given.reshape(2, 3, 4, 3)[:, 1:3, 2:4, ::-1].astype(np.float32)
    return ((bgr - [3, 0.5, 0]) * [1, 0.5, 0]).transpose(0, 3, 1, 2)


def test_images_are_prepared_as_the_file_says(path: Path, tmp_path: Path) -> None:
    with InferSession(0, path) as session:
        assert session.get_dym_aipp_input_exist() == 1
        session.check_dym_aipp_input_exist()
        (only,) = session.get_inputs()
        assert (only.name, only.shape, len(session.intensors_desc)) == ("x", [72], 1)
        session.load_aipp_config_file(str(config(tmp_path, CONFIG)), 2)
        given = images()
        for made in (
            session.infer([given]),
            session.infer_pipeline([[given]] * 2)[1],
            session.run([given], out_array=True),
            session.infer_iteration([given], [-1], 2),
        ):
            np.testing.assert_array_equal(made[0], prepared(given))
        given.tofile(tmp_path / "x.bin")
        session.run_pipeline([[str(tmp_path / "x.bin")]], str(tmp_path))
        found = np.fromfile(tmp_path / "x_0.bin", np.float32)
        np.testing.assert_array_equal(found, prepared(given).ravel())


def test_colours_that_are_left_out_are_0(path: Path, tmp_path: Path) -> None:
    colours = CONFIG.replace("rbuv_swap_switch = 1", "csc_switch: 1\nmatrix_r0c0: 256")
    with InferSession(0, path) as session:
        session.load_aipp_config_file(config(tmp_path, colours), 2)
        given = images()
        red = given.reshape(2, 3, 4, 3)[:, 1:3, 2:4, 0].astype(np.float32)
        (made,) = session.infer([given])
        np.testing.assert_array_equal(made[:, 0], red - 3)
        np.testing.assert_array_equal(made[:, 1], np.full((2, 2, 2), -0.25))


def test_a_run_without_parameters(path: Path, tmp_path: Path) -> None:
    with InferSession(0, path) as session:
        with pytest.raises(ValueError, match="load_aipp_config_file says how images are prepared"):
            session.infer([images()])
        with pytest.raises(ValueError, match="there are 2 feeds; the inputs are x"):
            session.infer([images(), images()])
    with InferSession(0, saved(tmp_path, "static")) as session:
        assert session.get_dym_aipp_input_exist() == 0
        with pytest.raises(ValueError, match="the file has no dynamic AIPP"):
            session.check_dym_aipp_input_exist()
        with pytest.raises(ValueError, match="the file has no dynamic AIPP"):
            session.load_aipp_config_file(config(tmp_path, CONFIG), 2)


WRONG = {
    "[other]\na: 1": r"there is no section \[aipp_op\]",
    "aipp_op { }": r"this is no file with a section \[aipp_op\]",
    CONFIG + "[aipp_op]\n": r"this is no file with a section \[aipp_op\]",
    CONFIG.replace("input_format", "format"): "input_format is missing",
    CONFIG.replace("src_image_size_h", "size_h"): "src_image_size_h is missing",
    CONFIG.replace("RGB888_U8", "RGB888"): "input_format is 'RGB888'",
    CONFIG.replace("_w : 4", "_w : four"): "src_image_size_w is 'four'; an integer is right",
    CONFIG.replace("crop : 1", "crop : true"): "crop is 'true'; an integer is right",
    CONFIG.replace("crop : 1", "crop : 2"): "crop is 2; 0 or 1 is right",
    CONFIG.replace("crop_size_w : 2", ""): "crop_size_w is missing, and crop is 1",
    CONFIG.replace("mean_chn_0", "mean_chn_9"): "mean_chn_9 is no field of it",
    CONFIG.replace("mean_chn_0 : 3", "mean_chn_0 : 256"): "mean_chn_0 is 256; 0 to 255 are right",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_file_that_is_wrong(text: str, path: Path, tmp_path: Path) -> None:
    with InferSession(0, path) as session:
        given = config(tmp_path, text)
        with pytest.raises(ValueError, match=f"aipp.config: {WRONG[text]}"):
            session.load_aipp_config_file(given, 2)
        with pytest.raises(ValueError, match="load_aipp_config_file says"):
            session.infer([images()])


def test_a_batch_that_is_wrong(path: Path, tmp_path: Path) -> None:
    right = config(tmp_path, CONFIG)
    with InferSession(0, path) as session:
        with pytest.raises(ValueError, match="batchsize is 3; the file's inputs have 2 images"):
            session.load_aipp_config_file(right, 3)
        with pytest.raises(ValueError, match="batchsize is 0"):
            session.load_aipp_config_file(right, 0)
        with pytest.raises(TypeError, match="batchsize is an int"):
            session.load_aipp_config_file(right, 2.0)  # type: ignore[arg-type]
        with pytest.raises(OSError, match="nowhere"):
            session.load_aipp_config_file("nowhere.config", 2)


def test_a_session_has_as_many_images_as_its_batch(tmp_path: Path) -> None:
    """As in ais_bench, the parameters are of the largest batch."""
    net = onnx.parser.parse_model(NET.replace("[2,", "[N,"))
    front = {"aipp_mode": "dynamic", "max_src_image_size": 144}
    path = build.model(net, aipp=front, dynamic_batch=[1, 4]).save(tmp_path / "net.om")
    given = np.random.default_rng(9).integers(0, 256, 144).astype(np.uint8)
    wanted = np.concatenate([prepared(given[:72]), prepared(given[72:])])
    with InferSession(0, path) as session:
        most = session.get_max_dym_batchsize()
        session.load_aipp_config_file(str(config(tmp_path, CONFIG)), most)
        for batch in (4, 1):
            (made,) = session.infer([given[: 36 * batch]], mode="dymbatch")
            np.testing.assert_array_equal(made, wanted[:batch])
        with pytest.raises(ValueError, match="have 4 images"):
            session.load_aipp_config_file(str(config(tmp_path, CONFIG)), 1)

"""Parameters of dynamic AIPP are those that the library's setters leave in memory."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from acl_bundle import aipp

ONE = {
    "input_format": "YUV420SP_U8", "src_image_size_w": 16, "src_image_size_h": 8,
    "csc_switch": True, "rbuv_swap_switch": True,
}  # fmt: skip
TWO = "".join(
    "aipp_op { aipp_mode: static input_format: YUV420SP_U8 src_image_size_w: 16 src_image_size_h: 8"
    f" csc_switch: true rbuv_swap_switch: true related_input_rank: {at} mean_chn_0: {at}}}"
    for at in range(2)
)


def test_the_bytes_facts_13_5() -> None:
    part = {
        "crop": True, "load_start_pos_w": 2, "load_start_pos_h": 4, "crop_size_w": 6,
        "crop_size_h": 2, "padding": True, "top_padding_size": 1, "bottom_padding_size": 2,
        "left_padding_size": 3, "right_padding_size": 4, "mean_chn_3": 9, "min_chn_0": 0.5,
        "var_reci_chn_1": 0.25,
    }  # fmt: skip
    made = aipp.parameters([ONE, {**ONE, **part}], batch=2).tobytes()
    assert len(made) == 64 + 2 * 96
    assert struct.unpack_from("<BbbbbxxxII", made) == (1, 1, 1, 0, 2, 16, 8)
    assert struct.unpack_from("<9h", made, 16) == (298, 516, 0, 298, -100, -208, 298, 0, 409)
    assert [*made[40:46]] == [16, 128, 128, 16, 128, 128]
    first, second = made[64:160], made[160:]
    assert struct.unpack_from("<3b", first) == (0, 0, 0)
    assert struct.unpack_from("<4e", first, 72) == (1, 1, 1, 1)
    assert struct.unpack_from("<3b", second) == (1, 0, 1)
    assert struct.unpack_from("<12i", second, 8) == (2, 4, 6, 2, 0, 0, 0, 0, 1, 2, 3, 4)
    assert struct.unpack_from("<4h8e", second, 56) == (0, 0, 0, 9, 0.5, 0, 0, 0, 1, 0.25, 1, 1)


def test_one_configuration_is_that_of_all_images() -> None:
    made = aipp.parameters(ONE, batch=3)
    assert made.tobytes() == aipp.parameters([ONE] * 3, batch=3).tobytes()
    assert made.dtype.name == "uint8"
    assert aipp.parameters(ONE, batch=200).shape == (64 + 96 * 200,)


def test_the_parameters_of_each_input_apart() -> None:
    """What a text says of several inputs is asked for input by input."""
    first, second = aipp.read(TWO)
    made = [aipp.parameters(one).tobytes() for one in (first, second)]
    assert made[0] == aipp.parameters(ONE).tobytes()
    assert made[1] != made[0]


@pytest.mark.parametrize(
    ("given", "batch", "said"),
    [
        (ONE, 0, "batch is 0"),
        ([ONE, ONE], 3, "2 configurations for a batch of 3"),
        ([ONE, {**ONE, "src_image_size_w": 8}], 2, "image 1 has another format, size"),
        ({**ONE, "src_image_size_h": 0}, 1, "src_image_size_h is missing"),
        ({"aipp_mode": "dynamic", "max_src_image_size": 4}, 1, "aipp_mode is dynamic"),
        ({**ONE, "mean_chn_0": 300}, 1, "mean_chn_0 is 300"),
        ([ONE, {**ONE, "related_input_rank": 1}], 2, "image 1 is of input 1, that of image 0 of "),
        (
            [{**ONE, "related_input_name": "a"}, {**ONE, "related_input_name": "b"}],
            2,
            "image 1 is of input 'b', that of image 0 of input 'a'; parameters are of one input",
        ),
        (TWO, 1, "2 aipp_op, of input 0 and input 1; parameters are of one input"),
        (TWO, 2, "2 aipp_op"),
        (aipp.read(TWO), 2, "image 1 is of input 1"),
    ],
)
def test_what_is_wrong_is_said(given: Any, batch: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        aipp.parameters(given, batch)

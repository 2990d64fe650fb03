"""AIPP configurations: read from text, files and mappings, and checked field by field."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import aipp
from acl_bundle.aipp import _fields

TEXT = """
# what ATC takes
aipp_op {
    aipp_mode: static
    related_input_rank : 1
    input_format : YUV420SP_U8   # NV12
    csc_switch : true, matrix_r0c0: 256;
    min_chn_0 : 1.23675e2
    var_reci_chn_0: -.5
}
aipp_op: { aipp_mode: static related_input_name: "left" input_format: RGB888_U8 crop: 0 }
"""


def static(**given: Any) -> dict[str, Any]:
    return {"aipp_mode": "static", "input_format": "RGB888_U8", **given}


def test_text_as_atc_has_it_facts_13_1_13_2() -> None:
    first, second = aipp.read(TEXT)
    assert (first["related_input_rank"], second["related_input_name"]) == (1, "left")
    assert (first["min_chn_0"], first["var_reci_chn_0"], first["var_reci_chn_1"]) == (
        123.675,
        -0.5,
        1,
    )
    assert first["csc_switch"] is True
    assert (first["matrix_r0c0"], first["matrix_r0c1"], first["input_bias_1"]) == (256, 516, 128)
    assert second["crop"] is False
    assert [len(one) for one in (first, second)] == [len(_fields.FIELDS)] * 2


def test_a_path_a_mapping_and_many_say_the_same(tmp_path: Path) -> None:
    path = tmp_path / "aipp.cfg"
    path.write_text(TEXT, encoding="utf-8")
    assert aipp.read(path) == aipp.read(str(path)) == aipp.read(TEXT)
    assert aipp.read([dict(one) for one in aipp.read(TEXT)]) == aipp.read(TEXT)
    assert aipp.read(static(crop=np.bool_(True), crop_size_w=np.int64(4)))[0]["crop_size_w"] == 4


def test_what_it_writes_it_reads() -> None:
    for one in aipp.read(TEXT):
        assert aipp.read(one.text()) == (one,)
    dynamic = aipp.read({"aipp_mode": "dynamic", "max_src_image_size": 100})
    assert aipp.read(dynamic[0].text()) == dynamic


def test_the_defaults_of_colours_facts_13_2() -> None:
    rgb, yuv = (
        aipp.read(static(csc_switch=True, input_format=layout))[0]
        for layout in ("RGB888_U8", "YUV420SP_U8")
    )
    assert [rgb[name] for name in _fields.MATRIX] == [66, 129, 25, -38, -74, 112, 112, -94, -18]
    assert [yuv[name] for name in _fields.MATRIX] == [298, 516, 0, 298, -100, -208, 298, 0, 409]
    assert [rgb[name] for name in _fields.OUTPUT_BIAS] == [16, 128, 128]
    plain = aipp.read(static())[0]
    assert not any(plain[name] for name in (*_fields.MATRIX, *_fields.INPUT_BIAS))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no text|cannot be read|Is a directory|No such file"),
        ("{}", "line 1 .* has '{'; 'aipp_op {' is right"),
        ("aipp_op { aipp_mode: static", "line 1 .* has 'its end'"),
        ("aipp_op {\n aipp_mode static }", "line 2 .* has 'static' behind aipp_mode; ':' is right"),
        ("aipp_op { crop: }", "line 1 .* has '}' for crop"),
        ("aipp_op { crop: true\n crop: true }", "line 2 .* has crop again"),
        ("aipp_op { crop: (1) }", r"line 1 .* has '\('"),
        ("# nothing {", "no 'aipp_op { ... }'"),
        ("[aipp]\ncrop: 1", "line 1 .* has 'aipp'"),
        ("[aipp_op\ncrop: 1", "line 2 .* has 'crop' behind"),
    ],
)
def test_text_that_is_something_else(text: str, said: str, tmp_path: Path) -> None:
    source: Any = text or tmp_path
    with pytest.raises((ValueError, OSError), match=said):
        aipp.read(source)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "aipp_mode is missing; static or dynamic"),
        ({"aipp_mode": "both"}, "aipp_mode is 'both'; static, dynamic"),
        ({"aipp_mode": "static"}, "input_format is missing; YUV420SP_U8"),
        (static(input_format="RAW10"), "input_format is RAW10; YUV420SP_U8"),
        (static(input_format="RGB"), "input_format is 'RGB'; YUV420SP_U8"),
        (static(mean_ch_0=1), "no field 'mean_ch_0'; mean_chn_0 is near"),
        (static(zzz=1), "no field 'zzz'; it has aipp_mode"),
        (static(crop=2), "crop is 2; true or false"),
        (static(crop="yes"), "crop is 'yes'; true or false"),
        (static(mean_chn_0=256), "mean_chn_0 is 256; 0 to 255"),
        (static(mean_chn_0=1.5), "mean_chn_0 is 1.5; an integer"),
        (static(mean_chn_0=True), "mean_chn_0 is True; an integer"),
        (static(min_chn_1=-1), "min_chn_1 is -1; 0 to 255"),
        (static(min_chn_1="1"), "min_chn_1 is '1'; a number"),
        (static(var_reci_chn_2=float("nan")), "var_reci_chn_2 is nan; -65504 to 65504"),
        (static(var_reci_chn_2=1e6), "var_reci_chn_2 is 1000000.0; -65504 to 65504"),
        (static(src_image_size_w=4097), "src_image_size_w is 4097; 0 to 4096"),
        (static(src_image_size_h=1), "src_image_size_h is 1; 0 for the model's"),
        (static(left_padding_size=33), "left_padding_size is 33; 0 to 32"),
        (static(matrix_r1c1=-32678), "matrix_r1c1 is -32678; -32677 to 32676"),
        (static(resize=True), "resize is true; false is right: no chip's AIPP scales"),
        (static(single_line_mode=1), "single_line_mode is true; false"),
        (static(ax_swap_switch=True), "only XRGB8888_U8 has a fourth channel"),
        (static(max_src_image_size=10), "max_src_image_size is given, and aipp_mode is static"),
        (static(input_format="YUV400_U8", csc_switch=True), "YUV400_U8 has no colours"),
        (static(input_format="YUV420SP_U8", src_image_size_w=5), "src_image_size_w is 5; .* even"),
        (
            static(input_format="YUV420SP_U8", crop=True, load_start_pos_h=1),
            "load_start_pos_h is 1; .* even",
        ),
        ({"aipp_mode": "dynamic"}, "max_src_image_size is missing"),
        (
            {"aipp_mode": "dynamic", "max_src_image_size": 9, "mean_chn_0": 1},
            "mean_chn_0 is given, and aipp_mode is dynamic",
        ),
        ([], "is empty"),
        ([static(), static()], "two aipp_op have the related input 0"),
        (
            [static(), {"aipp_mode": "dynamic", "max_src_image_size": 9, "related_input_rank": 1}],
            "static and dynamic; all inputs must have the same",
        ),
    ],
)
def test_each_wrong_field_is_named_with_what_is_right(given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        aipp.read(given)


@pytest.mark.parametrize("given", [7, None, [1], b"aipp_op {}"])
def test_another_type_is_refused(given: Any) -> None:
    with pytest.raises(TypeError, match="ATC's text, a path of it"):
        aipp.read(given)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "aipp.cfg"
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(ValueError, match=r"aipp.cfg: this is no text"):
        aipp.read(path)
    path.write_text("aipp_op { crop }", encoding="utf-8")
    with pytest.raises(ValueError, match=r"aipp.cfg: line 1"):
        aipp.read(path)
    with pytest.raises(OSError, match=r"none\.cfg"):
        aipp.read("none.cfg")


def test_damage_is_a_value_error() -> None:
    rng = np.random.default_rng(0)
    for _ in range(2000):
        letters = [*TEXT]
        for at in rng.integers(0, len(letters), rng.integers(1, 6)):
            letters[at] = chr(rng.choice([*range(32, 127), 0, 10, 955]))
        try:
            aipp.read("{" + "".join(letters) if rng.random() < 0.1 else "".join(letters) + "{")
        except ValueError:
            continue
    with pytest.raises(ValueError, match="characters"):
        aipp.read("{" * (1 << 21))


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_what_was_read_can_be_read_again_and_sent(copied: Any) -> None:
    (first,) = aipp.read({"aipp_mode": "dynamic", "max_src_image_size": 3072})
    (again,) = aipp.read(copied(first))
    assert dict(again) == dict(first)


def test_a_number_that_no_float_holds() -> None:
    with pytest.raises(ValueError, match="mean_chn_0 is 1000"):
        aipp.read(static(mean_chn_0=10**400))
    with pytest.raises(ValueError, match="min_chn_0 is nan"):
        aipp.read(static(min_chn_0=float("nan")))

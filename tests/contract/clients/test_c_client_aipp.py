"""A C program whose images the device prepares, against AIPP in numpy (facts 13.5, 13.8)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..aipp import models, reference
from ..face import Acl
from .program import compiled, run

WIDTH, HEIGHT, LEFT, TOP = 16, 10, 2, 4
DIMS = (3, 3, 6, 8)


def test_a_c_program_configures_aipp_run_for_run_facts_13(acl: Acl, tmp_path: Path) -> None:
    client = compiled(tmp_path, "client_aipp", acl)
    rng = np.random.default_rng(8)
    nbytes = reference.nbytes("YUV420SP_U8", WIDTH, HEIGHT)
    images = rng.integers(0, 256, (DIMS[0], nbytes)).astype(np.uint8)
    (tmp_path / "images").write_bytes(images.tobytes())
    (tmp_path / "net.om").write_bytes(models.dynamic(DIMS, images.nbytes + 100))
    words = map(str, (DIMS[0], WIDTH, HEIGHT, LEFT, TOP))
    found = run(client, acl, tmp_path / "net.om", tmp_path / "images", *words).split()
    one = models.fields(
        input_format="YUV420SP_U8", crop=1, crop_size_w=8, crop_size_h=6, load_start_pos_h=TOP,
        csc_switch=1, matrix_r0c0=298, matrix_r0c2=409, matrix_r1c0=298, matrix_r1c1=-100,
        matrix_r1c2=-208, matrix_r2c0=298, matrix_r2c1=516, input_bias_0=16, input_bias_1=128,
        input_bias_2=128, mean_chn_0=100, mean_chn_1=101, mean_chn_2=102,
    )  # fmt: skip
    wanted = [
        reference.expected(
            images[at : at + 1], {**one, "load_start_pos_w": LEFT + 2 * at}, 3, (WIDTH, HEIGHT)
        )
        for at in range(DIMS[0])
    ]
    np.testing.assert_array_equal(np.float32(found).reshape(DIMS), np.concatenate(wanted))


def test_a_c_program_has_as_many_images_as_there_are_facts_13_9(acl: Acl, tmp_path: Path) -> None:
    client = compiled(tmp_path, "client_aipp_gears", acl)
    width, height, runs = 8, 6, (4, 1, 2, 4)
    images = np.random.default_rng(9).integers(0, 256, (4, 3 * width * height)).astype(np.uint8)
    (tmp_path / "images").write_bytes(images.tobytes())
    data = models.in_gears((-1, 3, height, width), images.nbytes, "batch", (1,), (2,), (4,))
    (tmp_path / "net.om").write_bytes(data)
    words = map(str, (width, height, *runs))
    printed = run(client, acl, tmp_path / "net.om", tmp_path / "images", *words)
    one = models.fields(src_image_size_w=width, src_image_size_h=height)
    parts = [{**one, **{f"mean_chn_{i}": 3 * at for i in range(3)}} for at in range(4)]
    parts = [{**part, **{f"var_reci_chn_{i}": 0.5 for i in range(3)}} for part in parts]
    wanted = np.concatenate([
        reference.expected(images[at : at + 1], part, 3, (width, height))
        for at, part in enumerate(parts)
    ])  # fmt: skip
    for count, line in zip(runs, printed.splitlines(), strict=True):
        found = np.float32(line.split()).reshape(count, 3, height, width)
        np.testing.assert_array_equal(found, wanted[:count])

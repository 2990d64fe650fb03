"""A classifier of torch with a camera's bytes in front: images go in, torch's logits come out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

from .models import cnn  # noqa: E402

pytestmark = pytest.mark.usefixtures("fake_acl")

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # what torchvision's models are given
WIDTH, HEIGHT, LEFT, TOP, SIZE = 20, 16, 3, 2, 12
AIPP: dict[str, Any] = {
    "aipp_mode": "static", "input_format": "RGB888_U8", "rbuv_swap_switch": True,
    "src_image_size_w": WIDTH, "src_image_size_h": HEIGHT, "crop": True,
    "load_start_pos_w": LEFT, "load_start_pos_h": TOP, "crop_size_w": SIZE, "crop_size_h": SIZE,
    **{f"min_chn_{i}": 255 * one for i, one in enumerate(MEAN)},
    **{f"var_reci_chn_{i}": 1 / (255 * one) for i, one in enumerate(STD)},
}  # fmt: skip


def images(count: int) -> np.ndarray:
    """BGR, as OpenCV has them: uint8[count, HEIGHT, WIDTH, 3]."""
    return np.random.default_rng(0).integers(0, 256, (count, HEIGHT, WIDTH, 3), np.uint8)


def cut(pixels: np.ndarray) -> np.ndarray:
    """RGB of the middle, channels first."""
    middle = pixels[:, TOP : TOP + SIZE, LEFT : LEFT + SIZE, ::-1]
    return np.ascontiguousarray(middle.transpose(0, 3, 1, 2))


def normalised(pixels: np.ndarray) -> Any:
    """As torchvision's ToTensor and Normalize do."""
    mean, std = (torch.tensor(one).reshape(3, 1, 1) for one in (MEAN, STD))
    return (torch.from_numpy(cut(pixels)).float() / 255 - mean) / std


def halved(pixels: np.ndarray) -> Any:
    """The same, rounded to half precision at each step, as a device does (facts 13.8)."""
    one = np.float16(cut(pixels))
    low, scale = (
        np.float16([AIPP[f"{name}_{i}"] for i in range(3)]).reshape(3, 1, 1)
        for name in ("min_chn", "var_reci_chn")
    )
    return torch.from_numpy(((one - low) * scale).astype(np.float32))


def logits(module: Any, given: Any) -> np.ndarray:
    module.eval()
    with torch.no_grad():
        made: np.ndarray = module(given).numpy()
    return made


def check(made: np.ndarray, module: Any, pixels: np.ndarray) -> None:
    """Torch's answers to what the device makes, and nearly those to what a processor makes."""
    np.testing.assert_allclose(made, logits(module, halved(pixels)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(made, logits(module, normalised(pixels)), atol=5e-3)


def test_logits_of_an_image_before_and_after_an_update() -> None:
    torch.manual_seed(0)
    module, pixels = cnn(), images(1)
    made = build.from_torch(module, (normalised(pixels),), aipp=AIPP)
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        assert (bundle.infer.inputs[0].dtype, bundle.infer.inputs[0].shape) == (
            np.uint8, (1, HEIGHT, WIDTH, 3),
        )  # fmt: skip
        before = bundle.infer(pixels)
        check(before, module, pixels)
        with torch.no_grad():
            for one in module.parameters():
                one.add_(0.1 * torch.randn_like(one))
        bundle.update(module.state_dict())
        after = bundle.infer(pixels)
        check(after, module, pixels)
        assert abs(after - before).max() > 0.01


def test_batches_of_several_sizes() -> None:
    """Static AIPP in front of gears: the rows of a batch are those of its images alone."""
    torch.manual_seed(0)
    module, pixels = cnn(), images(4)
    example = (normalised(pixels),)
    made = build.from_torch(
        module, example, dynamic={"input": [0]}, aipp=AIPP, dynamic_batch=[1, 2, 4]
    )
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        for count in (4, 1, 2, 4):
            check(bundle.infer(pixels[:count]), module, pixels[:count])

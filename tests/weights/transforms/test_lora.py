"""LoRA merges against torch's own arithmetic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import weights
from acl_bundle.errors import WeightError

from ..samples import Array, same

torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
RNG = np.random.default_rng(4)


def normal(*shape: int, dtype: Any = "f4") -> Array:
    return RNG.standard_normal(shape).astype(dtype)


BASE = {
    "layers.0.q_proj.weight": normal(12, 8),
    "layers.0.q_proj.bias": normal(12),
    "layers.0.conv.weight": normal(6, 4, 3, 3),
    "embed": normal(5, 5),
}
PEFT = {
    "base_model.model.layers.0.q_proj.lora_A.weight": normal(2, 8),
    "base_model.model.layers.0.q_proj.lora_B.weight": normal(12, 2),
    "base_model.model.layers.0.conv.lora_A.default.weight": normal(3, 4, 3, 3),
    "base_model.model.layers.0.conv.lora_B.default.weight": normal(6, 3, 1, 1),
}
KOHYA = {
    "lora_unet_layers_0_q_proj.lora_down.weight": normal(4, 8),
    "lora_unet_layers_0_q_proj.lora_up.weight": normal(12, 4),
    "lora_unet_layers_0_q_proj.alpha": np.array(2, "f4"),
}


def test_a_linear_merge_agrees_with_torch() -> None:
    down, up, weight = (
        torch.tensor(one) for one in (*list(PEFT.values())[:2], BASE["layers.0.q_proj.weight"])
    )
    merged = weights.merge_lora(
        weights.select(BASE, ["*q_proj*"]), dict(list(PEFT.items())[:2]), 0.5, alpha=16
    )
    wanted = weight + (up @ down) * (0.5 * 16 / 2)
    torch.testing.assert_close(torch.tensor(merged["layers.0.q_proj.weight"]), wanted)


def test_a_merged_layer_computes_as_base_and_adapter_do() -> None:
    """The convolution of the merged kernel is the sum of the two paths, as peft runs them."""
    merged = weights.merge_lora(BASE, PEFT, 1.0, alpha=6)
    x = torch.tensor(normal(2, 4, 7, 7))
    name = "layers.0.conv"
    down, up = (
        torch.tensor(PEFT[f"base_model.model.{name}.lora_{one}.default.weight"]) for one in "AB"
    )
    conv = torch.nn.functional.conv2d
    apart = conv(x, torch.tensor(BASE[f"{name}.weight"])) + conv(conv(x, down), up) * (6 / 3)
    torch.testing.assert_close(conv(x, torch.tensor(merged[f"{name}.weight"])), apart)


def test_kohyas_names_and_alpha_lead_to_the_same() -> None:
    merged = weights.merge_lora(BASE, KOHYA, 2.0, alpha=99)
    down, up, alpha = KOHYA.values()
    wanted = BASE["layers.0.q_proj.weight"] + up @ down * (2.0 * float(alpha) / 4)
    np.testing.assert_allclose(merged["layers.0.q_proj.weight"], wanted, 1e-5, 1e-5)
    assert merged.changed == ("layers.0.q_proj.weight",)
    (row,) = merged.report()
    assert (row.rank, row.factor) == (4, 1.0)
    assert row.module == "lora_unet_layers_0_q_proj"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_a_base_of_any_precision_is_rounded_once(dtype: str) -> None:
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    base = {"fc.weight": normal(6, 8).astype(kind)}
    adapter = {"fc.lora_A.weight": normal(2, 8), "fc.lora_B.weight": normal(6, 2)}
    merged = weights.merge_lora(base, adapter)["fc.weight"]
    down, up = adapter.values()
    exact = base["fc.weight"].astype("f8") + up.astype("f8") @ down.astype("f8")
    step = np.abs(exact) * float(ml_dtypes.finfo(kind).eps)
    assert merged.dtype == kind
    assert (np.abs(merged.astype("f8") - exact) <= 0.51 * step + 1e-6 * (kind.itemsize < 8)).all()


def test_a_transposed_weight_takes_the_transposed_product() -> None:
    base = {"fc.weight": normal(8, 12)}
    adapter = {"fc.lora_A.weight": normal(2, 8), "fc.lora_B.weight": normal(12, 2)}
    with pytest.raises(WeightError, match=r"transposed=\['fc\.weight'\]"):
        weights.merge_lora(base, adapter)
    merged = weights.merge_lora(base, adapter, transposed=["fc.*"])
    down, up = adapter.values()
    np.testing.assert_allclose(merged["fc.weight"], base["fc.weight"] + (up @ down).T, 1e-5, 1e-5)


def test_scale_zero_is_the_base_and_names_can_be_given() -> None:
    adapter = {"x.lora_A.weight": normal(2, 8), "x.lora_B.weight": normal(12, 2)}
    merged = weights.merge_lora(BASE, adapter, 0.0, names={"x": "layers.0.q_proj.weight"})
    same(merged, BASE)


def test_an_adapter_is_swapped_by_partial_updates(fake_acl: Any, mlp: Any) -> None:
    def adapter(seed: int) -> dict[str, Array]:
        rng = np.random.default_rng(seed)
        return {
            "w1.lora_A.weight": rng.standard_normal((2, 8)).astype("f4"),
            "w1.lora_B.weight": rng.standard_normal((16, 2)).astype("f4"),
        }

    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        for seed in range(3):
            merged = weights.merge_lora(mlp.weights, adapter(seed), transposed=["w1"])
            bundle.update(weights.select(merged, merged.changed))
            wanted = mlp.answer({"w1": merged["w1"]})
            np.testing.assert_allclose(bundle.infer(mlp.x), wanted, 1e-4, 1e-4)
        bundle.update(weights.select(mlp.weights, merged.changed))
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), 1e-4, 1e-4)


def test_a_merge_cannot_be_saved_over_base_or_adapter(tmp_path: Path) -> None:
    weights.save(BASE, tmp_path / "base")
    weights.save(PEFT, tmp_path / "adapter")
    with weights.open(tmp_path / "base") as base, weights.open(tmp_path / "adapter") as adapter:
        merged = weights.merge_lora(base, adapter)
        for name in ("base", "adapter"):
            with pytest.raises(ValueError, match="is the input"):
                weights.save(merged, tmp_path / name)
        weights.save(merged, tmp_path / "merged")
        same(weights.open(tmp_path / "merged"), merged)


A, B = "fc.lora_A.weight", "fc.lora_B.weight"
GOOD = {A: normal(2, 8), B: normal(6, 2)}


@pytest.mark.parametrize(
    ("adapter", "options", "message"),
    [
        ({A: GOOD[A]}, {}, "lacks one of the two matrices of 'fc'"),
        ({}, {}, "the adapter is empty"),
        ({**GOOD, "fc.lora_magnitude_vector": normal(6)}, {}, r"_vector' \(DoRA\)"),
        ({**GOOD, "head.weight": normal(6)}, {}, "'head.weight'"),
        ({A: normal(2, 7), B: GOOD[B]}, {}, r"makes a \[6, 7\] matrix"),
        ({A: normal(3, 8), B: GOOD[B]}, {}, r"\[r, in\] and \[out, r\]"),
        ({A: normal(2), B: GOOD[B]}, {}, r"\[r, in\]"),
        ({A: normal(0, 8), B: normal(6, 0)}, {}, r"\[r, in\]"),
        ({**GOOD, "fc.alpha": normal(2)}, {}, "one number is right"),
        ({k.replace("fc", "fd"): v for k, v in GOOD.items()}, {}, "'fd' leads to no weight"),
        (GOOD, {"names": {"fd": "fc.weight"}}, "no module 'fd'"),
        (GOOD, {"names": {"fc": "fd.weight"}}, "which the base lacks"),
        (GOOD, {"transposed": ["fd"]}, "transposed: 'fd'"),
        ({**GOOD, "fc.lora_A.b.weight": GOOD[A]}, {}, "has both"),
        ({**GOOD, f"model.{A}": GOOD[A], f"model.{B}": GOOD[B]}, {}, "both change 'fc.weight'"),
    ],
)  # fmt: skip
def test_what_cannot_be_merged_is_refused(adapter: Any, options: Any, message: str) -> None:
    with pytest.raises(WeightError, match=message):
        weights.merge_lora({"fc.weight": normal(6, 8)}, adapter, **options)


def test_only_a_matrix_can_be_transposed() -> None:
    base = {"conv.weight": normal(3, 3, 4, 6)}
    adapter = {"conv.lora_A.weight": normal(2, 4, 3, 3), "conv.lora_B.weight": normal(6, 2, 1, 1)}
    with pytest.raises(WeightError, match="only matrices"):
        weights.merge_lora(base, adapter, transposed=["conv.weight"])


def test_a_module_that_fits_two_weights_is_refused() -> None:
    base = {
        "a_b.weight": normal(6, 8),
        "a.b.weight": normal(6, 8),
        "i.weight": np.ones((6, 8), int),
    }
    adapter = {"lora_te_a_b.lora_down.weight": GOOD[A], "lora_te_a_b.lora_up.weight": GOOD[B]}
    with pytest.raises(WeightError, match=r"both 'a_b\.weight', 'a\.b\.weight'"):
        weights.merge_lora(base, adapter)
    with pytest.raises(WeightError, match="floating-point"):
        weights.merge_lora(base, GOOD, names={"fc": "i.weight"})


def test_a_sum_beyond_the_bases_range_is_refused_with_its_place() -> None:
    base = {"fc.weight": np.ones((6, 8), np.float16)}
    up = np.zeros((6, 1), "f4")
    up[4] = 1e5
    adapter = {A: np.ones((1, 8), "f4"), B: up}
    with pytest.raises(WeightError, match=r"'fc\.weight'.* 100001 at \[4, 0\].*float16; merge"):
        weights.merge_lora(base, adapter)["fc.weight"]


@pytest.mark.parametrize("number", ["2", np.nan, np.inf, None])
def test_a_scale_that_is_no_number_is_refused(number: Any) -> None:
    base = {"fc.weight": normal(6, 8)}
    with pytest.raises(ValueError, match=r"scale is .*; a finite number is right"):
        weights.merge_lora(base, GOOD, number)
    if number is not None:
        with pytest.raises(ValueError, match=r"alpha is .*; a finite number is right"):
            weights.merge_lora(base, GOOD, alpha=number)
    assert weights.merge_lora(base, GOOD, np.float32(2)).report().rows[0].factor == 2  # type: ignore[arg-type]


def test_an_adapter_that_is_none_is_refused() -> None:
    with pytest.raises(TypeError, match="as its file or folder, not NoneType"):
        weights.merge_lora(BASE, None)  # type: ignore[arg-type]

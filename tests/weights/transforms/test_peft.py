"""LoRA adapters as peft keeps them: a folder of weights and a configuration."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import weights
from acl_bundle.errors import WeightError, WeightsFormatError

from ..samples import Array, same

save_file = pytest.importorskip("safetensors.numpy").save_file
torch = pytest.importorskip("torch")

RNG = np.random.default_rng(11)
PRE = "base_model.model."
# What peft 0.15 writes, but for lists of names that a merge does not depend on.
CONFIG = {
    "alpha_pattern": {},
    "auto_mapping": None,
    "base_model_name_or_path": "base",
    "bias": "none",
    "corda_config": None,
    "eva_config": None,
    "exclude_modules": None,
    "fan_in_fan_out": False,
    "inference_mode": True,
    "init_lora_weights": True,
    "layer_replication": None,
    "layers_pattern": None,
    "layers_to_transform": None,
    "loftq_config": {},
    "lora_alpha": 6,
    "lora_bias": False,
    "lora_dropout": 0.05,
    "megatron_config": None,
    "megatron_core": "megatron.core",
    "modules_to_save": None,
    "peft_type": "LORA",
    "r": 2,
    "rank_pattern": {},
    "revision": None,
    "target_modules": ["q_proj", "fc"],
    "task_type": "CAUSAL_LM",
    "trainable_token_indices": None,
    "use_dora": False,
    "use_rslora": False,
}


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape).astype(np.float32)


BASE = {
    "layers.0.q_proj.weight": normal(8, 8),
    "layers.0.fc.weight": normal(12, 8),
    "layers.0.fc.bias": normal(12),
    "embed.weight": normal(10, 8),
    "head.weight": normal(3, 8),
}
Q = {
    f"{PRE}layers.0.q_proj.lora_A.weight": normal(2, 8),
    f"{PRE}layers.0.q_proj.lora_B.weight": normal(8, 2),
}
FC = {
    f"{PRE}layers.0.fc.lora_A.weight": normal(2, 8),
    f"{PRE}layers.0.fc.lora_B.weight": normal(12, 2),
}


def folder(path: Path, entries: dict[str, Array], **config: Any) -> Path:
    path.mkdir()
    save_file(entries, path / "adapter_model.safetensors")
    (path / "adapter_config.json").write_text(json.dumps({**CONFIG, **config}, indent=2))
    (path / "README.md").write_text("---\nlibrary_name: peft\n---\n")
    return path


def by_torch(weight: Array, down: Array, up: Array, factor: float, turned: bool = False) -> Array:
    delta = torch.from_numpy(up) @ torch.from_numpy(down)
    summed: Array = (torch.from_numpy(weight) + (delta.T if turned else delta) * factor).numpy()
    return summed


def close(found: Array, wanted: Array) -> None:
    np.testing.assert_allclose(found, wanted, 1e-5, 1e-5)


@pytest.mark.parametrize("given", ["path", "file", "source", "view"])
def test_alpha_stands_in_the_configuration(tmp_path: Path, given: str) -> None:
    path = folder(tmp_path / "a", {**Q, **FC})
    with weights.open(path) as source:
        adapter: Any = {
            "path": path,
            "file": str(path / "adapter_model.safetensors"),
            "source": source,
            "view": weights.select(source, ["*lora*"]),
        }[given]
        merged = weights.merge_lora(BASE, adapter, 0.5)
        for name, entries in (("q_proj", Q), ("fc", FC)):
            weight = f"layers.0.{name}.weight"
            close(merged[weight], by_torch(BASE[weight], *entries.values(), 0.5 * 6 / 2))
    assert [row.factor for row in merged.report()] == [1.5, 1.5]


def test_a_rank_stabilised_adapter_divides_by_the_root(tmp_path: Path) -> None:
    merged = weights.merge_lora(BASE, folder(tmp_path / "a", Q, use_rslora=True))
    name = "layers.0.q_proj.weight"
    close(merged[name], by_torch(BASE[name], *Q.values(), 6 / math.sqrt(2)))


def test_a_module_may_have_a_rank_and_an_alpha_of_its_own(tmp_path: Path) -> None:
    entries = {**Q, **FC}
    entries[f"{PRE}layers.0.fc.lora_A.weight"] = normal(3, 8)
    entries[f"{PRE}layers.0.fc.lora_B.weight"] = normal(12, 3)
    path = folder(
        tmp_path / "a", entries, rank_pattern={"fc": 3}, alpha_pattern={r"layers\.\d+\.fc": 15}
    )
    report = weights.merge_lora(BASE, path).report()
    assert [(row.rank, row.factor) for row in report] == [(2, 3.0), (3, 5.0)]
    other = folder(tmp_path / "b", entries, rank_pattern={"c": 3})
    with pytest.raises(WeightError, match=r"r of 'layers\.0\.fc' is 2, but its matrices have 3"):
        weights.merge_lora(BASE, other)


def test_fan_in_fan_out_says_which_way_square_matrices_lie(tmp_path: Path) -> None:
    path = folder(tmp_path / "a", Q, fan_in_fan_out=True)
    name = "layers.0.q_proj.weight"
    close(weights.merge_lora(BASE, path)[name], by_torch(BASE[name], *Q.values(), 3, turned=True))
    told = weights.merge_lora(BASE, path, transposed=[])
    close(told[name], by_torch(BASE[name], *Q.values(), 3))


def test_what_is_said_wins_over_the_configuration(tmp_path: Path) -> None:
    path = folder(tmp_path / "a", Q)
    assert weights.merge_lora(BASE, path, alpha=1).report().rows[0].factor == 0.5
    assert weights.merge_lora(BASE, dict(Q)).report().rows[0].factor == 1.0


def test_a_table_of_embeddings_lies_the_other_way(tmp_path: Path) -> None:
    entries = {
        f"{PRE}embed.lora_embedding_A": normal(2, 10),
        f"{PRE}embed.lora_embedding_B": normal(8, 2),
    }
    merged = weights.merge_lora(BASE, folder(tmp_path / "a", entries))
    wanted = by_torch(BASE["embed.weight"], *entries.values(), 3, turned=True)
    close(merged["embed.weight"], wanted)


def test_weights_that_were_trained_whole_take_the_places_of_the_bases(tmp_path: Path) -> None:
    whole = {f"{PRE}head.weight": normal(3, 8), f"{PRE}layers.0.fc.bias": normal(12)}
    path = folder(tmp_path / "a", {**Q, **whole}, modules_to_save=["head"], bias="lora_only")
    merged = weights.merge_lora(BASE, path)
    assert merged.changed == ("layers.0.q_proj.weight", "layers.0.fc.bias", "head.weight")
    same(
        {name: merged[name] for name in merged.changed[1:]},
        {name.removeprefix(PRE): value for name, value in whole.items()},
    )
    row = merged.report().rows[-1]
    assert row == ("head.weight", f"{PRE}head.weight", None, None)
    with pytest.raises(WeightError, match=r"scale is 0\.5 of nothing"):
        weights.merge_lora(BASE, path, 0.5)


def test_a_folder_of_before_safetensors(tmp_path: Path) -> None:
    path = folder(tmp_path / "a", Q)
    (path / "adapter_model.safetensors").unlink()
    state = {name: torch.from_numpy(value) for name, value in Q.items()}
    torch.save(state, path / "adapter_model.bin")
    name = "layers.0.q_proj.weight"
    close(weights.merge_lora(BASE, path)[name], by_torch(BASE[name], *Q.values(), 3))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use_dora": True}, "use_dora is True, and DoRA scales the sum"),
        ({"peft_type": "IA3"}, "peft_type is 'IA3'; 'LORA' can be merged"),
        ({"init_lora_weights": "pissa_niter_16"}, "'pissa_niter_16', which trains beside a base"),
        ({"layer_replication": [[0, 2]]}, "layers of the base are repeated"),
        ({"alora_invocation_tokens": [1, 2]}, "for some tokens alone"),
    ],
)
def test_what_cannot_be_added_is_refused(
    tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    path = folder(tmp_path / "a", Q, **config)
    with pytest.raises(WeightError, match=message) as caught:
        weights.merge_lora(BASE, path)
    assert str(path / "adapter_config.json") in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "an object is right"),
        (json.dumps({**CONFIG, "r": 0}), "r is 0; a number above 0"),
        (json.dumps({**CONFIG, "lora_alpha": None}), "lora_alpha is None"),
        (json.dumps({**CONFIG, "lora_alpha": math.nan}), "lora_alpha is nan"),
        (json.dumps({**CONFIG, "alpha_pattern": [1]}), r"alpha_pattern is \[1\]"),
        (json.dumps({**CONFIG, "rank_pattern": {"(": 1}}), r"'\(' is no regular expression"),
        (json.dumps({**CONFIG, "rank_pattern": {"q": "8"}}), "'q' is '8'"),
    ],
)
def test_a_damaged_configuration_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = folder(tmp_path / "a", Q)
    (path / "adapter_config.json").write_text(text)
    with pytest.raises(WeightsFormatError, match=message):
        weights.merge_lora(BASE, path)


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"r": 2, "lora_alpha": 2}, False),
        ({"r": 2, "lora_alpha": 8}, True),
        ({"r": 2, "lora_alpha": 2, "use_rslora": True}, True),
        ({"r": 2, "lora_alpha": 2, "alpha_pattern": {"q": 1}}, True),
    ],
)
def test_what_diffusers_says_in_the_metadata_is_not_passed_over(
    tmp_path: Path, said: dict[str, Any], refused: bool
) -> None:
    entries = {name.replace(PRE, "unet."): value for name, value in Q.items()}
    metadata = {"lora_adapter_metadata": json.dumps({f"unet.{k}": v for k, v in said.items()})}
    path = tmp_path / "pytorch_lora_weights.safetensors"
    save_file(entries, path, metadata=metadata)
    if refused:
        with pytest.raises(WeightError, match="'unet', which is not read from there; say alpha="):
            weights.merge_lora(BASE, path)
    name = "layers.0.q_proj.weight"
    found = weights.merge_lora(BASE, path, alpha=6)[name]
    close(found, by_torch(BASE[name], *Q.values(), 3))


def test_adapters_are_swapped_and_taken_out_to_the_bit(
    fake_acl: Any, mlp: Any, tmp_path: Path
) -> None:
    """One of w1, one of w2, one of both, none: what stays is the base's, bit for bit."""

    def adapter(name: str, *modules: str) -> Path:
        shapes = {"w1": (8, 16), "w2": mlp.weights["w2"].shape}
        entries = {}
        for module in modules:
            into, out = shapes[module]
            entries[f"{PRE}{module}.lora_A.weight"] = normal(2, into)
            entries[f"{PRE}{module}.lora_B.weight"] = normal(out, 2)
        return folder(tmp_path / name, entries, fan_in_fan_out=True)

    base, before = mlp.weights, ()
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(base)
        answer = bundle.infer(mlp.x)
        for path in (adapter("a", "w1"), adapter("b", "w2"), adapter("c", "w1", "w2")):
            merged = weights.merge_lora(base, path)
            bundle.update(weights.select(merged, {*before, *merged.changed}))
            before = merged.changed
            wanted = mlp.answer({name: merged[name] for name in before})
            np.testing.assert_allclose(bundle.infer(mlp.x), wanted, 1e-4, 1e-4)
        bundle.update(weights.select(base, before))
        assert bundle.infer(mlp.x).tobytes() == answer.tobytes()

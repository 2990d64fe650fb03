"""Adapters that peft itself makes: merged here, they are what peft's merge makes of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightError

torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
peft = pytest.importorskip("peft", reason="peft is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")
nn = torch.nn


class Layer(nn.Module):  # type: ignore[misc, name-defined]
    """A layer with what an adapter may change: linear, with and without bias, and convolutions."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.fc = nn.Linear(8, 8), nn.Linear(8, 12, bias=False)
        self.conv, self.image = nn.Conv1d(12, 8, 3, padding=1), nn.Conv2d(1, 2, (3, 1))

    def forward(self, x: Any) -> Any:
        y = self.conv(self.fc(self.q(x)).transpose(1, 2)).transpose(1, 2)
        return y + self.image(y[:, None]).mean()


class Net(nn.Module):  # type: ignore[misc, name-defined]
    """A small model of tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.wte = nn.Embedding(10, 8)
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.head = nn.Linear(8, 10)

    def forward(self, ids: Any) -> Any:
        x = self.wte(ids)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


IDS = torch.tensor([[1, 2, 3, 9, 0]])


def lora(**options: Any) -> Any:
    return peft.LoraConfig(**{"r": 2, "lora_alpha": 6, "target_modules": ["q"], **options})


def trained(folder: Path, config: Any, make: Callable[[], Any] = Net) -> tuple[Any, Any]:
    """An adapter in a folder, trained a little; returns the base's weights, and peft's merge."""
    torch.manual_seed(3)
    model = make().eval()
    base = {name: value.clone().numpy() for name, value in model.state_dict().items()}
    adapted = peft.get_peft_model(model, config)
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) / 4)
    adapted.save_pretrained(folder)
    answer = adapted(IDS)
    merged = adapted.merge_and_unload()
    torch.testing.assert_close(merged(IDS), answer, rtol=1e-3, atol=1e-3)
    return base, {name: one.numpy() for name, one in merged.state_dict().items()}


def agrees(base: Any, folder: Path, wanted: Any, **options: Any) -> None:
    merged = weights.merge_lora(base, folder, **options)
    assert set(merged) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(merged[name], value, 1e-5, 1e-5, err_msg=name)
    changed = {name for name, value in wanted.items() if (value != base[name]).any()}
    assert changed <= set(merged.changed)


EVERYWHERE = ["q", "fc", "conv", "image", "wte"]
CONFIGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "everywhere": {"target_modules": EVERYWHERE},
    "all linear": {"target_modules": "all-linear"},
    "biases": {"target_modules": ["q", "conv"], "bias": "all"},
    "biases of the targets": {"target_modules": ["q", "fc"], "bias": "lora_only"},
    "a bias of the adapter": {"lora_bias": True},
    "both biases": {"lora_bias": True, "bias": "lora_only"},
    "rank stabilised": {"target_modules": EVERYWHERE, "use_rslora": True},
    "ranks": {
        "target_modules": EVERYWHERE,
        "rank_pattern": {"fc": 3, r"layers\.1\.q": 5, "^wte": 1},
        "alpha_pattern": {"^layers.0.q": 1, "image": 9},
    },
    "saved whole": {"modules_to_save": ["head"]},
    "rows": {"trainable_token_indices": {"wte": [1, 3, 9]}},
    "gaussian": {"init_lora_weights": "gaussian"},
    "orthogonal": {"init_lora_weights": "orthogonal"},
    "parameters": {"target_parameters": ["fc.weight"]},
    "some layers": {"layers_to_transform": [1], "layers_pattern": "layers"},
}


@pytest.mark.parametrize("options", CONFIGS.values(), ids=CONFIGS)
def test_a_merge_is_pefts(tmp_path: Path, options: dict[str, Any]) -> None:
    base, wanted = trained(tmp_path / "a", lora(**options))
    agrees(base, tmp_path / "a", wanted)


def gpt2() -> Any:
    """A model of transformers: its head is its table, and peft knows it."""
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=10, n_positions=8, n_embd=8, n_layer=1, n_head=2, pad_token_id=0
    )
    torch.manual_seed(3)
    return transformers.GPT2LMHeadModel(config).eval()


def test_rows_of_a_tied_table_change_under_both_names(tmp_path: Path) -> None:
    torch.save(gpt2().state_dict(), tmp_path / "base.pt")
    adapted = peft.get_peft_model(
        gpt2(),
        lora(
            target_modules=["c_attn"], fan_in_fan_out=True, trainable_token_indices={"wte": [1, 3]}
        ),
    )
    with torch.no_grad():
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) / 4)
    adapted.save_pretrained(tmp_path / "a")
    answer = adapted(IDS).logits
    merged = adapted.merge_and_unload()
    torch.testing.assert_close(merged(IDS).logits, answer, rtol=1e-3, atol=1e-3)
    with weights.open(tmp_path / "base.pt") as base:
        assert base.aliases == {"lm_head.weight": "transformer.wte.weight"}
        wanted = {name: one.numpy() for name, one in merged.state_dict().items()}
        agrees(base, tmp_path / "a", wanted)


def test_the_frozen_table_that_lies_beside_its_adapter(tmp_path: Path) -> None:
    """peft saves it where it was asked to, as '...wte.base_layer.weight'."""
    model = gpt2()
    base = {name: value.clone().numpy() for name, value in model.state_dict().items()}
    adapted = peft.get_peft_model(model, lora(target_modules=["wte"]))
    with torch.no_grad():
        table = adapted.base_model.model.transformer.wte
        table.base_layer.weight = nn.Parameter(table.base_layer.weight + 1)
        for parameter in adapted.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter))
    adapted.save_pretrained(tmp_path / "a", save_embedding_layers=True)
    with weights.open(tmp_path / "a") as source:
        assert any("base_layer" in name for name in source), list(source)
    merged = adapted.merge_and_unload()
    agrees(base, tmp_path / "a", {name: one.numpy() for name, one in merged.state_dict().items()})


class Turned(nn.Module):  # type: ignore[misc, name-defined]
    """transformers' Conv1D, whose matrix is [in, out]."""

    def __init__(self) -> None:
        super().__init__()
        module = pytest.importorskip("transformers.pytorch_utils")
        self.wte, self.attn, self.square = (
            nn.Embedding(10, 8), module.Conv1D(12, 8), module.Conv1D(12, 12),
        )  # fmt: skip

    def forward(self, ids: Any) -> Any:
        return self.square(self.attn(self.wte(ids)))


def test_fan_in_fan_out(tmp_path: Path) -> None:
    config = lora(target_modules=["attn", "square"], fan_in_fan_out=True)
    base, wanted = trained(tmp_path / "a", config, Turned)
    agrees(base, tmp_path / "a", wanted)


@pytest.mark.parametrize("prefix", ["transformer.", "unet.", "diffusion_model."])
def test_prefixes_of_others_are_no_part_of_the_bases_names(tmp_path: Path, prefix: str) -> None:
    base, wanted = trained(tmp_path / "a", lora(target_modules=EVERYWHERE))
    with weights.open(tmp_path / "a") as source:
        adapter = {
            name.replace("base_model.model.", prefix): source[name].copy() for name in source
        }
    agrees(base, adapter, wanted, alpha=6)  # type: ignore[arg-type]
    longer = {f"{prefix}{name}": value for name, value in base.items()}
    agrees(longer, adapter, {f"{prefix}{n}": v for n, v in wanted.items()}, alpha=6)  # type: ignore[arg-type]


def test_the_names_of_loralib(tmp_path: Path) -> None:
    base, wanted = trained(tmp_path / "a", lora(target_modules=["q", "fc"]))
    with weights.open(tmp_path / "a") as source:
        adapter = {
            name.removeprefix("base_model.model.").removesuffix(".weight"): source[name].copy()
            for name in source
        }
    assert "layers.0.q.lora_A" in adapter
    agrees(base, adapter, wanted, alpha=6)  # type: ignore[arg-type]


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "DoRA": (lambda: lora(use_dora=True), "DoRA scales the sum"),
    "PiSSA": (lambda: lora(init_lora_weights="pissa"), "'pissa', which trains beside a base"),
    "OLoRA": (lambda: lora(init_lora_weights="olora"), "'olora', which trains beside a base"),
    "LoHa": (lambda: peft.LoHaConfig(r=2, target_modules=["q"]), "peft_type is 'LOHA'"),
    "LoKr": (lambda: peft.LoKrConfig(r=2, target_modules=["q"]), "peft_type is 'LOKR'"),
    "IA3": (
        lambda: peft.IA3Config(target_modules=["q"], feedforward_modules=[]), "peft_type is 'IA3'",
    ),
    "VeRA": (lambda: peft.VeraConfig(r=2, target_modules=["q"]), "peft_type is 'VERA'"),
    "OFT": (
        lambda: peft.OFTConfig(target_modules=["q"], oft_block_size=2, r=0), "peft_type is 'OFT'",
    ),
}  # fmt: skip
BY_ENTRY = {
    "DoRA": "DoRA",
    "LoHa": "LoHa",
    "LoKr": "LoKr",
    "IA3": "IA",
    "VeRA": "VeRA",
    "OFT": "OFT",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_sum_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    make, said = REFUSED[kind]
    model = Net()
    base = {name: value.clone().numpy() for name, value in model.state_dict().items()}
    peft.get_peft_model(model, make()).save_pretrained(tmp_path / "a")
    with pytest.raises(WeightError, match=said):
        weights.merge_lora(base, tmp_path / "a")
    with weights.open(tmp_path / "a") as source:
        adapter = {name: source[name].copy() for name in source}
    if kind in BY_ENTRY:  # without the configuration, the entries tell
        with pytest.raises(WeightError, match=rf"\(.*{BY_ENTRY[kind]}"):
            weights.merge_lora(base, adapter)


class Experts(nn.Module):  # type: ignore[misc, name-defined]
    """Three experts in one parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.wte, self.moe = nn.Embedding(10, 8), nn.Module()
        self.moe.up = nn.Parameter(torch.randn(3, 8, 6))

    def forward(self, ids: Any) -> Any:
        return torch.einsum("bti,eio->beto", self.wte(ids), self.moe.up)


def test_experts_are_refused(tmp_path: Path) -> None:
    model = Experts()
    base = {name: value.clone().numpy() for name, value in model.state_dict().items()}
    config = lora(target_modules=["wte"], target_parameters=["moe.up"])
    peft.get_peft_model(model, config).save_pretrained(tmp_path / "a")
    names = {"base_model.model.moe": "moe.up"}
    with pytest.raises(WeightError, match="target_parameters has experts"):
        weights.merge_lora(base, tmp_path / "a", names=names)

"""Modules of torch as people train them, small, and what they are called with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch")
nn = torch.nn

Sample = Callable[[], tuple[Any, tuple[Any, ...]]]


class Tied(nn.Module):  # type: ignore[misc]
    """A language model's embedding, which is its output's weight as well."""

    def __init__(self) -> None:
        super().__init__()
        self.emb, self.out = nn.Embedding(10, 8), nn.Linear(8, 10, bias=False)
        self.out.weight = self.emb.weight

    def forward(self, ids: Any) -> Any:
        return self.out(torch.tanh(self.emb(ids)))


class Attention(nn.Module):  # type: ignore[misc]
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True, **options)

    def forward(self, query: Any, key: Any) -> Any:
        return self.attention(query, key, key, need_weights=False)[0]


class Odd(nn.Module):  # type: ignore[misc]
    """What only some modules have: a scalar, an integer buffer, one that no file holds."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))
        self.nothing = nn.Parameter(torch.zeros(0))
        self.table, self.aside = nn.Embedding(6, 3), nn.Linear(2, 2)
        self.register_buffer("position_ids", torch.arange(4))
        self.register_buffer("offset", torch.ones(3), persistent=False)

    def forward(self, x: Any) -> Any:
        return x * self.scale + self.table(self.position_ids) + self.nothing.sum() + self.offset


def cnn() -> Any:
    """Convolutions of every kind, a BatchNorm behind each."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(),
        nn.Conv2d(4, 8, 3, groups=4, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        nn.ConvTranspose2d(8, 6, 2, stride=2, groups=2), nn.BatchNorm2d(6, affine=False),
        nn.PReLU(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2),
    )  # fmt: skip


def norms() -> Any:
    return nn.Sequential(
        nn.Conv1d(4, 4, 1), nn.LayerNorm([4, 8]), nn.GroupNorm(2, 4), nn.ReLU(),
        nn.InstanceNorm1d(4, affine=True, track_running_stats=True),
        nn.Conv1d(4, 4, 1), nn.InstanceNorm1d(4, affine=True),
    )  # fmt: skip


def mlp(*, normed: bool = False) -> Any:
    norm = [nn.BatchNorm1d(16)] if normed else []
    return nn.Sequential(nn.Linear(8, 16), *norm, nn.ReLU(), nn.Linear(16, 4))


def rnn(kind: str, **options: Any) -> Sample:
    return lambda: (getattr(nn, kind)(8, 6, **options), (torch.randn(2, 4, 8),))


def encoder(layers: int) -> Any:
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


def bert() -> tuple[Any, tuple[Any, ...]]:
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = transformers.BertConfig(
        vocab_size=50, intermediate_size=32, max_position_embeddings=20, **sizes
    )
    return transformers.BertModel(config), (torch.tensor([[1, 2, 3, 4]]),)


def gpt2() -> tuple[Any, tuple[Any, ...]]:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(
        vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=20, use_cache=False,
        bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    return transformers.GPT2LMHeadModel(config), (torch.tensor([[1, 2, 3, 4]]),)


def x(*shape: int) -> tuple[Any, ...]:
    return (torch.randn(*shape),)


SAMPLES: dict[str, Sample] = {
    "MLP": lambda: (mlp(), x(3, 8)),
    "MLP with BatchNorm": lambda: (mlp(normed=True), x(3, 8)),
    "Linear on rank 3": lambda: (mlp(), x(2, 5, 8)),
    "CNN with BatchNorm": lambda: (cnn(), x(2, 3, 8, 8)),
    "norms": lambda: (norms(), x(2, 4, 8)),
    "GRU": rnn("GRU", batch_first=True),
    "GRU, bidirectional, 2 layers": rnn("GRU", num_layers=2, bidirectional=True),
    "LSTM": rnn("LSTM", batch_first=True),
    "LSTM, bidirectional, 2 layers": rnn("LSTM", num_layers=2, bidirectional=True),
    "RNN": rnn("RNN"),
    "tied embedding": lambda: (Tied(), (torch.tensor([[1, 2, 3]]),)),
    "MultiheadAttention": lambda: (Attention(), (*x(1, 4, 8), *x(1, 5, 8))),
    "MultiheadAttention, other dims": lambda: (
        Attention(kdim=6, vdim=6),
        (*x(1, 4, 8), *x(1, 5, 6)),
    ),
    "TransformerEncoderLayer": lambda: (encoder(1).layers[0], x(1, 4, 8)),
    "TransformerEncoder": lambda: (encoder(2), x(1, 4, 8)),
    "TransformerDecoderLayer": lambda: (
        nn.TransformerDecoderLayer(8, 2, 16, dropout=0.0, batch_first=True),
        (*x(1, 4, 8), *x(1, 5, 8)),
    ),
    "weight norm": lambda: (nn.utils.parametrizations.weight_norm(nn.Linear(8, 4)), x(2, 8)),
    "spectral norm": lambda: (nn.utils.parametrizations.spectral_norm(nn.Linear(8, 4)), x(2, 8)),
    "odd tensors": lambda: (Odd(), x(4, 3)),
    "double": lambda: (mlp().double(), (torch.randn(3, 8, dtype=torch.float64),)),
    "BERT": bert,
    "GPT-2": gpt2,
}
HALVES: dict[str, Sample] = {
    "MLP": lambda: (mlp(normed=True), x(3, 8)),
    "CNN": lambda: (cnn(), x(2, 3, 8, 8)),
    "TransformerEncoder": lambda: (encoder(2), x(1, 4, 8)),
}

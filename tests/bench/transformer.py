"""A transformer of open batch and length, as torch's exporter writes one.

Two layers of self-attention over embeddings of tokens and places, with a mask:
the shapes inside (heads split and joined, places cut to the length) are worked
out in the graph, as in any exported BERT.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the torch wheel is not installed")

WORDS, PLACES, WIDTH, HEADS = 50, 64, 32, 4


class Attention(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Every token looks at every one that the mask shows."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x, hidden):  # type: ignore[no-untyped-def]
        batch, length, _ = x.shape
        q, k, v = (
            one(x).view(batch, length, HEADS, WIDTH // HEADS).transpose(1, 2)
            for one in (self.q, self.k, self.v)
        )
        scores = q @ k.transpose(2, 3) / (WIDTH // HEADS) ** 0.5 + hidden
        seen = torch.softmax(scores, -1) @ v
        return self.o(seen.transpose(1, 2).reshape(batch, length, WIDTH))


class Encoder(torch.nn.Module):  # type: ignore[misc, name-defined]
    """ids and mask, [batch, length], to five numbers each."""

    def __init__(self) -> None:
        super().__init__()
        nn = torch.nn
        self.words, self.places = nn.Embedding(WORDS, WIDTH), nn.Embedding(PLACES, WIDTH)
        self.attend = nn.ModuleList([Attention(), Attention()])
        self.norm = nn.ModuleList([nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)])
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, ids, mask):  # type: ignore[no-untyped-def]
        x = self.words(ids) + self.places(torch.arange(ids.shape[1]))
        hidden = (1.0 - mask[:, None, None, :].float()) * -1e4
        for attend, norm in zip(self.attend, self.norm, strict=True):
            x = norm(x + torch.nn.functional.gelu(attend(x, hidden)))
        return torch.softmax(self.head(x[:, 0]), -1)


def export(path: Path) -> Path:
    """Write the model; its weights are the same every time."""
    torch.manual_seed(3)
    ones = torch.ones(2, 5, dtype=torch.int64)
    opened = {0: "batch", 1: "length"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather use its other exporter
        torch.onnx.export(
            Encoder().eval(), (ones, ones), str(path), opset_version=17, dynamo=False,
            input_names=["ids", "mask"], output_names=["y"],
            dynamic_axes={"ids": opened, "mask": opened, "y": {0: "batch"}},
        )  # fmt: skip
    return path

"""What a module answers, what its bundle answers, and what changes a module's weights."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab

torch: Any = pytest.importorskip("torch")
ROUNDS = 3


def tensors(answer: object) -> list[Any]:
    leaves = torch.utils._pytree.tree_leaves(answer)
    return [one for one in leaves if isinstance(one, torch.Tensor)]


def train(module: Any, args: tuple[Any, ...], rate: float = 0.1) -> None:
    """Let an optimiser, and the statistics of norms, change a module."""
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), rate)
    for _ in range(3):
        optimiser.zero_grad()
        found = [one for one in tensors(module(*args)) if one.is_floating_point()]
        loss = sum(((one - 1) ** 2).mean() for one in found)
        loss.backward()
        optimiser.step()


def error(bundle: ab.Bundle, module: Any, args: tuple[Any, ...]) -> float:
    """The largest difference from the module's answer, beside its largest number."""
    module.eval()
    with torch.no_grad():
        wanted = [one.double().numpy() for one in tensors(module(*args))]
    answer = bundle.infer(*args)
    found = answer if isinstance(answer, tuple) else (answer,)
    assert len(found) == len(wanted)
    return max(
        float(np.abs(one.astype(np.float64) - right).max() / np.abs(right).max())
        for one, right in zip(found, wanted, strict=True)
    )


def parts(state: Mapping[str, Any], seed: int) -> Iterator[dict[str, Any]]:
    """Change some entries of a state dict, none of them its sign, and yield those."""
    chance = random.Random(seed)
    names = [name for name, one in state.items() if one.is_floating_point() and one.numel()]
    for _ in range(ROUNDS):
        some = chance.sample(names, chance.randint(1, len(names)))
        for name in some:
            with torch.no_grad():
                state[name].mul_(1 + 0.3 * torch.rand_like(state[name]))
        yield {name: state[name] for name in some}

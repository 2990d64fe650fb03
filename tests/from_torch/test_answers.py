"""bundle.update(module.state_dict()) gives torch's answer, after training or any part of it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

from .models import HALVES, SAMPLES, Sample  # noqa: E402

pytestmark = pytest.mark.usefixtures("fake_acl")
ROUNDS = 3


def tensors(answer: object) -> list[Any]:
    leaves = torch.utils._pytree.tree_leaves(answer)
    return [one for one in leaves if isinstance(one, torch.Tensor)]


def train(module: Any, args: tuple[Any, ...], steps: int = 3) -> None:
    """Let an optimiser, and the statistics of norms, change a module."""
    module.train()
    optimiser = torch.optim.SGD(module.parameters(), 0.1)
    for _ in range(steps):
        optimiser.zero_grad()
        found = [one for one in tensors(module(*args)) if one.is_floating_point()]
        loss = sum(((one - 1) ** 2).mean() for one in found)
        loss.backward()
        optimiser.step()


def disturb(tensor: Any) -> None:
    """Other values, near those of before; none changes its sign."""
    with torch.no_grad():
        tensor.mul_(1 + 0.3 * torch.rand_like(tensor))


def error(bundle: ab.Bundle, module: Any, args: tuple[Any, ...]) -> float:
    """The largest difference from the module's answer, beside its largest number."""
    module.eval()
    with torch.no_grad():
        wanted = [one.double().numpy() for one in tensors(module(*args))]
    answer = bundle.infer(*args)
    found = answer if isinstance(answer, tuple) else (answer,)
    assert len(found) == len(wanted)
    pairs = zip(found, wanted, strict=True)
    return max(
        float(np.abs(one.astype(np.float64) - right).max() / np.abs(right).max())
        for one, right in pairs
    )


def parts(state: Mapping[str, Any], seed: int) -> Iterator[dict[str, Any]]:
    """Disturb some entries of a state dict, and yield those."""
    chance = random.Random(seed)
    names = [name for name, one in state.items() if one.is_floating_point() and one.numel()]
    for _ in range(ROUNDS):
        some = chance.sample(names, chance.randint(1, len(names)))
        for name in some:
            disturb(state[name])
        yield {name: state[name] for name in some}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_state_dict_gives_the_modules_answer(name: str) -> None:
    prove(SAMPLES[name], 1e-5)


def prove(sample: Sample, bound: float, **options: Any) -> None:
    torch.manual_seed(0)
    module, args = sample()
    with ab.Bundle.load(build.from_torch(module, args, **options).to_bytes()) as bundle:
        bundle.init()
        assert error(bundle, module, args) <= bound
        train(module, args)
        assert error(bundle, module, args) > 3 * bound, "training has changed nothing"
        bundle.update(module.state_dict())
        assert error(bundle, module, args) <= bound
        for given in parts(module.state_dict(), 1):
            bundle.update(given)
            assert error(bundle, module, args) <= bound, sorted(given)


# An operation rounds to 11 bits (float16) or 8 (bfloat16), in another order on each side;
# these models have up to forty in a row, and errors of random signs add up as their root.
@pytest.mark.parametrize(("dtype", "bound"), [("float16", 6 / 2**11), ("bfloat16", 6 / 2**8)])
@pytest.mark.parametrize("name", HALVES)
def test_a_module_in_half_precision(name: str, dtype: str, bound: float) -> None:
    def sample() -> tuple[Any, tuple[Any, ...]]:
        module, args = HALVES[name]()
        kind = getattr(torch, dtype)
        return module.to(kind), tuple(one.to(kind) for one in args)

    prove(sample, bound)


@pytest.mark.parametrize(("precision", "bound"), [("float16", 6 / 2**11), ("bfloat16", 6 / 2**8)])
@pytest.mark.parametrize("name", HALVES)
def test_a_module_that_computes_in_half_precision_takes_its_own_weights(
    name: str, precision: str, bound: float
) -> None:
    prove(HALVES[name], bound, precision=precision)

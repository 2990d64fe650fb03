"""What torch's TorchScript exporter made of a module's weights is found, and takes new ones."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build

torch: Any = pytest.importorskip("torch", reason="the torch wheel is not installed")
nn = torch.nn
pytestmark = [
    pytest.mark.usefixtures("fake_acl"),
    pytest.mark.filterwarnings("ignore"),  # the exporter's own
]


class Parts(nn.Module):
    """Modules one behind the other, with names, and a function at the end."""

    def __init__(self, last: Callable[[Any], Any] = lambda y: y, **parts: Any) -> None:
        super().__init__()
        self._last = last
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x: Any) -> Any:
        for part in self.children():
            x = part(x)
            x = x[0] if isinstance(x, tuple) else x
        return self._last(x)


def mlp() -> Any:
    return Parts(fc1=nn.Linear(8, 16), bn=nn.BatchNorm1d(16), act=nn.ReLU(), fc2=nn.Linear(16, 4))


def cnn() -> Any:
    return Parts(
        lambda y: y.mean((2, 3)),
        c=nn.Conv2d(3, 4, 3, padding=1), bn=nn.BatchNorm2d(4), act=nn.ReLU(),
        d=nn.Conv2d(4, 4, 3, groups=4, bias=False), bn2=nn.BatchNorm2d(4, eps=1e-3),
        t=nn.ConvTranspose2d(4, 6, 2), bn3=nn.BatchNorm2d(6),
    )  # fmt: skip


def tied() -> Any:
    module = Parts(emb=nn.Embedding(10, 8), out=nn.Linear(8, 10, bias=False))
    module.out.weight = module.emb.weight
    return module


def encoder() -> Any:
    return Parts(
        layer=nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True),
        second=nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True, norm_first=True),
    )


MODULES: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "mlp": (mlp, (3, 8)),
    "rank 3": (lambda: Parts(fc1=nn.Linear(8, 16), act=nn.ReLU(), fc2=nn.Linear(16, 4)), (2, 5, 8)),
    "cnn": (cnn, (1, 3, 8, 8)),
    "lstm": (lambda: Parts(rnn=nn.LSTM(8, 6, 2, bidirectional=True)), (4, 1, 8)),
    "lstm without biases": (lambda: Parts(rnn=nn.LSTM(8, 6, bias=False)), (4, 1, 8)),
    "gru": (lambda: Parts(rnn=nn.GRU(8, 6, 2, bidirectional=True), fc=nn.Linear(12, 2)), (4, 1, 8)),
    "rnn": (lambda: Parts(rnn=nn.RNN(8, 6)), (4, 1, 8)),
    "encoder": (encoder, (1, 4, 8)),
    "tied": (tied, ()),
}


def trained(module: Any, x: Any, steps: int) -> None:
    """A few steps of training, which also change the statistics of a BatchNorm."""
    module.train()
    optimizer = torch.optim.SGD(module.parameters(), 0.2)
    for _ in range(steps):
        optimizer.zero_grad()
        given = x if x.dtype == torch.int64 else torch.cat([x + 0.3 * torch.randn_like(x)] * 2)
        if module(given).ndim == 3 and "rnn" in dict(module.named_children()):
            given = x + 0.3 * torch.randn_like(x)
        (module(given) - torch.randn(())).square().mean().backward()
        optimizer.step()
    module.eval()


def state(module: Any) -> dict[str, Any]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("kind", MODULES)
def test_a_state_dict_gives_torchs_answer(kind: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    make, shape = MODULES[kind]
    module = make()
    x = torch.randn(shape) if shape else torch.tensor([[1, 2, 3, 7]])
    trained(module, x, 3)
    file = io.BytesIO()
    torch.onnx.export(module, (x,), file, dynamo=False, opset_version=17)

    found = build.match(file.getvalue(), module.state_dict())
    assert not found.ambiguous
    assert all(np.prod(one.shape) <= 24 for one in found.unmatched), str(found)  # zero states
    assert all("num_batches_tracked" in name for name in found.unused), str(found)
    path = build.from_onnx(file.getvalue(), program=found.save(tmp_path / "program")).save(
        tmp_path / "net.om"
    )
    rng = np.random.default_rng(1)
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        now = state(module)
        for turn in range(4):
            trained(module, x, 2)
            new = state(module)
            if turn % 2:
                names = list({n for n in new if n not in found.program.aliases})
                some = rng.choice(names, len(names) // 2, replace=False) if names[1:] else names
                new = {name: new[name] for name in map(str, some)}
            now |= new
            for alias, name in found.program.aliases.items():
                now[alias] = now[name]
            bundle.update(new)
            module.load_state_dict(now)
            wanted = module(x).detach().numpy()
            np.testing.assert_allclose(bundle.infer(x.numpy()), wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dynamo", [True, False])
@pytest.mark.parametrize("kind", ["mlp", "rank 3", "cnn", "encoder", "gru"])
def test_a_bundle_built_earlier_takes_a_state_dict(kind: str, dynamo: bool, tmp_path: Path) -> None:
    """Of a default, optimised export; the match is kept beside it."""
    torch.manual_seed(0)
    make, shape = MODULES[kind]
    module, x = make(), torch.randn(shape)
    trained(module, x, 3)
    model = tmp_path / "net.onnx"
    torch.onnx.export(module, (x,), str(model), dynamo=dynamo, verbose=False)
    path = build.from_onnx(model, weights="all").save(tmp_path / "existing.om")

    found = build.match(model, module.state_dict())
    assert not found.ambiguous
    found.save_beside(path)
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        np.testing.assert_allclose(
            bundle.infer(x.numpy()), module(x).detach().numpy(), rtol=1e-5, atol=1e-5
        )
        for part in (None, 3, None):
            trained(module, x, 2)
            new = state(module)
            bundle.update(new if part is None else dict([*new.items()][:part]))
            if part is None:
                wanted = module(x).detach().numpy()
                np.testing.assert_allclose(bundle.infer(x.numpy()), wanted, rtol=1e-5, atol=1e-5)


def test_what_an_exporter_merged_is_said_and_from_torch_keeps_it_apart() -> None:
    """Equal at export is not one weight: the copies train apart."""
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    module = Parts(a=layer, act=nn.ReLU(), b=nn.Linear(8, 8)).eval()
    module.b.load_state_dict(layer.state_dict())
    x = torch.randn(2, 8)
    merged = torch.onnx.export(module, (x,), dynamo=True, verbose=False).model_proto
    made = build.from_onnx(merged, "all")
    assert {name: len(nodes) for name, nodes in made.shared.items()} == {
        "a.weight": 2, "a.bias": 2
    }  # fmt: skip
    found = build.match(merged, module.state_dict())
    assert found.ambiguous.keys() == {"a.weight", "a.bias"}

    apart = build.from_torch(module, (x,))
    assert apart.shared == {}
    assert {*apart.weights} == {"a.weight", "a.bias", "b.weight", "b.bias"}
    with ab.Bundle.load(apart.to_bytes()) as bundle:
        bundle.init()
        with torch.no_grad():
            module.b.weight.add_(torch.randn(8, 8))
        bundle.update({"b.weight": module.b.weight})
        wanted = module(x).detach().numpy()
        np.testing.assert_allclose(bundle.infer(x.numpy()), wanted, rtol=1e-5, atol=1e-5)


def test_fresh_copies_of_a_layer_are_told_by_what_reads_them() -> None:
    """torch copies the first layer for the others, so their weights are equal at first."""
    torch.manual_seed(0)
    layer = nn.Linear(8, 8)
    module = Parts(a=layer, act=nn.ReLU(), b=nn.Linear(8, 8))
    module.b.load_state_dict(layer.state_dict())
    file = io.BytesIO()
    torch.onnx.export(module.eval(), (torch.randn(2, 3, 8),), file, dynamo=False)
    found = build.match(file.getvalue(), module.state_dict())
    made = {one.constant.name: one.sources for one in found.program.pieces}
    merged = [name for name in found.ambiguous if "a.weight" in str(found.ambiguous[name])]
    assert merged or sorted(map(str, made.values())) == [
        "('a.bias',)", "('a.weight',)", "('b.bias',)", "('b.weight',)"
    ]  # fmt: skip

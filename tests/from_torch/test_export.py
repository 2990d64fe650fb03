"""build.from_torch, its first half: the ONNX graph of a module, with the module's own names."""

from __future__ import annotations

import logging
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from acl_bundle import build
from acl_bundle.errors import UnsupportedError

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

from acl_bundle.build.torch import exported  # noqa: E402

nn = torch.nn
Array = NDArray[Any]


def initializers(model: onnx.ModelProto) -> dict[str, Array]:
    return {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}


def one_name_each(model: onnx.ModelProto) -> bool:
    graph = model.graph
    made = [one.name for one in (*graph.input, *graph.initializer)]
    made += [name for node in graph.node for name in node.output]
    return len(made) == len({*made})


class Tied(nn.Module):  # type: ignore[misc]
    """An embedding that is the output's weight as well, and entries that forward passes over."""

    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(10, 8)
        self.norm = nn.BatchNorm1d(3)
        self.out = nn.Linear(8, 10, bias=False)
        self.out.weight = self.emb.weight
        self.aside = nn.Linear(2, 2)
        self.register_buffer("shift", torch.ones(8), persistent=False)
        self.register_buffer("steps", torch.arange(3))

    def forward(self, ids: Any) -> Any:
        return self.out(self.norm(self.emb(ids + self.steps)) + self.shift)


def test_each_name_is_a_weight_an_alias_or_unused() -> None:
    module = Tied()
    model, names = exported(module, torch.tensor([[1, 2, 3]]))
    statistics = ("norm.weight", "norm.bias", "norm.running_mean", "norm.running_var")
    assert sorted(names.weights) == sorted(("emb.weight", "steps", *statistics))
    assert names.aliases == {"out.weight": "emb.weight"}
    assert sorted(names.unused) == ["aside.bias", "aside.weight", "norm.num_batches_tracked"]
    assert names.missing == ()
    assert {*module.state_dict()} == {*names.weights, *names.aliases, *names.unused}
    assert {*initializers(model)} == {*names.weights, "shift"}


class Equal(nn.Module):  # type: ignore[misc]
    """Tensors of equal values, some of them one tensor, some of them on the same memory."""

    def __init__(self) -> None:
        super().__init__()
        memory = torch.zeros(3)
        self.a, self.b = nn.Parameter(memory), nn.Parameter(memory)
        self.c = nn.Parameter(torch.zeros(3))
        self.d = self.c
        self.register_buffer("e", torch.zeros(3))
        self.register_buffer("f", self.e)
        self.first, self.second = nn.LayerNorm(3), nn.LayerNorm(3)

    def forward(self, x: Any) -> Any:
        x = self.second(self.first((x + self.a) * self.b + self.c))
        return x * self.d + self.e - self.f


def test_equal_is_not_tied() -> None:
    model, names = exported(Equal(), torch.ones(2, 3))
    norms = ("first.weight", "first.bias", "second.weight", "second.bias")
    assert {*names.weights} == {"a", "b", "c", "e", *norms}
    assert names.aliases == {"d": "c", "f": "e"}
    assert {*initializers(model)} == {*names.weights}


class Collides(nn.Module):  # type: ignore[misc]
    """Parameters with the names that an exporter gives to inputs, functions and numbers."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("x", "relu", "add", "mul", "val_0", "input"):
            setattr(self, name, nn.Parameter(torch.randn(3)))

    def forward(self, x: Any) -> Any:
        x = torch.relu(x * self.x + self.add) * self.relu + self.mul + self.val_0
        return x.reshape(3).sum(0) * self.input


def test_a_parameter_keeps_its_name_where_the_graph_had_it_for_something_else() -> None:
    module = Collides()
    with pytest.warns(UserWarning, match="the input 'x' is called 'x_input'"):
        model, names = exported(module, torch.ones(1, 3))
    assert one_name_each(model)
    assert [one.name for one in model.graph.input] == ["x_input"]
    found = initializers(model)
    for name, value in module.named_parameters():
        assert name in names.weights
        assert np.array_equal(found[name], value.detach().numpy())


def wrapped() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler
        first = torch.compile(nn.Linear(3, 4))
        return torch.compile(nn.Sequential(first, nn.DataParallel(nn.Linear(4, 2))))


def test_wrappers_are_no_part_of_a_name() -> None:
    module = wrapped()
    assert "_orig_mod.0._orig_mod.weight" in module.state_dict()
    _, names = exported(module, torch.ones(1, 3))
    assert names.weights == ("0.weight", "0.bias", "1.weight", "1.bias")


class OwnModule(nn.Module):  # type: ignore[misc]
    """No wrapper of torch's, though its attribute is called like one's."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Linear(3, 2)

    def forward(self, x: Any) -> Any:
        return self.module(x)


def test_a_part_that_is_called_module_keeps_its_name() -> None:
    _, names = exported(OwnModule(), torch.ones(1, 3))
    assert names.weights == ("module.weight", "module.bias")


def facts(module: Any) -> list[object]:
    """What an export might change."""
    tensors = [*module.named_parameters(), *module.named_buffers()]
    return [
        [part.training for part in module.modules()],
        [(name, id(one), one.requires_grad, one.device, one._version) for name, one in tensors],
        [one.detach().clone().tolist() for _, one in tensors],
        [(len(part._forward_hooks), len(part._forward_pre_hooks)) for part in module.modules()],
        [sorted(vars(part)) for part in module.modules()],
        torch.get_rng_state().tolist(),
        [logging.getLogger("torch.onnx").level, *map(str, warnings.filters)],
        torch.is_grad_enabled(),
    ]


class Remembers(nn.Module):  # type: ignore[misc]
    """Changes itself whenever it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(3, 2, batch_first=True)
        self.drop, self.norm = nn.Dropout(0.5), nn.BatchNorm1d(4)
        self.register_buffer("runs", torch.zeros(1))
        self.rnn.weight_hh_l0.requires_grad_(False)

    def forward(self, x: Any) -> Any:
        self.runs += 1
        return self.drop(self.norm(self.rnn(x)[0]))


@pytest.mark.parametrize("mode", [True, False])
def test_the_module_is_not_changed(mode: bool) -> None:
    module = Remembers().train(mode)
    module.norm.eval()
    seen: list[object] = []
    module.norm.register_forward_hook(lambda *_: seen.append(1) and None)
    module.last = module.rnn.weight_ih_l0 * 2  # a tensor that refuses to be copied
    before = facts(module)
    model, names = exported(module, torch.ones(1, 4, 3))
    assert facts(module) == before
    assert seen
    assert "runs" in names.unused
    assert not any(node.op_type == "Dropout" for node in model.graph.node)
    assert module.rnn._flat_weights[0] is module.rnn.weight_ih_l0


@pytest.mark.parametrize("train", [True, False])
def test_a_frozen_module_under_no_grad_gives_the_same_graph(train: bool) -> None:
    torch.manual_seed(0)
    module = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).train(train)
    x = torch.randn(1, 4, 8)
    plain, _ = exported(module, x)
    with torch.no_grad():
        frozen, _ = exported(module.requires_grad_(False), x)
    assert [n.op_type for n in plain.graph.node] == [n.op_type for n in frozen.graph.node]


@pytest.mark.parametrize(
    "example",
    [
        lambda x: x,
        lambda x: (x,),
        lambda x: [x],
        lambda x: {"input": x},
        lambda x: x.numpy(),
        lambda x: x.clone().requires_grad_(),
    ],
)
def test_example_inputs_come_alone_in_order_or_by_name(example: Any) -> None:
    model, _ = exported(nn.Linear(3, 2), example(torch.ones(1, 3)))
    assert [one.name for one in model.graph.input] == ["input"]


def test_axes_can_stay_open() -> None:
    module = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    model, _ = exported(module, torch.ones(2, 3), {"input": [0]})
    dims = model.graph.input[0].type.tensor_type.shape.dim
    assert dims[0].dim_param
    assert dims[1].dim_value == 3


@pytest.mark.parametrize(
    ("dynamic", "message"),
    [
        ({"y": [0]}, "dynamic names 'y'; the tensors given are among 'input'"),
        ({"input": [2]}, r"axis 2 of 'input', whose shape is \(2, 3\)"),
    ],
)
def test_open_axes_that_are_not_there_are_refused(dynamic: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        exported(nn.Linear(3, 2), torch.ones(2, 3), dynamic)


class Branches(nn.Module):  # type: ignore[misc]
    def forward(self, x: Any) -> Any:
        return x if x.sum() > 0 else -x


class Counts(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("state", torch.zeros(1))

    def forward(self, x: Any) -> Any:
        self.state += 1
        return x + self.state


class Locked(nn.Linear):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__(3, 3)
        self.lock = threading.Lock()


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (lambda: nn.LSTM(3, 4, proj_size=2), "leaves out 'weight_hr_l0', which forward uses"),
        (Branches, "cannot export Branches: .*data-dependent"),
        (Counts, "forward changes 'state', in evaluation mode too"),
        (Locked, "Locked cannot be copied, .* cannot pickle '_thread.lock' object"),
        (lambda: nn.Linear(3, 3, device="meta"), "'weight' is on the meta device"),
    ],
)
def test_what_cannot_be_exported_is_refused(module: Any, message: str) -> None:
    with pytest.raises(UnsupportedError, match=message):
        exported(module(), torch.ones(1, 3))


def test_no_module_is_no_module() -> None:
    with pytest.raises(TypeError, match=r"module is a dict; a torch\.nn\.Module is right"):
        exported({"w": torch.ones(1)}, torch.ones(1))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_torchs_own_optimiser_says_which_weights_hold_a_norm(tmp_path: Path) -> None:
    """What `from_onnx` warns of: the file notes the rule that put two layers into one."""
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 2, 3)).eval()
    for optimize in (True, False):
        path = tmp_path / "net.onnx"
        torch.onnx.export(
            net, (torch.randn(1, 2, 8, 8),), path, dynamo=True, optimize=optimize, verbose=False
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", UserWarning)
            made = build.from_onnx(path, ["*.weight"])
        said = [str(one.message) for one in caught if "BatchNorm into" in str(one.message)]
        assert len(said) == optimize
        assert {*made.exporter_made} == ({"0.weight", "0.bias"} if optimize else set())

"""Tied weights: an update takes each of a weight's names, and what a source says of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import acl_bundle as ab
from acl_bundle import build, follow, weights

from ..lazy import Lazy

pytestmark = pytest.mark.usefixtures("fake_acl")

E = np.arange(8, dtype="f4").reshape(4, 2)
ALIASES = {"head.weight": "emb.weight", "lm.weight": "emb.weight"}


def network() -> onnx.ModelProto:
    node, end = helper.make_node, helper.make_tensor_value_info
    nodes = [
        node("Gather", ["emb.weight", "ids"], ["h"]),
        node("MatMul", ["h", "fc"], ["a"]),
        node("Transpose", ["emb.weight"], ["t"], perm=[1, 0]),
        node("MatMul", ["a", "t"], ["y"]),
    ]
    values = {"emb.weight": E, "fc": np.eye(2, dtype="f4")}
    tensors = [numpy_helper.from_array(value, name) for name, value in values.items()]
    graph = helper.make_graph(nodes, "tied", [end("ids", 7, [1])], [end("y", 1, [1, 4])], tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    built = build.from_onnx(network(), ["emb.weight", "fc"], aliases=ALIASES)
    return built.save(tmp_path / "tied.om")


@pytest.fixture(params=[ab.Bundle, ab.Pair])
def bundle(request: pytest.FixtureRequest, path: Path) -> Iterator[Any]:
    with request.param.load(path) as bundle:
        bundle.init()
        yield bundle


def answer(weight: Any) -> Any:
    return (weight[[1]] @ weight.T).tolist()


KINDS: dict[str, Any] = {"dict": dict, "lazy": Lazy}
OPTIONS: list[dict[str, Any]] = [{}, {"skip_unchanged": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=["", "digest"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["emb.weight", *ALIASES])
def test_each_name_of_a_weight_is_taken(bundle: Any, kind: str, name: str, options: Any) -> None:
    report = bundle.update(KINDS[kind]({name: E + 1}), **options)
    assert (report.changed, report.ignored) == (("emb.weight",), ())
    assert bundle.infer(np.array([1])).tolist() == answer(E + 1)
    report = bundle.update(KINDS[kind]({"fc": np.eye(2, dtype="f4"), name: E + 2}), **options)
    assert "emb.weight" in report.changed
    assert bundle.infer(np.array([1])).tolist() == answer(E + 2)


@pytest.mark.parametrize("kind", KINDS)
def test_several_names_with_one_value_are_one_weight(bundle: Any, kind: str) -> None:
    value = E + 3
    value[0, 0] = np.nan
    report = bundle.update(KINDS[kind](dict.fromkeys(["lm.weight", *ALIASES], value.copy())))
    assert report.changed == ("emb.weight",)
    given = {"head.weight": value.copy(), "lm.weight": value.copy(), "emb.weight": value}
    assert bundle.update(KINDS[kind](given)).changed == ("emb.weight",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", [E + 2, (E + 1).astype("f8"), (E + 1).T.copy()])
def test_different_values_are_refused(bundle: Any, kind: str, other: Any) -> None:
    for first in ("emb.weight", "lm.weight"):
        given = KINDS[kind]({first: E + 1, "head.weight": other})
        with pytest.raises(
            ab.WeightError, match=rf"'{first}' and 'head\.weight' are two names of one"
        ):
            bundle.update(given)
    assert bundle.infer(np.array([1])).tolist() == answer(E)
    assert bundle.version == 0


def test_tokens_may_be_given_for_either_name(path: Path) -> None:
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        assert bundle.update({"head.weight": E}, tokens={"head.weight": 1}).changed
        assert not bundle.update({"lm.weight": E}, tokens={"emb.weight": 1}).changed
        assert bundle.update({"lm.weight": E}, tokens={"lm.weight": 2}).changed


def test_the_plan_is_of_the_weights_own_names(path: Path) -> None:
    with ab.Bundle.load(path) as bundle:
        assert bundle.update.aliases == ALIASES
        plan = bundle.update.plan({"lm.weight": E, "no": E})
        assert (plan.changed, plan.unknown, plan.missing) == (("emb.weight",), ("no",), ("fc",))
        with pytest.raises(ab.WeightError, match="no weight 'no'"):
            bundle.update({"lm.weight": E, "no": E})
        with pytest.raises(ab.WeightError, match=r"weight 'emb.weight' has shape \(2,\)"):
            bundle.update({"lm.weight": np.ones(2, "f4")})


def test_what_a_source_ties_is_one_weight_to_a_bundle_with_one_of_the_names(tmp_path: Path) -> None:
    """The bundle knows no aliases; the file does."""
    fc = np.eye(2, dtype="f4")
    tied = {"head.weight": "emb.weight", "lm.weight": "emb.weight"}
    weights.save({"emb.weight": E + 1, "fc": fc}, tmp_path / "w.safetensors", metadata=tied)
    for own in ("emb.weight", "head.weight"):
        model = network()
        model.graph.initializer[0].name = own
        for node in model.graph.node:
            node.input[:] = [own if one == "emb.weight" else one for one in node.input]
        built = build.from_onnx(model, [own, "fc"])
        with (
            ab.Bundle.load(built.to_bytes()) as bundle,
            weights.open(tmp_path / "w.safetensors") as source,
        ):
            bundle.init()
            for given in (source, weights.cast(source, "float16", keep_float32=["*"])):
                report = bundle.update(given)
                assert (report.changed, report.ignored) == ((own, "fc"), ())
            assert bundle.infer(np.array([1])).tolist() == answer(E + 1)
            with pytest.raises(ab.WeightError, match=r"'p\.head\.weight'"):
                bundle.update(weights.rename(source, add_prefix="p."))


def test_a_follower_takes_either_name(path: Path, tmp_path: Path) -> None:
    folder = tmp_path / "npy"
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        kept = follow.Directory(tmp_path, "v-{version}", poll=0.01)
        with ab.follow(bundle, kept) as follower:
            folder.mkdir()
            np.save(folder / "lm.weight.npy", E + 5)
            np.save(folder / "fc.npy", np.eye(2, dtype="f4"))
            folder.rename(tmp_path / "v-1")
            assert follower.wait_for(1, timeout=30) == 1
        assert bundle.infer(np.array([1])).tolist() == answer(E + 5)


def tied_state(torch: Any) -> Any:
    module = torch.nn.Module()
    module.emb, module.head = torch.nn.Embedding(4, 2), torch.nn.Linear(2, 4, bias=False)
    module.head.weight = module.emb.weight
    return module.state_dict()


@pytest.mark.parametrize("own", ["emb.weight", "head.weight"])
def test_a_state_dict_whose_names_share_memory_needs_no_file(own: str) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    model = network()
    model.graph.initializer[0].name = own
    for node in model.graph.node:
        node.input[:] = [own if one == "emb.weight" else one for one in node.input]
    state = {**tied_state(torch), "fc": torch.eye(2)}
    with ab.Bundle.load(build.from_onnx(model, [own, "fc"]).to_bytes()) as bundle:
        bundle.init()
        assert bundle.update(state).changed == (own, "fc")
        assert bundle.infer(np.array([1])).tolist() == answer(state["emb.weight"].numpy())
        other = {**state, "head.weight": state["head.weight"].clone()}
        with pytest.raises(ab.WeightError, match="has no weight"):
            bundle.update(other)
        with pytest.raises(ab.WeightError, match=r"no weight 'step'"):
            bundle.update({**state, "step": 3})


@pytest.mark.filterwarnings("ignore:.*the exporter made up")
@pytest.mark.parametrize("kind", ["dict", "file"])
def test_a_name_that_may_be_meant_for_a_weight_that_is_not_given_is_told(
    kind: str, tmp_path: Path
) -> None:
    """An exporter turned the head and gave it a name of its own: it would stay as it was."""
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    model = network()
    turned = numpy_helper.from_array(E.T.copy(), "onnx::MatMul_6")
    model.graph.initializer.append(turned)
    del model.graph.node[2]
    model.graph.node[-1].input[1] = "onnx::MatMul_6"
    state: Any = {**tied_state(torch), "fc": torch.eye(2)}
    if kind == "file":
        torch.save(state, tmp_path / "state.pt")
        state = weights.open(tmp_path / "state.pt")
        assert state.aliases == {"head.weight": "emb.weight"}
    with ab.Bundle.load(build.from_onnx(model, "all").to_bytes()) as bundle:
        bundle.init()
        with pytest.raises(ab.WeightError, match=r"no weight 'head\.weight'"):
            bundle.update(state)

"""Which graph is which: detected, given, or in doubt; never by order (facts 4.2)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, om

pytestmark = pytest.mark.usefixtures("fake_acl")


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_any_order_of_the_graphs_works(mlp: Any, reorder: Any, order: tuple[int, ...]) -> None:
    with ab.Bundle.load(reorder(mlp.path, *order)) as bundle:
        assert [graph.role for graph in bundle.graphs] == [
            ("infer", "init", "update")[i] for i in order
        ]
        bundle.init()
        bundle.update({"b2": mlp.random(1)["b2"]})
        want = mlp.answer({"b2": mlp.random(1)["b2"]})
        np.testing.assert_allclose(bundle.infer(mlp.x), want, rtol=1e-5, atol=1e-5)


def test_without_an_init_graph(mlp: Any, reorder: Any) -> None:
    with ab.Bundle.load(reorder(mlp.path, 0, 2)) as bundle:
        with pytest.raises(ab.RoleError, match=r"no init graph; it has .*update 1"):
            bundle.init()
        bundle.update(mlp.random(1))
        np.testing.assert_allclose(
            bundle.infer(mlp.x), mlp.answer(mlp.random(1)), rtol=1e-5, atol=1e-5
        )
    assert fake.violations() == []  # the update gave every weight


def test_without_an_update_graph(mlp: Any, reorder: Any) -> None:
    with ab.Bundle.load(reorder(mlp.path, 0, 1)) as bundle:
        with pytest.raises(AttributeError, match="no update graph"):
            bundle.update({})
        assert dict(bundle.weights) == {}
        bundle.init()
        np.testing.assert_allclose(bundle.infer(mlp.x), mlp.answer(), rtol=1e-5, atol=1e-5)


def two_graphs(mlp: Any, tmp_path: Path) -> Path:
    """Two plain models in one bundle, as prefill and decode would be."""
    models = [om.open_model(build.model(mlp.onnx).to_bytes()) for _ in range(2)]
    path = tmp_path / "two.om"
    om.write_bundle(models, 0).save(path)
    return path


def test_a_bundle_of_two_independent_graphs(mlp: Any, tmp_path: Path) -> None:
    with ab.Bundle.load(two_graphs(mlp, tmp_path)) as bundle:
        assert [graph.role for graph in bundle.graphs] == [None, None]
        for role in ("infer", "init", "update"):
            with pytest.raises(ab.RoleError, match=f"no {role} graph.*Use bundle.graphs"):
                getattr(bundle, role)
        for graph in bundle.graphs:
            out = graph.run({"x": mlp.x})
            assert out.version is None
            np.testing.assert_allclose(out["y"], mlp.answer(), rtol=1e-5, atol=1e-5)


def test_roles_can_be_given(mlp: Any, tmp_path: Path) -> None:
    with ab.Bundle.load(two_graphs(mlp, tmp_path), roles={"infer": 1}) as bundle:
        assert bundle.infer is bundle.graphs[1]
        assert bundle.graphs[0].role is None


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"inference": 0}, "roles has 'inference'; a role is one of infer, init, update"),
        ({"infer": 3}, r"roles\['infer'\] is 3; the file has 3 graphs"),
        ({"infer": -1}, "is -1"),
        ({"infer": 0, "init": 0}, "several roles"),
    ],
)
def test_wrong_roles_are_refused(mlp: Any, roles: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ab.Bundle.load(mlp.path, roles=roles)


@pytest.mark.parametrize("roles", [{"update": 0}, {"init": 0}, {"update": 1}, {"init": 2}])
def test_a_role_that_the_graph_cannot_have_is_refused(mlp: Any, roles: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"roles\["):
        ab.Bundle.load(mlp.path, roles=roles)


def test_a_doubt_is_an_error(mlp: Any, reorder: Any) -> None:
    path = reorder(mlp.path, 0, 1, 2, 0)
    with pytest.raises(ab.BundleFormatError, match=r"graphs 0 .*3 .*roles="):
        ab.Bundle.load(path)
    with ab.Bundle.load(
        path, roles={"infer": np.int64(0), "init": np.uint8(1), "update": 2}
    ) as bundle:
        bundle.init()
        assert (bundle.graphs[3](mlp.x) == bundle.infer(mlp.x)).all()


def test_the_graphs_that_write_are_not_run(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        for graph, name in ((bundle.graphs[1], "init"), (bundle.graphs[2], "update")):
            with pytest.raises(ab.RoleError, match=rf"bundle\.{name}\(\.\.\.\)"):
                graph.run({})
            with pytest.raises(ab.RoleError, match=rf"bundle\.{name}\(\.\.\.\)"):
                graph.bind({}, {})


@pytest.mark.acl(violations="ignore")  # it reads what nobody set
def test_infer_before_init_warns_once(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        with pytest.warns(RuntimeWarning, match="before w1, b1, w2, b2 had a value"):
            assert bundle.infer.run({"x": mlp.x}).version is None
        bundle.infer(mlp.x)
        bundle.update({"w1": mlp.random(1)["w1"]})
        assert bundle.infer.run({"x": mlp.x}).version == 1
    assert [one["id"] for one in fake.violations()] == ["AB-MDL-0018"] * 3


@pytest.mark.acl(violations="ignore")  # it reads what nobody set
def test_a_first_partial_update_leaves_the_others_undefined(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.update({"w1": mlp.random(1)["w1"], "w2": mlp.random(1)["w2"]})
        with pytest.warns(RuntimeWarning, match="before b1, b2 had a value"):
            bundle.infer(mlp.x)
        bundle.update({"b1": mlp.random(1)["b1"], "b2": mlp.random(1)["b2"]})
        np.testing.assert_allclose(
            bundle.infer(mlp.x), mlp.answer(mlp.random(1)), rtol=1e-5, atol=1e-5
        )


def test_outputs_answer_to_a_part_of_a_devices_name(mlp: Any) -> None:
    built = build.from_onnx(mlp.onnx, weights=list(mlp.weights), output_names="ge")
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        out = bundle.infer.run({"x": mlp.x})
        (name,) = out
        node, _, index = name.partition(":")
        assert index == "0"
        assert out[node] is out[name]
        with pytest.raises(KeyError, match="names 0 outputs"):
            out["nothing"]

"""Plain model files, of one shape or of many, loaded as they are (design 4)."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, follow, om
from acl_bundle._run import gears as geared
from acl_bundle.om._container import inout

from .models import IDS, NET, OPTIONS, W, rows

pytestmark = pytest.mark.usefixtures("fake_acl")

EVERY: list[dict[str, Any]] = [{"input_shapes": {"x": (4, 4)}}, *OPTIONS]
every_kind = pytest.mark.parametrize("options", EVERY, ids=["static", *IDS])


def answer(x: Any) -> Any:
    return np.maximum(x @ W, 0)


def write(tmp_path: Path, **options: Any) -> Path:
    return build.model(NET, **options).save(tmp_path / "plain.om")


@pytest.mark.parametrize("as_bytes", [False, True], ids=["path", "bytes"])
@pytest.mark.parametrize("options", OPTIONS, ids=IDS)
def test_the_arrays_shape_decides(tmp_path: Path, options: Any, as_bytes: bool) -> None:
    path = write(tmp_path, **options)
    with ab.Bundle.load(path.read_bytes() if as_bytes else path) as bundle:
        for count in (8, 1, 4, 1):
            x = rows(count)
            np.testing.assert_allclose(bundle.infer(x), answer(x), rtol=1e-5, atol=1e-6)
    calls = fake.calls()
    assert calls["aclmdlLoadFromMem"] == 1
    assert calls["aclmdlUnload"] == 1
    assert not any(name.startswith("aclmdlBundle") for name in calls)
    assert fake.live() == []


@pytest.mark.parametrize("as_bytes", [False, True], ids=["path", "bytes"])
def test_one_shape(tmp_path: Path, as_bytes: bool) -> None:
    path = write(tmp_path, input_shapes={"x": (4, 4)})
    with ab.Bundle.load(path.read_bytes() if as_bytes else path, replicas=2) as bundle:
        for seed in range(3):
            x = rows(4) + seed
            np.testing.assert_allclose(bundle.infer(x), answer(x), rtol=1e-5, atol=1e-5)
            later = bundle.infer.submit(x, timeout_ms=60_000).result()
            np.testing.assert_allclose(later, answer(x), rtol=1e-5, atol=1e-5)
        out = {"y": np.empty((4, 3), np.float32)}
        bundle.infer.bind({"x": x}, out)()
        np.testing.assert_allclose(out["y"], answer(x), rtol=1e-5, atol=1e-5)
        with pytest.raises(ValueError, match=r"\(3, 4\)"):
            bundle.infer(rows(3))
    calls = fake.calls()
    assert calls["aclmdlLoadFromMem"] == calls["aclmdlUnload"] == 3  # twice, and what is submitted
    assert not any(name.startswith("aclmdlBundle") for name in calls)
    assert fake.live() == []


@every_kind
def test_one_graph_that_infers_and_no_weights(tmp_path: Path, options: Any) -> None:
    path = write(tmp_path, **options)
    with ab.Bundle.load(path) as bundle:
        assert [graph.role for graph in bundle.graphs] == ["infer"]
        assert bundle.infer is bundle.graphs[0]
        assert dict(bundle.weights) == {}
        assert bundle.version is None
        out = bundle.infer.run({"x": rows(4)})  # no warning of weights that nobody wrote
        assert out.version is None


WRITES: dict[str, tuple[str, Callable[[ab.Bundle, ab.Pair, Path], object]]] = {
    "init": ("init", lambda bundle, pair, folder: bundle.init()),
    "update": ("update", lambda bundle, pair, folder: bundle.update({"w": W})),
    "plan": ("update", lambda bundle, pair, folder: bundle.update.plan({"w": W})),
    "follow": ("update", lambda bundle, pair, folder: ab.follow(bundle, follow.Directory(folder))),
    "Pair.init": ("init", lambda bundle, pair, folder: pair.init()),
    "Pair.update": ("update", lambda bundle, pair, folder: pair.update({"w": W})),
}


@pytest.mark.parametrize("call", WRITES)
@every_kind
def test_what_writes_weights_says_how_to_have_some(tmp_path: Path, options: Any, call: str) -> None:
    path, (role, write_weights) = write(tmp_path, **options), WRITES[call]
    said = rf"plain model has no {role} graph; it has .*infer 0.*from_onnx\(model, weights=\["
    with ab.Bundle.load(path) as bundle, ab.Pair.load(path) as pair:
        with pytest.raises(ab.RoleError, match=said):
            write_weights(bundle, pair, tmp_path)
        for infer in (bundle.infer, pair.infer):
            np.testing.assert_allclose(infer(rows(4)), answer(rows(4)), rtol=1e-5, atol=1e-6)
    assert fake.live() == []


def test_the_way_out_is_one(tmp_path: Path) -> None:
    """The call that the error names makes a bundle with the update graph that was missed."""
    with (
        ab.Bundle.load(write(tmp_path, input_shapes={"x": (4, 4)})) as bundle,
        pytest.raises(ab.RoleError) as caught,
    ):
        bundle.update({"w": W})
    call = re.search(r"acl_bundle\.build\.from_onnx\(.*?\)", str(caught.value))
    assert call is not None
    text = call[0].replace("[...]", "['w'], input_shapes={'x': (4, 4)}")
    built = eval(text, {"acl_bundle": ab, "model": NET})
    with ab.Bundle.load(built.to_bytes()) as bundle:
        bundle.init()
        bundle.update({"w": W + 1})
        np.testing.assert_allclose(
            bundle.infer(rows(4)), np.maximum(rows(4) @ (W + 1), 0), rtol=1e-5, atol=1e-5
        )


def test_roles_may_be_given(tmp_path: Path) -> None:
    path = write(tmp_path, dynamic_shape=True)
    with ab.Bundle.load(path, roles={"infer": 0}) as bundle:
        assert bundle.infer(rows(2)).shape == (2, 3)
    with ab.Bundle.load(path, roles={}) as bundle, pytest.raises(ab.RoleError, match="no infer"):
        _ = bundle.infer
    with pytest.raises(ValueError, match="cannot be the update graph"):
        ab.Bundle.load(path, roles={"update": 0})
    with pytest.raises(ValueError, match="the file has 1 graphs"):
        ab.Bundle.load(path, roles={"infer": 1})


@pytest.mark.parametrize("flow", ["auto", "library"])
def test_the_flow_does_not_matter(tmp_path: Path, flow: Any) -> None:
    with ab.Bundle.load(write(tmp_path, dynamic_shape=True), variables=flow) as bundle:
        assert bundle.infer(rows(2)).shape == (2, 3)


def test_there_are_no_variables_to_own(tmp_path: Path) -> None:
    path = write(tmp_path, dynamic_shape=True)
    with pytest.raises(ab.UnsupportedError, match=r"a plain model has none: leave variables= out"):
        ab.Bundle.load(path, variables="owned")
    with pytest.raises(ValueError, match="not 'mine'"):
        ab.Bundle.load(path, variables="mine")  # type: ignore[arg-type]
    assert fake.live() == []


def test_an_update_graph_alone_is_no_plain_model(mlp: Any) -> None:
    """It is dynamic, but works on variables that a file of its own does not have."""
    update = om.open_bundle(mlp.path).models[2]
    with pytest.raises(ab.BundleFormatError, match="without outputs"):
        ab.Bundle.load(bytes(update.data))


def test_a_dynamic_model_of_fixed_ends_is_taken() -> None:
    """Its values may decide what a shape does not (facts 0.3: is_unknow_model)."""
    data = build.model(NET, dynamic_shape={"x": [(2, 2), 4]}).to_bytes()
    with ab.Bundle.load(data) as bundle:
        np.testing.assert_allclose(bundle.infer(rows(2)), answer(rows(2)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("options", [EVERY[0], EVERY[1], EVERY[3]], ids=["static", "batch", "any"])
def test_truncated_files(tmp_path: Path, options: Any) -> None:
    whole = write(tmp_path, **options).read_bytes()
    for keep in (*range(1, 400, 13), *range(400, len(whole), len(whole) // 40), len(whole) - 1):
        with pytest.raises(ab.BundleFormatError):
            ab.Bundle.load(whole[:keep])
    assert fake.live() == []


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("options", [EVERY[0], EVERY[1], EVERY[3]], ids=["static", "batch", "any"])
def test_mutated_files(tmp_path: Path, options: Any, seed: int) -> None:
    """A defect is refused here or there, or harmless; nothing stays behind."""
    whole = write(tmp_path, **options).read_bytes()
    rng = random.Random(seed)
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            at = rng.randrange(len(data) - 8)
            value = rng.choice([0, 1, 0x7F, 0xFF, 0xFFFFFFFF, 1 << 40, (1 << 64) - 1])
            layout = rng.choice(["<B", "<I", "<Q"])
            size = struct.calcsize(layout)
            struct.pack_into(layout, data, at, value & ((1 << 8 * size) - 1))
        with suppress(ab.AclBundleError):
            ab.Bundle.load(bytes(data)).close()
        assert fake.live() == []


def gears(**changed: Any) -> bytes:
    """A gear model that says something else of its gears."""
    model = om.open_model(build.model(NET, dynamic_batch=[1, 4]).to_bytes())
    assert model.gears is not None
    block = inout.write(model.inputs, model.outputs, replace(model.gears, **changed))
    parts = [
        (om.PartitionType(part.type), [block if part.name == "MODEL_INOUT_INFO" else part.data])
        for part in model.partitions
    ]
    return om.write_model(parts, header=model.header).to_bytes()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"shapes": ((0, 0, (-1, 3)), (1, 0, (4, 3)))}, r"'y' is \[-1, 3\]"),
        ({"shapes": ((0, 0, (1 << 62, 3)), (1, 0, (4, 3)))}, "above 9223372036854775807 bytes"),
    ],
)
def test_gears_that_cannot_be(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ab.BundleFormatError, match=message):
        ab.Bundle.load(gears(**changed))
    assert fake.live() == []


def test_no_gear_at_all() -> None:
    """The fake refuses such a file itself; a library that takes it meets a sentence."""
    with pytest.raises(ab.AclError):
        ab.Bundle.load(gears(values=()))
    with pytest.raises(ab.BundleFormatError, match="the file lists none"):
        geared.table(om.Gears("batch", ()), [], [], "infer 0 (net)")
    assert fake.live() == []

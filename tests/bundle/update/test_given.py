"""What stands for weights: pairs, generators, nested dicts, Parameters; and what is left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, follow
from acl_bundle import weights as files
from acl_bundle.errors import WeightError

pytestmark = pytest.mark.usefixtures("fake_acl")
Form = Callable[[dict[str, Any]], Any]


def loaded(*names: str, kind: type[ab.Bundle] | type[ab.Pair] = ab.Bundle) -> Any:
    """A bundle with weights of these names, each of three floats; y is the sum of all."""
    text = '<ir_version: 8, opset_import: ["": 17]> g (float[3] x) => (float[3] y) {}'
    model = onnx.parser.parse_model(text)
    last = "x"
    for at, name in enumerate(names):
        out = "y" if at == len(names) - 1 else f"sum{at}"
        model.graph.node.append(onnx.helper.make_node("Add", [last, name], [out]))
        value = np.zeros(3, "f4")
        model.graph.initializer.append(onnx.numpy_helper.from_array(value, name))
        last = out
    bundle = kind.load(build.from_onnx(model, list(names)).to_bytes())
    bundle.init()
    return bundle


def held(bundle: Any) -> float:
    return float(bundle.infer(np.zeros(3, "f4"))[0])


def full(value: float) -> Any:
    return np.full(3, value, "f4")


def reusing(weights: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """As weight synchronisation does that receives into one buffer."""
    buffer = np.empty(3, "f4")
    for name, value in weights.items():
        buffer[:] = value
        yield name, buffer
    buffer[:] = np.nan


PAIRS: dict[str, Form] = {
    "items": lambda weights: weights.items(),
    "list": lambda weights: list(weights.items()),
    "lists": lambda weights: [list(pair) for pair in weights.items()],
    "generator": reusing,
    "zip": lambda weights: zip(weights, weights.values(), strict=True),
}


@pytest.mark.parametrize("form", PAIRS)
@pytest.mark.parametrize("kind", [ab.Bundle, ab.Pair])
def test_pairs(form: str, kind: Any) -> None:
    given = {"a.w": full(1), "b.w": full(2)}
    with loaded("a.w", "b.w", kind=kind) as bundle:
        report = bundle.update(PAIRS[form](given))
        assert report.changed == ("a.w", "b.w")
        assert held(bundle) == 3
        bundle.update(PAIRS[form]({"b.w": full(5)}), finite=True)
        assert held(bundle) == 6
        if kind is ab.Bundle:
            assert bundle.update.plan(PAIRS[form](given)).changed == ("a.w", "b.w")


def test_pairs_that_fail_change_nothing() -> None:
    def broken() -> Iterator[tuple[str, Any]]:
        yield "a", full(1)
        raise OSError("the trainer has gone")

    with loaded("a", "b") as bundle:
        with pytest.raises(OSError, match="has gone"):
            bundle.update(broken())
        with pytest.raises(WeightError, match="'a' comes twice"):
            bundle.update([("a", full(1)), ("a", full(2))])
        odd: list[Any] = [["a"], "a", [("a", full(1), 2)], [full(1)], [(1, full(1))], 7, b"a", None]
        for one in odd:
            for ask in (bundle.update, bundle.update.plan):
                with pytest.raises(TypeError, match="iterable of"):
                    ask(one)
        with pytest.raises(TypeError, match="weight 'a' is a list"):
            bundle.update(iter([("a", [1.0])]))
        assert (held(bundle), bundle.version) == (0, 0)


def test_an_update_within_a_generator_is_not_held_up() -> None:
    """The lock of the bundle is not held while somebody else makes the tensors."""
    with loaded("a", "b") as bundle:

        def within() -> Iterator[tuple[str, Any]]:
            bundle.update({"b": full(4)})
            yield "a", full(1)

        bundle.update(within())
        assert held(bundle) == 5


class Frozen(Mapping[str, Any]):
    """As flax's FrozenDict: a mapping of mappings that is no dict."""

    def __init__(self, of: dict[str, Any]) -> None:
        self._of = of

    def __getitem__(self, name: str) -> Any:
        value = self._of[name]
        return Frozen(value) if isinstance(value, dict) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._of)

    def __len__(self) -> int:
        return len(self._of)


@pytest.mark.parametrize("joint", ["/", "."])
@pytest.mark.parametrize("form", [dict, Frozen, MappingProxyType])
@pytest.mark.parametrize("kind", [ab.Bundle, ab.Pair])
def test_nested_dicts(joint: str, form: Any, kind: Any) -> None:
    names = [joint.join(path) for path in (("params", "fc", "kernel"), ("params", "fc", "bias"))]
    given = {"params": {"fc": {"kernel": full(1), "bias": full(2)}}}
    with loaded(*names, kind=kind) as bundle:
        assert bundle.update(form(given)).changed == tuple(names)
        assert held(bundle) == 3
        bundle.update(form({"params": {"fc": {"bias": full(7)}}}))
        assert held(bundle) == 8
        with pytest.raises(WeightError, match=r"params.fc.scale"):
            bundle.update(form({"params": {"fc": {"scale": full(7), "bias": full(1)}}}))
        with pytest.raises(WeightError, match=r"no weight 'fc\.bias'"):
            bundle.update(form({"fc": {"bias": full(7)}}))
        assert held(bundle) == 8


def test_nested_dicts_in_doubt() -> None:
    with loaded("a.w", "a/w", "b") as bundle:
        with pytest.raises(WeightError, match=r"'a\.w', 'a/w'.*flat"):
            bundle.update({"a": {"w": full(1)}})
        bundle.update({"b": full(2), "a.w": full(1)})
        with pytest.raises(WeightError, match=r"'a\.b' comes twice"):
            files.to_bytes({"a.b": full(1), "a": {"b": full(1)}})
        with pytest.raises(WeightError, match="cannot be called 3"):
            bundle.update({"a": {3: full(1)}})
        assert held(bundle) == 3
    with loaded("b", "c/w") as bundle:
        bundle.update({"b": full(2), "c": {"w": full(1)}})  # a flat one beside
        assert held(bundle) == 3


NESTED = {"m": {"w": full(1)}, "b": full(2)}


FLAT = {"m.w": full(1), "b": full(2)}


@pytest.mark.parametrize("given", [NESTED, FLAT.items, lambda: iter(FLAT.items())])
def test_files_publishers_and_transforms_take_the_same(tmp_path: Path, given: Any) -> None:
    def make() -> Any:
        return given() if callable(given) else given

    files.save(make(), tmp_path / "w.safetensors")
    follow.publish_directory(tmp_path / "plain", make(), 1)
    follow.publish_directory(tmp_path / "signed", make(), 1, signing_key=bytes(16))
    for path in (
        tmp_path / "w.safetensors",
        tmp_path / "plain" / "weights-1.safetensors",
        tmp_path / "signed" / "weights-1.safetensors",
    ):
        with files.open(path) as opened:
            assert {name: value[0] for name, value in opened.items()} == {"m.w": 1, "b": 2}
    with files.Safetensors(files.to_bytes(make())) as opened:
        assert {*opened} == {"m.w", "b"}
    assert {
        *files.rename(
            make(),
            strip_prefix="m.",
        )
    } == {"w", "b"}
    assert {*files.select(make(), ["m.*"])} == {"m.w"}
    assert files.cast(make(), "float16")["m.w"].dtype == "f2"
    assert files.diff(make(), {"m.w": full(1), "b": full(2)}).same


def test_torch_parameters_under_grad(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = torch.nn.Linear(3, 1)
    with loaded("bias") as bundle:
        given = {"bias": torch.nn.Parameter(torch.full((3,), 4.0))}
        assert given["bias"].requires_grad
        for one in (given, given.items(), iter(given.items())):
            bundle.update(one)
            assert held(bundle) == 4
            bundle.update({"bias": full(0)})
    files.save(module.named_parameters(), tmp_path / "w.safetensors")
    with files.open(tmp_path / "w.safetensors") as opened:
        assert (opened["weight"] == module.weight.detach().numpy()).all()


IGNORED = ["*.num_batches_tracked", "opt.*"]


@pytest.mark.parametrize("kind", [ab.Bundle, ab.Pair])
@pytest.mark.parametrize("form", [dict, Frozen, lambda given: iter(given.items())])
def test_names_that_match_a_pattern_are_left_out(kind: Any, form: Any) -> None:
    given = {"a.w": full(1), "bn.num_batches_tracked": np.array(3), "opt.b": full(9)}
    with loaded("a.w", "opt.b", kind=kind) as bundle:
        report = bundle.update(form(given), ignore=IGNORED)
        assert (report.changed, report.kept) == (("a.w",), ("opt.b",))
        assert report.ignored == ("bn.num_batches_tracked", "opt.b")
        assert held(bundle) == 1
        with pytest.raises(WeightError, match=r"no weight 'bn.num_batches_tracked'"):
            bundle.update(form(given))
        for odd in ("*.w", [1], 7):
            wrong: Any = odd
            with pytest.raises(TypeError, match=r"ignore is .* a list of names or patterns"):
                bundle.update(form(given), ignore=wrong)
        if kind is ab.Bundle:
            plan = bundle.update.plan(form(given), ignore=IGNORED)
            assert (plan.changed, plan.unknown) == (("a.w",), ("bn.num_batches_tracked", "opt.b"))


def test_publishers_and_followers_leave_out_what_matches(tmp_path: Path) -> None:
    given = {"a.w": full(1), "bn.num_batches_tracked": np.array(3), "opt.b": full(9)}
    for folder, key in (("plain", None), ("signed", bytes(16))):
        file = follow.publish_directory(
            tmp_path / folder, given, 1, ignore=IGNORED, signing_key=key
        )
        with files.open(file) as opened:
            assert {*opened} == {"a.w"}
    with pytest.raises(WeightError, match="none to publish"):
        follow.publish_directory(tmp_path / "none", given, 1, ignore=["*"])
    follow.publish_directory(tmp_path / "all", given, 1)
    with loaded("a.w") as bundle:
        source = follow.Directory(tmp_path / "all")
        with ab.follow(bundle, source, ignore=IGNORED) as follower:
            follower.wait_for(1, 10)
        assert held(bundle) == 1
        wrong: Any = "*.w"
        with pytest.raises(TypeError, match="ignore is"):
            ab.follow(bundle, source, ignore=wrong)


EXPORTED = ("onnx::MatMul_12", "val_0", "/Constant_output_0", "/fc/Constant_1_output_0")


@pytest.mark.parametrize("name", EXPORTED)
def test_ignored_parameters_beside_constants_of_an_exporter_warn_once(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    given = {"fc.weight": full(1), "fc.bias": full(2)}
    with loaded("fc.bias", name) as bundle:
        for _ in range(3):
            bundle.update(given, unknown="ignore")
        (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert told.name.startswith("acl_bundle")
    for part in ("'fc.weight'", repr(name), "optimize=False"):
        assert part in told.getMessage()


def test_ignored_statistics_beside_a_weight_of_the_same_module_warn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The exporter multiplied net.fc.bias by net.bn, and left it its name."""
    with loaded("net.fc.bias", "fc.weight") as bundle:
        bundle.update({"net.fc.bias": full(1), "net.bn.running_var": full(2)}, unknown="ignore")
        (told,) = caplog.records
    for part in ("'net.bn.running_var'", "'net.fc.bias'", "optimize=False"):
        assert part in told.getMessage()


@pytest.mark.parametrize(
    ("weights", "given"),
    [
        (  # of a module that the graph does not have
            ("fc.bias", "fc.scale"),
            {"value.bn.running_mean": full(1), "fc.bias": full(2)},
        ),
        (
            ("fc.bias", "fc.scale"),
            {"fc.weight": full(1), "fc.bias": full(2)},
        ),
        (("fc.bias", "val_0"), {"step": full(1), "fc.bias": full(2)}),  # no parameter
        (("fc.bias", "val_0"), {"fc.bias": full(2)}),  # nothing is ignored
        (("fc.bias", "interval_0"), {"fc.weight": full(1), "fc.bias": full(2)}),
    ],
)
def test_what_is_ignored_rightly_is_not_told(
    weights: tuple[str, ...], given: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with loaded(*weights) as bundle:
        bundle.update(given, unknown="ignore")
    assert caplog.records == []


def test_a_library_that_is_used_once_per_tensor(tmp_path: Path) -> None:
    """A generator is gone through once, each tensor in its turn."""
    asked: list[str] = []

    def given() -> Iterator[tuple[str, Any]]:
        for name in ("a", "b"):
            asked.append(name)
            yield name, full(1)

    with loaded("a", "b") as bundle:
        fake.set("trace", "off")
        bundle.update(given(), version=3)
        assert asked == ["a", "b"]
        assert bundle.version == 3


def test_a_module_in_place_of_its_state_dict_is_told_so() -> None:
    class Module:
        def state_dict(self) -> dict[str, Any]:
            return {"a": full(1)}

    with loaded("a") as bundle:
        with pytest.raises(TypeError, match=r"not Module; its state_dict\(\) is one"):
            bundle.update(Module())
        bundle.update(Module().state_dict())
        assert held(bundle) == 1


def test_the_names_of_a_checkpoint_are_told_with_the_call_that_makes_them_right() -> None:
    new = {"model": {"a": full(1), "b": full(2)}}
    with loaded("a", "b") as bundle:
        with pytest.raises(WeightError, match=r"rename\(new, strip_prefix='model\.'\)"):
            bundle.update(new)
        assert held(bundle) == 0
        bundle.update(files.rename(new, strip_prefix="model."))
        assert held(bundle) == 3

"""bundle.update(module.state_dict()) gives torch's answer, after training or any part of it."""

from __future__ import annotations

from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.errors import WeightError

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

from .answers import error, parts, train  # noqa: E402
from .models import HALVES, SAMPLES, Sample, cnn, mlp  # noqa: E402

pytestmark = pytest.mark.usefixtures("fake_acl")


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


def test_open_axes_take_what_the_gears_say() -> None:
    torch.manual_seed(0)
    module, image = cnn(), torch.randn(2, 3, 8, 8)
    made = build.from_torch(module, image, dynamic={"input": [0]}, dynamic_batch=[1, 2, 4])
    train(module, (image,))
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        bundle.update(module.state_dict())
        for batch in (1, 2, 4):
            assert error(bundle, module, (torch.randn(batch, 3, 8, 8),)) <= 1e-5


def test_open_axes_without_gears_take_any_size() -> None:
    torch.manual_seed(0)
    module, x = mlp(), torch.randn(2, 8)
    made = build.from_torch(module, x, dynamic={"input": [0]})
    train(module, (x,))
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        bundle.update(module.state_dict())
        for batch in (1, 5, 3):
            assert error(bundle, module, (torch.randn(batch, 8),)) <= 1e-5


def test_gears_need_open_axes() -> None:
    with pytest.raises(ValueError, match="dynamic must say which axes of which inputs stay open"):
        build.from_torch(mlp(), torch.randn(2, 8), dynamic_batch=[1, 2])


def test_some_weights_and_not_the_others() -> None:
    torch.manual_seed(0)
    module, (ids,) = SAMPLES["tied embedding"]()
    made = build.from_torch(module, ids, ["out.*"])
    assert (list(made.weights), made.program.aliases) == (
        ["emb.weight"],
        {"out.weight": "emb.weight"},
    )
    with pytest.raises(WeightError, match=r"weights names 'out\.bias', which fits nothing"):
        build.from_torch(module, ids, ["out.bias"])
    with pytest.raises(ValueError, match="precision is 'int8'; 'float16' or 'bfloat16' is right"):
        build.from_torch(module, ids, precision="int8")  # type: ignore[arg-type]


def test_weights_that_half_precision_cannot_hold_are_computed_with_in_float32() -> None:
    """The Linear's weight goes through a Transpose; 1e6 is more than float16 can hold."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.Linear(4, 3))
    with torch.no_grad():
        module[1].weight.mul_(1e6)
    x = torch.randn(2, 8)
    made = build.from_torch(module, x, precision="float16", keep_float32=["1.weight"])
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        bundle.update(module.state_dict())
        assert error(bundle, module, (x,)) <= 6 / 2**11
    with pytest.raises(WeightError, match=r"keep_float32 names '2\.\*', which fits no constant"):
        build.from_torch(module, x, precision="float16", keep_float32=["2.*"])

"""Modules under torch's wrappers: built from, and their state dicts taken as they are."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import build
from acl_bundle.errors import UnsupportedError

torch: Any = pytest.importorskip("torch")
pytest.importorskip("onnxscript", reason="torch's exporter needs it")

from .answers import error, train  # noqa: E402
from .models import Tied  # noqa: E402

pytestmark = [
    pytest.mark.usefixtures("fake_acl"),
    pytest.mark.filterwarnings(
        "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore:FSDP is"
    ),
]
BOUND = 1e-5
IDS = (torch.tensor([[1, 2, 3]]),)


@pytest.fixture
def one_process(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    distributed = torch.distributed
    if not distributed.is_available():
        pytest.skip("this torch is built without torch.distributed")
    distributed.init_process_group(
        "gloo", init_method=f"file://{tmp_path}/group", rank=0, world_size=1
    )
    yield
    distributed.destroy_process_group()


def prove(wrapped: Any, inner: Any, state: Any) -> None:
    """Build from a wrapped module, train it, and update by what ``state`` gives of it."""
    with ab.Bundle.load(build.from_torch(wrapped, IDS).to_bytes()) as bundle:
        bundle.init()
        assert [one.name for one in bundle.update.weights] == ["emb.weight"]
        train(wrapped, IDS)
        assert error(bundle, inner, IDS) > BOUND
        bundle.update(state())
        assert error(bundle, inner, IDS) <= BOUND


def test_a_compiled_module() -> None:
    inner = Tied()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's, about itself
        wrapped = torch.compile(inner, backend="eager")
        prove(wrapped, inner, wrapped.state_dict)
    assert "_orig_mod.emb.weight" in wrapped.state_dict()


@pytest.mark.usefixtures("one_process")
def test_a_module_that_is_trained_in_parallel() -> None:
    inner = Tied()
    wrapped = torch.nn.parallel.DistributedDataParallel(inner)
    prove(wrapped, inner, wrapped.state_dict)
    assert "module.emb.weight" in wrapped.state_dict()


@pytest.mark.usefixtures("one_process")
def test_a_sharded_module_while_it_is_whole() -> None:
    from torch.distributed.fsdp import FullyShardedDataParallel  # noqa: PLC0415

    inner = Tied()
    wrapped = FullyShardedDataParallel(inner, device_id=torch.device("cpu"), use_orig_params=True)
    with FullyShardedDataParallel.summon_full_params(wrapped, writeback=False):
        made = build.from_torch(wrapped, IDS)
    assert list(made.weights) == ["emb.weight"]
    with ab.Bundle.load(made.to_bytes()) as bundle:
        bundle.init()
        train(wrapped, IDS)
        given = dict(wrapped.named_parameters())
        assert "_fsdp_wrapped_module.emb.weight" in given
        bundle.update(given)
        assert error(bundle, inner, IDS) <= BOUND


@pytest.mark.usefixtures("one_process")
def test_pieces_of_parameters_are_refused() -> None:
    from torch.distributed.device_mesh import init_device_mesh  # noqa: PLC0415
    from torch.distributed.fsdp import fully_shard  # noqa: PLC0415

    module = Tied()
    fully_shard(module, mesh=init_device_mesh("cpu", (1,)))
    with pytest.raises(UnsupportedError, match=r"'emb\.weight' is a DTensor, a piece"):
        build.from_torch(module, IDS)

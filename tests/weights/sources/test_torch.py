"""torch's files: state dicts and checkpoints that torch wrote, and what is refused."""

from __future__ import annotations

import argparse
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import UnsupportedError, WeightsFormatError

from ..samples import PLAIN, arrays, refused, same

torch = pytest.importorskip("torch", reason="the torch wheel is not installed")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.bin"


def test_a_state_dict_reads_bit_for_bit(path: Path) -> None:
    wanted = arrays(*PLAIN, "c8")
    torch.save({name: torch.from_numpy(value) for name, value in wanted.items()}, path)
    with weights.open(path) as source:
        assert source.kind == "torch"
        same(source, wanted)
        assert not source["large"].flags.writeable


@pytest.mark.parametrize(
    "name", ["bfloat16", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz"]
)
def test_types_that_numpy_lacks_read_bit_for_bit(path: Path, name: str) -> None:
    values = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    tensor = torch.tensor(values).to(getattr(torch, name))
    torch.save({"w": tensor, "turned": tensor.T, "one": tensor[0, 0]}, path)
    wanted = values.astype(getattr(ml_dtypes, name))
    same(weights.open(path), {"w": wanted, "turned": wanted.T, "one": wanted[0, 0].reshape(())})
    torch.save({"wide": tensor[:, :1].expand(3, 9), "none": tensor[:0]}, path)
    same(weights.open(path), {"wide": np.repeat(wanted[:, :1], 9, 1), "none": wanted[:0]})


def test_a_module_reads_with_its_buffers_and_tied_weights(path: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4))
    state = module.state_dict()
    state["tied"] = state["0.weight"]
    state["part"] = state["0.weight"][1:, ::2]
    torch.save(state, path)
    same(weights.open(path), {name: value.numpy() for name, value in state.items()})


def test_a_checkpoint_says_which_key_is_needed(path: Path) -> None:
    state = {"w": torch.ones(2, 3)}
    torch.save({"epoch": 3, "model": state, "deep": {"ema": state}}, path)
    refused(path, "key='model'")
    same(weights.open(path, key="model"), {"w": np.ones((2, 3), "f4")})
    same(weights.open(path, key="deep.ema"), {"w": np.ones((2, 3), "f4")})
    refused(path, "'modle'", "key='model'", key="modle")


def test_a_state_dict_beside_a_tensor_says_which_key_is_needed(path: Path) -> None:
    state = {"w": torch.ones(2)}
    torch.save({"model_state": state, "state": {"step": 1}, "loss": torch.tensor(0.5)}, path)
    with weights.open(path) as source:
        assert list(source) == ["loss"]
        assert source.skipped == {
            "model_state": "a dict of tensors; open the file with key='model_state'",
            "state": "a dict is no tensor",
        }


def test_a_key_may_have_dots_itself(path: Path) -> None:
    state = {"w": torch.ones(2, 3)}
    torch.save({"ema.0": state, "net.0": {"a.b": state}, 7: state}, path)
    refused(path, "a key is 7", "key='ema.0'")
    for key in ("ema.0", "net.0.a.b"):
        same(weights.open(path, key=key), {"w": np.ones((2, 3), "f4")})
    refused(path, "no 'net.0.a'", key="net.0.a")


def test_what_is_no_tensor_is_listed(path: Path) -> None:
    torch.save({"w": torch.ones(2), "_extra": "text", "n": 5}, path)
    source = weights.open(path)
    assert list(source) == ["w"]
    assert set(source.skipped) == {"_extra", "n"}


class Payload:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('the pickle ran')",))


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_nothing_but_weights_is_unpickled(path: Path) -> None:
    torch.save({"w": torch.ones(2), "evil": Payload()}, path)
    refused(path, "weights_only")
    torch.save(torch.nn.Linear(2, 2), path)
    refused(path, "torch.nn.modules.linear.Linear", "state_dict")
    path.write_bytes(pickle.dumps(Payload()))
    refused(path, "pickle")
    torch.save({"w": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
    refused(path, "before 1.6", "torch.save")
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.ones(1, 2)), path)
    refused(path)


def test_what_a_file_wants_beside_tensors_is_named_with_how_to_allow_it(path: Path) -> None:
    """As a trainer keeps its options beside the weights."""
    torch.save({"w": torch.ones(2), "options": argparse.Namespace(lr=0.1)}, path)
    refused(path, "if you trust it, torch.serialization.add_safe_globals([argparse.Namespace])")
    with torch.serialization.safe_globals([argparse.Namespace]):
        source = weights.open(path)
    same(source, {"w": np.ones(2, "f4")})
    assert set(source.skipped) == {"options"}


@pytest.mark.parametrize("name", ["float4_e2m1fn_x2", "complex32", "bits8"])
def test_a_tensor_that_no_array_can_be_is_listed(path: Path, name: str) -> None:
    dtype = getattr(torch, name, None)
    if dtype is None:
        pytest.skip(f"this torch has no {name}")
    try:
        odd = torch.zeros(8, dtype=torch.int32).view(dtype)
    except RuntimeError:
        odd = torch.empty(8, dtype=dtype)
    torch.save({"packed": odd, "norm": torch.ones(2)}, path)
    with weights.open(path) as source:
        same(source, {"norm": np.ones(2, "f4")})
        assert name in source.skipped["packed"]


def rewritten(path: Path, **members: bytes | None) -> None:
    """Write a torch archive again with some members replaced, left out or added."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    root = next(iter(parts)).partition("/")[0]
    for name, data in members.items():
        full = f"{root}/{name.replace('__', '/')}"
        parts.pop(full, None)
        if data is not None:
            parts[full] = data
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)


@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_refused(path: Path) -> None:
    torch.save({"w": torch.ones(200), "v": torch.ones(3)}, path)
    whole = path.read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 30):
        path.write_bytes(whole[:size])
        refused(path)
    for members in (
        {"data.pkl": b"\x80\x02}q\x00."},  # an empty dict
        {"data.pkl": b"garbage"},
        {"data.pkl": b""},
        {"data__0": None},
        {"data__0": b"\0" * 8},
        {"version": b"99\n"},
        {"../evil": b""},
    ):
        path.write_bytes(whole)
        rewritten(path, **members)
        refused(path)
    torch.save([torch.ones(2)], path)
    refused(path, "a list")
    torch.save({1: torch.ones(2)}, path)
    refused(path)
    torch.save({"w": torch.ones(2, 2).to_sparse()}, path)
    refused(path, "'w'", "dense")
    torch.save({"w": torch.empty(2, device="meta")}, path)
    refused(path, "'w'", "meta")


def test_a_file_that_was_written_over_is_refused_not_touched(path: Path) -> None:
    """torch.save cuts the old file to nothing, which ends whoever reads its mapping."""
    torch.save({"w": torch.ones(1 << 20)}, path)
    with weights.open(path) as source:
        torch.save({"w": torch.ones(2)}, path)
        with pytest.raises(WeightsFormatError, match="renaming another one over it"):
            source["w"]


def test_without_torch_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.ones(2)}, path)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnsupportedError, match=r"pip install '\.\[torch\]'"):
        weights.open(path)

"""Folders of torch.distributed.checkpoint and DeepSpeed: opened where torch reads them."""

from __future__ import annotations

import argparse
import pickle
import random
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import UnsupportedError, WeightsFormatError

from ..samples import refused, same

torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
dcp = pytest.importorskip("torch.distributed.checkpoint", reason="torch is built without it")

pytestmark = pytest.mark.filterwarnings("ignore")
TENSORS = {
    "w": torch.arange(12.0).reshape(3, 4),
    "b": torch.ones(3, dtype=torch.bfloat16),
    "scalar": torch.tensor(2.5),
    "none": torch.zeros(0, 4),
    "wide": torch.arange(20, dtype=torch.int64)[::2],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "dcp"
    dcp.save({"model": dict(TENSORS), "step": 3}, checkpoint_id=path, no_dist=True)
    return path


def wanted() -> Any:
    found = {f"model.{name}": one for name, one in TENSORS.items() if name != "b"}
    values = {name: one.numpy() for name, one in found.items()}
    return {**values, "model.b": np.ones(3, ml_dtypes.bfloat16)}


def test_a_folder_reads_bit_for_bit(folder: Path) -> None:
    with weights.open(folder) as source:
        assert source.kind == "torch distributed checkpoint"
        same(source, wanted())
        assert source.skipped == {"step": "it is pickled, and no tensor"}
        assert [Path(one).name for one in source.files] == [".metadata", "__0_0.distcp"]
        kept = source["model.w"]
    assert kept.tolist() == TENSORS["w"].tolist()


RANKS = """
    import os, sys, torch, torch.distributed as dist
    import torch.distributed.checkpoint as dcp
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    def run(rank, place, store):
        dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
        mesh = init_device_mesh("cpu", (2,))
        rows = distribute_tensor(torch.arange(30.0).reshape(5, 6), mesh, [Shard(0)])
        columns = distribute_tensor(torch.arange(30.0).reshape(5, 6), mesh, [Shard(1)])
        dcp.save({"rows": rows, "columns": columns, "all": torch.ones(2)}, checkpoint_id=place)
        dist.destroy_process_group()

    other = os.fork()  # torch is imported once
    run(int(other != 0), *sys.argv[1:])
    if other:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(other, 0)[1]))
"""


def test_what_several_ranks_wrote_is_put_together(tmp_path: Path) -> None:
    script = tmp_path / "ranks.py"
    script.write_text(textwrap.dedent(RANKS))
    place = tmp_path / "dcp"
    done = subprocess.run(
        [sys.executable, script, place, tmp_path / "store"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(list(place.glob("*.distcp"))) >= 2
    values = np.arange(30.0, dtype="f4").reshape(5, 6)
    same(weights.open(place), {"rows": values, "columns": values, "all": np.ones(2, "f4")})


class Payload:
    """What a hostile pickle does when it is loaded."""

    def __reduce__(self) -> Any:
        return (exec, ("raise SystemExit('the pickle ran')",))


def changed(folder: Path, change: Any) -> None:
    path = folder / ".metadata"
    metadata = pickle.loads(path.read_bytes())
    metadata = change(metadata) or metadata
    path.write_bytes(pickle.dumps(metadata))


def set_place(name: str, **fields: Any) -> Any:
    def change(metadata: Any) -> None:
        for index, place in metadata.storage_data.items():
            if index.fqn == name:
                for field, value in fields.items():
                    object.__setattr__(place, field, value)

    return change


def set_entry(name: str, **fields: Any) -> Any:
    def change(metadata: Any) -> None:
        for field, value in fields.items():
            setattr(metadata.state_dict_metadata[name], field, value)

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda _: Payload(), "builtins.exec is none of a checkpoint's own classes"),
        (lambda _: argparse.Namespace(), "argparse.Namespace is none"),
        (lambda _: {"a": 1}, "the metadata is dict"),
        (set_place("model.w", relative_path="../../x"), "a path inside the folder"),
        (set_place("model.w", relative_path="no.distcp"), "is no file"),
        (set_place("model.w", offset=1 << 40), "but"),
        (set_place("model.w", offset=-1), "no file is given"),
        (set_place("model.w", transform_descriptors=["zstd"]), "transformed by an extension"),
        (set_place("model.w", offset=0, length=10), "a part of (3, 4) has 10 bytes"),
        (set_entry("model.w", size=torch.Size([4, 4])), "12 elements, where float32[4, 4] has 16"),
        (set_entry("model.w", chunks=[]), "0 elements"),
        (set_entry("model.w", size=(-3, 4)), "no dtype of torch and sizes"),
        (lambda m: m.storage_data.clear(), "no file is given"),
    ],
)
def test_damaged_metadata_is_refused_and_never_run(folder: Path, change: Any, said: str) -> None:
    changed(folder, change)
    with pytest.raises(WeightsFormatError) as caught, weights.open(folder) as source:
        dict(source)
    assert said in str(caught.value)


def test_random_damage_to_the_metadata_is_refused_or_harmless(folder: Path) -> None:
    whole, rng = (folder / ".metadata").read_bytes(), random.Random(5)
    refusals = 0
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 4)):
            byte = rng.choice([0, 1, 0x2E, 0x7F, 0xFF, rng.randrange(256)])
            data[rng.randrange(len(data))] = byte
        (folder / ".metadata").write_bytes(data)
        try:
            with weights.open(folder) as source:
                dict(source)
        except WeightsFormatError:
            refusals += 1
    assert refusals > 100


def test_a_size_that_no_file_pays_for_is_refused(folder: Path) -> None:
    def grow(metadata: Any) -> None:
        entry = metadata.state_dict_metadata["model.w"]
        entry.size = entry.chunks[0].sizes = torch.Size([1 << 20, 1 << 20])

    changed(folder, grow)
    with pytest.raises(WeightsFormatError, match="takes 4 for each element"):
        weights.open(folder)


def test_parts_that_overlap_are_refused(folder: Path) -> None:
    def twice(metadata: Any) -> None:
        entry = metadata.state_dict_metadata["model.w"]
        entry.size = torch.Size([6, 4])
        entry.chunks = entry.chunks * 2

    changed(folder, twice)
    with weights.open(folder) as source, pytest.raises(WeightsFormatError, match="overlap"):
        source["model.w"]


def test_files_that_were_cut_short_are_refused(folder: Path) -> None:
    whole = (folder / ".metadata").read_bytes()
    for size in (0, 1, len(whole) // 2, len(whole) - 1):
        (folder / ".metadata").write_bytes(whole[:size])
        with pytest.raises(WeightsFormatError, match="metadata cannot be read"):
            weights.open(folder)
    (folder / ".metadata").write_bytes(whole)
    data = (folder / "__0_0.distcp").read_bytes()
    (folder / "__0_0.distcp").write_bytes(bytes(len(data)))
    with weights.open(folder) as source, pytest.raises(WeightsFormatError, match="refuses it"):
        source["model.w"]
    (folder / "__0_0.distcp").write_bytes(data[: len(data) // 2])
    with pytest.raises(WeightsFormatError, match=r"__0_0\.distcp has"):
        weights.open(folder)


def test_without_torch_the_extra_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UnsupportedError, match=r"pip install '\.\[torch\]'"):
        weights.open(folder)


def deepspeed(folder: Path, *names: str) -> Path:
    """A checkpoint as DeepSpeed lays it out, under the name that its ``latest`` has."""
    place = folder / "global_step7"
    place.mkdir()
    (folder / "latest").write_text("global_step7")
    for name in names:
        states = {"module": {"w": torch.ones(2)}, "global_steps": 7, "ds_config": {}}
        torch.save(states, place / name)
    return place


def test_deepspeed_gives_its_module(tmp_path: Path) -> None:
    names = ("mp_rank_00_model_states.pt", "bf16_zero_pp_rank_0_mp_rank_00_optim_states.pt")
    place = deepspeed(tmp_path, *names)
    for path in (tmp_path, place):
        with weights.open(path) as source:
            assert source.kind == "torch"
            same(source, {"w": np.ones(2, "f4")})
    refused(place / names[0], "key='module'")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["zero_pp_rank_0_mp_rank_00_model_states.pt"], "ZeRO, stage 3"),
        (["mp_rank_00_model_states.pt", "mp_rank_01_model_states.pt"], "2 ranks"),
    ],
)
def test_what_deepspeed_cut_up_is_told(tmp_path: Path, names: list[str], said: str) -> None:
    deepspeed(tmp_path, *names)
    refused(tmp_path, said, "zero_to_fp32.py")

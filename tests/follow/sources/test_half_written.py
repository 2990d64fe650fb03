"""Versions that are not whole yet, in every format: waited for, or passed by."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import follow
from acl_bundle import weights as files
from acl_bundle.errors import WeightsFormatError
from acl_bundle.om._proto.encode import encode

from .. import policy
from ..following import following, opened, publish, put, until


def graphdef(weights: dict[str, Any]) -> bytes:
    """TensorFlow's frozen graph of some float32 weights, a Const node for each."""
    nodes = []
    for name, value in weights.items():
        shape = (2, [(1, one) for one in value.shape])
        attr = (1, "value", 2, (8, (1, 1, 2, shape, 4, value.tobytes())))
        nodes.append((1, name, 2, "Const", 5, attr))
    return encode((1, nodes))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_half_written_file_waits_and_is_applied_when_whole(
    bundle: ab.Bundle, tmp_path: Path, share: float
) -> None:
    whole = files.to_bytes(policy.weights(4))
    file = tmp_path / "weights-4.safetensors"
    file.write_bytes(whole[: int(len(whole) * share)])
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert isinstance(follower.metrics.last_error, WeightsFormatError)
        assert bundle.version == 0
        with file.open("ab") as more:
            more.write(whole[int(len(whole) * share) :])
        follower.wait_for(4, 10)
        metrics = follower.metrics
    assert policy.held(bundle) == 4
    assert (metrics.seen, metrics.applied, metrics.refused) == (1, 1, 0)


@pytest.mark.timed
def test_a_half_written_version_is_passed_by(bundle: ab.Bundle, tmp_path: Path) -> None:
    publish(tmp_path, 1)
    with following(bundle, tmp_path) as follower:
        follower.wait_for(1, 10)
        (tmp_path / "weights-2.safetensors").write_bytes(b"\0" * 20)
        until(lambda: follower.metrics.seen == 2)
        files.save(policy.weights(3), tmp_path / "weights-3.safetensors")
        follower.wait_for(3, 10)
        files.save(policy.weights(2), tmp_path / "weights-2.safetensors")
        time.sleep(0.3)
        metrics = follower.metrics
    assert policy.held(bundle) == bundle.version == 3
    assert (metrics.applied, metrics.passed) == (2, 1)


def test_at_the_start_an_older_whole_version_is_better_than_a_torn_one(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    publish(tmp_path, 1)
    publish(tmp_path, 2)
    (tmp_path / "weights-3.safetensors").write_bytes(b"half")
    with following(bundle, tmp_path) as follower:
        follower.wait_for(2, 10)
        files.save(policy.weights(3), tmp_path / "weights-3.safetensors")
        follower.wait_for(3, 10)
    assert policy.held(bundle) == 3


def test_a_half_written_folder_of_npy_files_waits(bundle: ab.Bundle, tmp_path: Path) -> None:
    folder = tmp_path / "step-1"
    folder.mkdir()
    np.save(folder / "w.npy", policy.weights(1)["w"])
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert "it lacks b" in str(follower.metrics.last_error)
        assert bundle.version == 0
        np.save(folder / "b.npy", policy.weights(1)["b"])
        follower.wait_for(1, 10)
    assert policy.held(bundle) == 1


def test_a_frozen_graph_that_lacks_a_node_waits(bundle: ab.Bundle, tmp_path: Path) -> None:
    """Cut between two nodes, a GraphDef is a whole one of fewer nodes."""
    whole = graphdef(policy.weights(1))
    cut = graphdef({"w": policy.weights(1)["w"]})
    assert whole.startswith(cut)
    (tmp_path / "policy-1.pb").write_bytes(cut)
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 2)
        assert "it lacks b" in str(follower.metrics.last_error)
        assert bundle.version == 0
        (tmp_path / "policy-1.pb").write_bytes(whole)
        follower.wait_for(1, 10)
    assert policy.held(bundle) == 1


@pytest.mark.timed
def test_a_folder_of_shards_waits_for_its_index(bundle: ab.Bundle, tmp_path: Path) -> None:
    folder, given = tmp_path / "step-1", policy.weights(1)
    folder.mkdir()
    first, second = (f"model-0000{n}-of-00002.safetensors" for n in (1, 2))
    files.save({"w": given["w"]}, folder / first)
    with following(bundle, tmp_path) as follower:
        until(lambda: follower.metrics.errors >= 1)
        assert "one of several shards" in str(follower.metrics.last_error)
        index = f'{{"weight_map": {{"w": "{first}", "b": "{second}"}}}}'
        (folder / "model.safetensors.index.json").write_text(index)
        time.sleep(0.2)
        assert bundle.version == 0
        files.save({"b": given["b"]}, folder / second)
        follower.wait_for(1, 10)
    assert policy.held(bundle) == 1


def test_formats_are_told_by_content(bundle: ab.Bundle, tmp_path: Path) -> None:
    with following(bundle, tmp_path, after=0) as follower:
        np.savez(tmp_path / ".1", **policy.weights(1))
        os.rename(tmp_path / ".1.npz", tmp_path / "policy-1")
        follower.wait_for(1, 10)
        assert policy.held(bundle) == 1
        made = tmp_path / ".2"
        made.mkdir()
        for name, value in policy.weights(2).items():
            np.save(made / name, value)
        os.rename(made, tmp_path / "policy-2")
        follower.wait_for(2, 10)
    assert policy.held(bundle) == 2


def test_a_file_that_is_replaced_while_it_is_opened(tmp_path: Path) -> None:
    put(tmp_path, "policy.safetensors")
    source = follow.Directory(tmp_path)
    (found,) = source.versions()
    put(tmp_path, "policy.safetensors")
    with pytest.raises(WeightsFormatError, match="it changed while it was opened"), found.open():
        pass
    source.close()


def test_a_version_under_another_ones_name_is_not_applied(tmp_path: Path) -> None:
    publish(tmp_path, 7)
    os.rename(tmp_path / "weights-7.safetensors", tmp_path / "weights-8.safetensors")
    with pytest.raises(WeightsFormatError, match="it holds version 7, but is called 8"):
        opened(tmp_path)

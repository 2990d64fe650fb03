"""Files that are not what they should be: one clear error each, nothing live."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

import acl_bundle as ab
from acl_bundle import fake, om

pytestmark = pytest.mark.usefixtures("fake_acl")


def refused(path: Path | bytes, message: str) -> None:
    with pytest.raises(ab.BundleFormatError, match=message):
        ab.Bundle.load(path)
    assert fake.live() == []


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.om"):
        ab.Bundle.load(tmp_path / "absent.om")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=tmp_path.name):
        ab.Bundle.load(tmp_path)


@pytest.mark.parametrize("source", [123, None, 1.5, ["policy.om"]])
def test_something_that_is_no_source(source: Any) -> None:
    with pytest.raises(TypeError, match="give a path or the file's bytes, not"):
        ab.Bundle.load(source)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_a_source(mlp: Any, kind: Any) -> None:
    with ab.Bundle.load(kind(mlp.path.read_bytes()), variables="library") as bundle:
        bundle.init()


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "empty.om").touch()
    refused(tmp_path / "empty.om", r"empty\.om")


@pytest.mark.parametrize("keep", [1, 3, 255, 263, 300, 0.5, -1])
def test_a_truncated_file(mlp: Any, tmp_path: Path, keep: float) -> None:
    whole = mlp.path.read_bytes()
    size = int(len(whole) * keep) if 0 < keep < 1 else int(keep)
    (tmp_path / "cut.om").write_bytes(whole[:size])
    refused(tmp_path / "cut.om", r"cut\.om")


def test_another_kind_of_file(tmp_path: Path) -> None:
    refused(b"\x7fELF" + bytes(1000), "no bundle")
    refused(b"PK\x03\x04" + bytes(1000), "OM2|ZIP")


@pytest.mark.parametrize("size", [0, 1, 2**31, 2**63, 2**64 - 1])
@pytest.mark.parametrize("entry", [0, 1, 3])
def test_a_corrupted_partition_size(mlp: Any, tmp_path: Path, entry: int, size: int) -> None:
    """Facts 5.1: entry i of the table starts at 264 + 24 i, its size at + 16."""
    data = bytearray(mlp.path.read_bytes())
    struct.pack_into("<Q", data, 264 + 24 * entry + 16, size)
    (tmp_path / "bad.om").write_bytes(data)
    with pytest.raises((ab.BundleFormatError, ab.AclError)):
        ab.Bundle.load(tmp_path / "bad.om")
    assert fake.live() == []


def as_for_a_chip(path: Path) -> bytes:
    """The same bundle with tasks that are not ours, as a compiler would write them."""
    return path.read_bytes().replace(b"ACLPROG1", b"\x0a\x06chip\x00\x00")


@pytest.mark.parametrize(("flow", "code"), [("owned", 545004), ("library", 500002)])
def test_a_file_compiled_for_a_chip(mlp: Any, flow: Any, code: int) -> None:
    """Only the query that the owned flow makes returns a code of a partition (facts 1.8)."""
    with pytest.raises(ab.AclError, match="compiled for a chip") as caught:
        ab.Bundle.load(as_for_a_chip(mlp.path), variables=flow)
    assert caught.value.code == code
    assert fake.live() == []


def test_the_reader_takes_apart_a_file_compiled_for_a_chip(mlp: Any) -> None:
    bundle = om.open_bundle(as_for_a_chip(mlp.path))
    assert {n: v.shape for n, v in bundle.variables.items()} == {
        name: value.shape for name, value in mlp.weights.items()
    }
    assert [model.name for model in bundle.models] == [
        "var_infer_graph", "var_init_graph", "var_update_graph",
    ]  # fmt: skip


def test_owned_variables_are_refused_for_weights_outside_the_file(
    mlp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(om.Bundle, "has_external_weights", True)
    with pytest.raises(ab.UnsupportedError, match="keeps weights outside"):
        ab.Bundle.load(mlp.path, variables="owned")
    with ab.Bundle.load(mlp.path):
        assert fake.calls().get("aclmdlBundleLoadFromFile") == 1


def test_a_flow_of_another_name(mlp: Any) -> None:
    with pytest.raises(ValueError, match="'auto', 'owned' or 'library', not 'mine'"):
        ab.Bundle.load(mlp.path, variables="mine")  # type: ignore[arg-type]


@pytest.mark.parametrize("device", [99, -1])
def test_a_device_that_is_not_there(mlp: Any, device: int) -> None:
    with pytest.raises(ab.AclUsageError) as caught:
        ab.Bundle.load(mlp.path, device=device)
    assert (caught.value.function, caught.value.code) == ("aclrtSetDevice", 107001)
    assert fake.live() == []


def test_no_room_on_the_device(mlp: Any) -> None:
    fake.set("memory", 2048)
    with pytest.raises(ab.AclResourceError):
        ab.Bundle.load(mlp.path)
    assert fake.live() == []

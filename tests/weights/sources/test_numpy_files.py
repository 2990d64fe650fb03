"""numpy's own files: archives, single arrays, folders; never pickles."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightsFormatError
from acl_bundle.weights._sources import archive as archives

from ..samples import BF16, arrays, refused, replaced, same


def npy(array: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def archive(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members:
            file.writestr(name, data)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.bin"


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_an_archive_of_numpy_reads_bit_for_bit(path: Path, save: object) -> None:
    wanted = arrays()
    with open(path, "wb") as file:
        save(file, **wanted)  # type: ignore[operator]
    with weights.open(path) as source:
        assert source.kind == "npz"
        same(source, wanted)


def test_stored_members_are_views_and_deflated_ones_are_not(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), w=np.ones(1000))
    np.savez_compressed(path.with_suffix(".z.npz"), w=np.ones(1000))
    stored = weights.open(path.with_suffix(".npz"))["w"]
    base = stored
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base.base, memoryview)
    assert not stored.flags.writeable
    assert weights.open(path.with_suffix(".z.npz"))["w"].sum() == 1000


def test_column_order_and_swapped_bytes_give_the_same_values(path: Path) -> None:
    wanted = np.arange(12.0).reshape(3, 4)
    with open(path, "wb") as file:
        np.savez(file, column=np.asfortranarray(wanted), swapped=wanted.astype(">f8"))
    source = weights.open(path)
    for name in source:
        assert np.array_equal(source[name], wanted)
        assert source[name].dtype.isnative
        assert source.spec(name).dtype is np.dtype("f8")
    assert source["column"].flags.f_contiguous


def test_text_in_an_archive_is_skipped_and_listed(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, w=np.ones(2), words=np.array(["a"]), when=np.array(["2020-01-01"], "M8[D]"))
    source = weights.open(path)
    assert list(source) == ["w"]
    assert set(source.skipped) == {"words", "when"}


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def _central(data: bytes) -> int:
    return data.index(b"PK\x01\x02")


def test_pickles_are_refused_whatever_they_hold(path: Path) -> None:
    refused(archive(path, ("w.npy", npy(np.array([{}, 1], object)))), "'w.npy'", "pickled")
    path.write_bytes(npy(np.array([None])))
    refused(path, "pickled")


def test_bytes_of_no_type_are_refused(path: Path) -> None:
    path.write_bytes(npy(np.ones(3, BF16)))
    refused(path, "|V2", "bfloat16")


@pytest.mark.parametrize(
    "name", ["../w.npy", "/w.npy", "a/../../w.npy", "a\\w.npy", "..", "a/..\\b.npy"]
)
def test_a_member_that_leads_elsewhere_is_refused(path: Path, name: str) -> None:
    refused(archive(path, (name, npy(np.ones(1)))), "leads elsewhere")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_damaged_archives_are_refused(path: Path) -> None:
    one, two = npy(np.ones(3)), npy(np.zeros(9))
    refused(archive(path, ("w.npy", one), ("w.npy", two)), "'w.npy'", "unique")
    refused(archive(path, ("w.txt", one)), "'w.txt'", "no .npy")
    refused(archive(path, ("w.npy", one[:-1])), "'w.npy'", "152 bytes", "151 are there")
    refused(archive(path, ("w.npy", one + b"x")), "'w.npy'", "153")
    refused(archive(path, ("w.npy", b"\x93NUMPY\x09\x00" + one[8:])), "'w.npy'", "header")
    refused(archive(path, ("w.npy", replaced(one, b"'<f8'", b"'<f9'"))), "'w.npy'", "header")
    refused(archive(path, ("w.npy", replaced(one, b"(3,)", b"-3  "))), "'w.npy'")
    refused(archive(path, ("w.npy", one), method=zipfile.ZIP_BZIP2), "method 12")
    whole = archive(path, ("w.npy", one), ("v.npy", two)).read_bytes()
    for size in (len(whole) - 1, len(whole) // 2, 40, 4):
        path.write_bytes(whole[:size])
        refused(path, kind="npz")


def test_an_archive_that_contradicts_itself_is_refused(path: Path) -> None:
    whole = archive(path, ("w.npy", npy(np.ones(3))), ("v.npy", npy(np.zeros(9)))).read_bytes()
    central = _central(whole)
    for at, parts in {
        0: ("does not lie",),  # the local signature
        6: ("encrypted",),  # its flags
        8: ("method",),
        26: (),  # the length of its name
        central + 46: (),  # its name in the directory
        30: ("same",),  # its name
        central + 8: ("encrypted",),
        central + 43: (),  # where it lies
        central + 24: ("takes 152 bytes",),  # how large it is said to be
    }.items():
        value = 1 if at in (6, central + 8) else whole[at] ^ 0x55
        path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
        refused(path, *parts, kind="npz")


def test_bombs_are_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_BOMB_SIZE", 1 << 20)
    deflated = zipfile.ZIP_DEFLATED
    bomb = npy(np.zeros(1 << 18))
    refused(archive(path, ("w.npy", bomb), method=deflated), "bomb")
    whole = archive(path, ("w.npy", npy(np.zeros(64))), method=deflated).read_bytes()
    at = _central(whole) + 24
    path.write_bytes(whole[:at] + struct.pack("<I", 1 << 28) + whole[at + 4 :])
    refused(path, "which no archive can hold")


def test_overlapping_members_are_refused(path: Path) -> None:
    inner = archive(path, ("w.npy", npy(np.ones(3)))).read_bytes()
    whole = archive(path, ("v.npy", inner[: _central(inner)]), ("w.npy", npy(np.ones(3))))
    data = whole.read_bytes()
    second = data.rindex(b"PK\x01\x02")
    at = data.index(b"PK\x03\x04", 4)  # the archive inside the first member
    path.write_bytes(data[: second + 42] + struct.pack("<I", at) + data[second + 46 :])
    refused(path, "'w.npy'", kind="npz")


def test_a_deflated_member_that_is_damaged_is_refused_when_it_is_read(path: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(4000)
    whole = archive(path, ("w.npy", npy(noise)), method=zipfile.ZIP_DEFLATED).read_bytes()
    path.write_bytes(_flip(whole, _central(whole) - 40))
    with (
        weights.open(path) as source,
        pytest.raises(WeightsFormatError, match=r"'w\.npy' .*inflat"),
    ):
        source["w"]


def test_a_single_array_opens_under_its_files_name(tmp_path: Path) -> None:
    np.save(tmp_path / "bias.npy", np.ones((2, 3)))
    with weights.open(tmp_path / "bias.npy") as source:
        same(source, {"bias": np.ones((2, 3))})


def test_damaged_arrays_are_refused(path: Path) -> None:
    one = npy(np.ones((2, 3), "f4"))
    for data in (
        one[:-1],
        one + b"\0",
        one[:60],
        one[:9],
        replaced(one, b"(2, 3)", b"(2,-3)"),
        replaced(one, b"(2, 3)", b"(9e9,)"),
        replaced(one, b"'descr'", b"'descx'"),
        replaced(one, b"<f4", b"|O "),
        replaced(one, b"False", b"Fals_"),
        replaced(one, b"{'descr'", b"{(descr'"),
        replaced(one, b"'shape'", b"'sha\0e'"),
        one[:8] + b"\xff\xff" + one[10:],
        npy(np.zeros(2, [("a", "f4")])),
        npy(np.array(["text"])),
    ):
        path.write_bytes(data)
        refused(path)


def test_a_folder_opens_by_path(tmp_path: Path) -> None:
    wanted = {"bias": np.ones(2), "encoder/0/weight": np.zeros((2, 2), "f4")}
    for name, value in wanted.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        np.save(tmp_path / f"{name}.npy", value)
    with weights.open(tmp_path) as source:
        assert source.kind == "npy folder"
        same(source, wanted)


def test_what_is_no_number_in_a_folder_is_listed(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones(2))
    np.save(tmp_path / "labels.npy", np.array(["cat", "dog"]))
    with weights.open(tmp_path) as source:
        same(source, {"w": np.ones(2)})
        assert source.skipped == {"labels": "dtype <U3 holds no numbers"}


def test_a_folder_that_is_damaged_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(WeightsFormatError, match=r"has no \.npy"):
        weights.open(folder)
    outside = tmp_path / "outside.npy"
    np.save(outside, np.ones(1))
    (folder / "w.npy").symlink_to(outside)
    refused(folder, "leads out")
    (folder / "w.npy").unlink()
    (folder / "w.npy").mkdir()
    refused(folder, "no file")
    (folder / "w.npy").rmdir()
    (folder / "w.npy").symlink_to("nowhere")
    refused(folder, "no file")
    (folder / "w.npy").unlink()
    os.mkfifo(folder / "w.npy")
    refused(folder, "no file")
    (folder / "w.npy").unlink()
    np.save(folder / "v.npy", np.ones(4))
    one = npy(np.ones(4))
    for data, part in {
        one[:-1]: "159 are there",
        one + b"x": "161 are there",
        one[:40]: "header",
        b"": "header",
        replaced(one, b"(4,)", b"-4  "): "w.npy",
        npy(np.array([None])): "pickled",
        npy(np.ones(3, BF16)): "|V2",
    }.items():
        (folder / "w.npy").write_bytes(data)
        refused(folder, "w.npy", part)


def test_a_file_that_changes_its_shape_meanwhile_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "w.npy", np.ones(4))
    source = weights.open(tmp_path)
    np.save(tmp_path / "w.npy", np.ones(5))
    with pytest.raises(WeightsFormatError, match=r"w\.npy: it is not what it was"):
        source["w"]

"""`run_pipeline`: feeds that are files, outputs that become files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from acl_bundle.compat import InferSession

from .test_infer_session import SHAPES, computed, feeds, saved

pytestmark = pytest.mark.usefixtures("fake_acl")


def lists(folder: Path, shapes: list[tuple[int, ...]], suffix: str = ".npy") -> list[list[str]]:
    """Files of feeds, one list for each shape."""
    made = []
    for at, shape in enumerate(shapes):
        paths = [folder / f"{side}{at}{suffix}" for side in ("left", "right")]
        for path, array in zip(paths, feeds(shape, at), strict=True):
            if suffix == ".npy":
                np.save(path, array)
            else:
                array.tofile(path)
        made.append([str(path) for path in paths])
    return made


def same(path: Path, wanted: Any) -> None:
    np.testing.assert_allclose(np.load(path), wanted, rtol=1e-6)


@pytest.mark.parametrize("mode", SHAPES)
def test_files_become_files(mode: str, tmp_path: Path) -> None:
    shapes = SHAPES[mode][2]
    many = lists(tmp_path, shapes)
    with InferSession(0, saved(tmp_path, mode)) as session:
        session.run_pipeline(
            many, tmp_path / "out", mode == "dymshape", mode == "dymdims", outfmt="NPY"
        )
        assert len(session.summary()) == len(shapes)
    for at, shape in enumerate(shapes):
        for index, wanted in enumerate(computed(mode, feeds(shape, at))):
            same(tmp_path / "out" / f"left{at}_{index}.npy", wanted)
    assert len([*(tmp_path / "out").iterdir()]) == 2 * len(shapes)


def test_raw_files_have_the_shape_that_was_chosen(tmp_path: Path) -> None:
    many = lists(tmp_path, [(2, 3)] * 3, ".bin")
    with InferSession(0, saved(tmp_path, "dymbatch")) as session:
        session.set_dynamic_batchsize(2)
        session.run_pipeline(many, str(tmp_path))
    total, difference = computed("dymbatch", feeds((2, 3), 2))
    np.testing.assert_array_equal(
        np.fromfile(tmp_path / "left2_0.bin", np.float32).reshape(2, 3), total
    )
    np.testing.assert_array_equal(
        np.fromfile(tmp_path / "left2_1.bin", np.float32), difference.ravel()
    )


def test_texts(tmp_path: Path) -> None:
    with InferSession(0, saved(tmp_path, "static")) as session:
        session.run_pipeline(lists(tmp_path, [(2, 3)]), tmp_path, outfmt="TXT")
    found = np.loadtxt(tmp_path / "left0_0.txt", dtype=np.float32)
    np.testing.assert_array_equal(found, computed("static", feeds((2, 3)))[0])


def test_sessions_share_the_work(tmp_path: Path, fake_acl: Any) -> None:
    many, path = lists(tmp_path, [(2, 3)] * 5), saved(tmp_path, "static")
    with InferSession(0, path) as one, InferSession(0, path) as other:
        one.run_pipeline(many, tmp_path, outfmt="NPY", extra_session=[other])
        assert [len(session.summary()) for session in (one, other)] == [3, 2]
    for at in range(5):
        same(tmp_path / f"left{at}_0.npy", computed("static", feeds((2, 3), at))[0])
    assert fake_acl.live == []


def test_nothing_is_read_or_written(tmp_path: Path) -> None:
    """As `python -m ais_bench` without --input does."""
    with InferSession(0, saved(tmp_path, "static")) as session:
        session.run_pipeline([["pure_infer_data_zero"] * 2] * 2, "", pure_infer_mode=True)
        named = [["pure_infer_data_random", "pure_infer_data"]]
        session.run_pipeline(named, tmp_path / "out", outfmt="NPY", pure_infer_mode=True)
        assert len(session.summary()) == 3
    found = np.load(tmp_path / "out" / "pure_infer_data_random_0.npy")
    assert found.shape == (2, 3)
    assert set(np.unique(found)) <= {0, 1}


def test_no_output_replaces_another_or_an_input(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
    many = [*lists(one, [(2, 3)]), *lists(other, [(2, 3)])]
    with InferSession(0, saved(tmp_path, "static")) as session:
        with pytest.raises(ValueError, match=r"other/left0.npy and .*one/left0.npy would have one"):
            session.run_pipeline(many, tmp_path / "out", outfmt="NPY")
        assert not (tmp_path / "out").exists()
        session.run_pipeline([many[0], many[0]], tmp_path / "out", outfmt="NPY")  # the same twice
        mixed = [many[0], [many[0][0], many[1][1]]]
        with pytest.raises(ValueError, match=r"other/right0.npy'\] and .* would have one name"):
            session.run_pipeline(mixed, tmp_path / "out", outfmt="NPY")
        taken = one / "left0_1.npy"
        taken.hardlink_to(one / "left0.npy")
        before, names = taken.read_bytes(), sorted(one.iterdir())
        session.run_pipeline([[many[0][0], str(taken)]], one, outfmt="TXT")
        for path in one.glob("*.txt"):
            path.unlink()
        with pytest.raises(ValueError, match=r"left0.npy would replace the input .*left0_1.npy"):
            session.run_pipeline([[many[0][0], str(taken)]], one, outfmt="NPY")
        assert sorted(one.iterdir()) == names
        assert taken.read_bytes() == before
        runs = len(session.summary())
    assert runs == 3


def test_what_does_not_fit(tmp_path: Path) -> None:
    many = lists(tmp_path, [(2, 3)])
    short, odd = tmp_path / "short.bin", tmp_path / "odd.bin"
    short.write_bytes(bytes(20))
    odd.write_bytes(bytes(23))
    with InferSession(0, saved(tmp_path, "static")) as session:
        with pytest.raises(ValueError, match="outfmt is 'JSON'; BIN, NPY, TXT are right"):
            session.run_pipeline(many, "", outfmt="JSON")
        with pytest.raises(ValueError, match="there are 1 files in a list; the inputs are left, r"):
            session.run_pipeline([many[0], many[0][:1]], tmp_path / "out")
        with pytest.raises(TypeError, match=r"each of infilelist is 'a\.npy'; give a list"):
            session.run_pipeline(["a.npy"], "")
        with pytest.raises(TypeError, match="extra_session has 3; sessions are right"):
            session.run_pipeline(many, "", extra_session=[3])  # type: ignore[list-item]
        with pytest.raises(ValueError, match="mode is 'dymshape'; the file's inputs are those of"):
            session.run_pipeline(many, "", auto_shape=True)
        with pytest.raises(OSError, match="nowhere"):
            session.run_pipeline([["nowhere.bin"] * 2], "")
        with pytest.raises(ValueError, match="left"):
            session.run_pipeline([[short, short]], "")
        with pytest.raises(ValueError, match=r"odd.bin has 23 bytes, no whole number of float32s"):
            session.run_pipeline([[odd, odd]], "")
        np.save(tmp_path / "double.npy", np.zeros((2, 3)))
        with pytest.raises(TypeError, match="left"):
            session.run_pipeline([[tmp_path / "double.npy"] * 2], "")
        assert not (tmp_path / "out").exists()
        assert session.summary() == []
        session.run_pipeline([], "")
    with InferSession(0, saved(tmp_path, "dymshape")) as session:
        with pytest.raises(ValueError, match=r"short.bin is no .npy, and has no shape for 'left'"):
            session.run_pipeline([[short, short]], "", auto_shape=True)
        with pytest.raises(ValueError, match=r"'left' has open dims, .*; choose a shape before"):
            session.run_pipeline([["a", "b"]], "", pure_infer_mode=True)


def test_a_file_that_is_no_npy_is_named(tmp_path: Path) -> None:
    (tmp_path / "junk.npy").write_bytes(b"junk")
    (tmp_path / "empty.NPY").write_bytes(b"")
    with (tmp_path / "many.npy").open("wb") as file:
        np.savez(file, x=np.zeros(1), y=np.zeros(1))
    with InferSession(0, saved(tmp_path, "static")) as session:
        for name in "junk.npy", "empty.NPY", "many.npy":
            path = tmp_path / name
            with pytest.raises(ValueError, match=f"{name} is no array of numbers"):
                session.run_pipeline([[path, path]], "")
            with pytest.raises(ValueError, match=f"{name} is no array of numbers"):
                session.create_tensor_from_fileslist(session.get_inputs()[0], [path])

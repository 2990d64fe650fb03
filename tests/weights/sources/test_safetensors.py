"""safetensors: files of the real library, damaged ones, and random damage."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acl_bundle import weights
from acl_bundle.errors import WeightError, WeightsFormatError

from ..samples import BF16, F8, PLAIN, arrays, refused, safetensors, same

real = pytest.importorskip("safetensors", reason="the safetensors wheel is not installed")
numpy_side = pytest.importorskip("safetensors.numpy")

W = '"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'
V = '"v":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "model.bin"  # the name says nothing


def test_a_file_of_the_real_library_reads_bit_for_bit(path: Path) -> None:
    wanted = arrays()
    numpy_side.save_file(wanted, path, metadata={"format": "np"})
    with weights.open(path) as source:
        assert source.kind == "safetensors"
        same(source, wanted)
        assert source.metadata == {"format": "np"}  # type: ignore[attr-defined]
        assert source.nbytes == sum(one.nbytes for one in wanted.values())


def test_half_and_eighth_types_of_torch_read_bit_for_bit(path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    torch_side = pytest.importorskip("safetensors.torch")
    values = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)
    tensors = {
        "half": torch.tensor(values).to(torch.bfloat16),
        "eighth": torch.tensor(values).to(torch.float8_e4m3fn),
    }
    torch_side.save_file(tensors, path)
    with weights.open(path) as source:
        same(source, {"half": values.astype(BF16), "eighth": values.astype(F8)})


def test_what_we_save_the_real_library_reads(path: Path) -> None:
    wanted = arrays()
    weights.save(wanted, path, metadata={"a": "b"})
    same(numpy_side.load_file(path), wanted)
    with real.safe_open(path, "np") as file:
        assert file.metadata() == {"a": "b"}
    assert weights.to_bytes(wanted, metadata={"a": "b"}) == path.read_bytes()


def test_what_we_save_is_aligned_and_comes_back(path: Path) -> None:
    wanted = arrays(*PLAIN, BF16, F8)
    weights.save(wanted, path)
    with weights.open(path) as source:
        same(source, wanted)
        assert all(source[name].flags.aligned for name in source)


def test_a_buffer_reads_as_a_file_does() -> None:
    wanted = arrays()
    same(weights.Safetensors(weights.to_bytes(wanted)), wanted)


def test_reading_maps_and_does_not_copy(path: Path) -> None:
    big = {f"w{i}": np.ones(8 << 20, np.uint8) for i in range(16)}
    weights.save(big, path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    with weights.open(path) as source:
        views = [source[name] for name in source]
        assert all(not view.flags.owndata and not view.flags.writeable for view in views)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    assert faults < 2000  # 128 MiB are 32768 pages
    assert int(views[3].sum()) == 8 << 20  # valid after close


DAMAGED: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "truncated data": (safetensors("{" + W + "," + V + "}", b"\0" * 8), ("'v'", "12", "cut short")),
    "truncated header": (safetensors("{" + W, length=500), ("length is 500",)),
    "absurd length": (safetensors("{" + W + "}", b"", 1 << 62), ("100000000 is the most",)),
    "no JSON": (safetensors("{" + W + ",}" + " " * 8, b"\0" * 8), ("no JSON", "at byte")),
    "no UTF-8": (safetensors(b'{"\xff":1}'), ("not UTF-8", "byte 10")),
    "name twice": (safetensors("{" + W + "," + W + "}", b"\0" * 8), ("'w' twice",)),
    "key twice": (
        safetensors('{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'),
        ("'dtype' twice",),
    ),
    "overlap": (
        safetensors("{" + W + "," + V.replace("8,12", "4,8") + "}", b"\0" * 8),
        ("'v'", "overlaps 'w'"),
    ),
    "hole": (
        safetensors("{" + W + "," + V.replace("8,12", "12,16") + "}", b"\0" * 16),
        ("'v'", "hole"),
    ),
    "bytes behind": (safetensors("{" + W + "}", b"\0" * 9), ("1 bytes follow",)),
    "offsets beyond": (safetensors("{" + W.replace("0,8", "0,80") + "}", b"\0" * 8), ("80",)),
    "offsets reversed": (safetensors("{" + W.replace("0,8", "8,0") + "}", b"\0" * 8), ("[8, 0]",)),
    "negative offset": (safetensors("{" + W.replace("0,8", "-8,0") + "}", b"\0" * 8), ("-8",)),
    "unknown dtype": (
        safetensors("{" + W.replace("F32", "F33") + "}", b"\0" * 8),
        ("'F33'", "F32"),
    ),
    "dtype of bits": (
        safetensors("{" + W.replace("F32", "F4") + "}", b"\0" * 8),
        ("'w'", "F4", "[0, 8]"),
    ),
    "negative size": (safetensors("{" + W.replace("[2]", "[-2]") + "}", b"\0" * 8), ("[-2]",)),
    "true as size": (safetensors("{" + W.replace("[2]", "[true]") + "}", b"\0" * 8), ("[True]",)),
    "huge size": (safetensors("{" + W.replace("[2]", f"[0,{1 << 70}]") + "}"), ("shape",)),
    "huge, and empty": (
        safetensors("{" + W.replace("[2]", f"[0,{1 << 47},{1 << 47}]").replace("0,8", "0,0") + "}"),
        ("'w' has shape", "2**63"),
    ),
    "huge digits": (safetensors("{" + W.replace("[2]", "[" + "9" * 5000 + "]") + "}"), ("JSON",)),
    "many axes": (safetensors("{" + W.replace("[2]", str([1] * 65)) + "}", b"\0" * 8), ("64",)),
    "wrong size": (safetensors("{" + W.replace("[2]", "[3]") + "}", b"\0" * 8), ("12 bytes",)),
    "no entry": (safetensors('{"w":5}'), ("'w' is '5'",)),
    "extra key": (safetensors('{"w":{"dtype":"F32"}}'), ("data_offsets are right",)),
    "odd metadata": (safetensors('{"__metadata__":{"a":1},' + W + "}", b"\0" * 8), ("strings",)),
    "lone surrogate": (safetensors('{"\\ud800":{}}'), ("Unicode",)),
    "deep": (safetensors('{"a":' * 100_000 + "1" + "}" * 100_000), ("'a' is",)),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_refused_by_name(path: Path, kind: str) -> None:
    data, parts = DAMAGED[kind]
    path.write_bytes(data)
    refused(path, *parts, kind="safetensors")
    refused(path)  # told by content too


@pytest.mark.parametrize("data", [b"", b"abc", b"\x02\0\0\0\0\0\0\0[]"])
def test_what_is_no_safetensors_file_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    refused(path, kind="safetensors")


def test_an_unpadded_header_gives_values_all_the_same(path: Path) -> None:
    path.write_bytes(safetensors("{" + W + " }", np.array([1, 2], "<f4").tobytes()))
    with weights.open(path) as source:
        assert source["w"].tolist() == [1, 2]


def test_saving_over_the_file_being_read_is_refused(path: Path) -> None:
    weights.save({"w": np.ones(3)}, path)
    link = path.with_name("link")
    link.symlink_to(path)
    with weights.open(path) as source, pytest.raises(ValueError, match="is the input"):
        weights.save(weights.rename(source, add_prefix="a."), link)
    assert list(weights.open(path)) == ["w"]
    assert sorted(one.name for one in path.parent.iterdir()) == ["link", "model.bin"]


def test_a_dtype_the_format_lacks_is_refused_and_nothing_is_left(path: Path) -> None:
    with pytest.raises(WeightError, match=r"'w' is complex128"):
        weights.save({"w": np.ones(3, "c16")}, path)
    assert list(path.parent.iterdir()) == []


BASE = weights.to_bytes({"w": np.arange(6, dtype="f4").reshape(2, 3), "b": np.ones(3, "f2")})


def _read(data: bytes) -> dict[str, Any]:
    source = weights.Safetensors(data)
    return {name: source[name] for name in source}


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_random_damage_is_refused_or_harmless(data: st.DataObject) -> None:
    """What we take, the real library takes too, and with the same values."""
    raw = bytearray(BASE)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        how = data.draw(st.sampled_from(["set", "insert", "delete", "cut"]))
        if how == "set" and raw:
            raw[at] = data.draw(st.one_of(st.integers(0, 255), st.sampled_from(b'{}[]",:0189 ')))
        elif how == "insert":
            raw[at:at] = data.draw(st.binary(min_size=1, max_size=9))
        elif how == "delete":
            del raw[at : at + data.draw(st.integers(1, 9))]
        else:
            del raw[max(at, 1) :]
    try:
        ours = _read(bytes(raw))
    except WeightsFormatError:
        return
    same(ours, numpy_side.load(bytes(raw)))


@settings(max_examples=200)
@given(
    entry=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=6,
    ),
    field=st.sampled_from(["w", "dtype", "shape", "data_offsets", "__metadata__"]),
)
def test_any_json_in_any_place_is_refused_or_harmless(entry: Any, field: str) -> None:
    tensor = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}
    header = {field: entry} if field in ("w", "__metadata__") else {"w": {**tensor, field: entry}}
    raw = safetensors(json.dumps(header), b"\0" * 8)
    try:
        ours = _read(raw)
    except WeightsFormatError:
        return
    same(ours, numpy_side.load(raw))


def test_an_interrupt_after_the_rename_hides_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C may fall between the rename and the end of the function."""
    rename = os.replace

    def interrupted(source: Path, target: Path) -> None:
        rename(source, target)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        weights.save({"w": np.ones(3)}, tmp_path / "w")
    assert [one.name for one in tmp_path.iterdir()] == ["w"]


@pytest.mark.parametrize(("dtype", "bits"), [("F4", 4), ("F6_E2M3", 6), ("F6_E3M2", 6)])
def test_packed_tensors_are_listed_and_block_nothing(tmp_path: Path, dtype: str, bits: int) -> None:
    path = tmp_path / "w.safetensors"
    nbytes = 16 * bits // 8
    entry = {"dtype": dtype, "shape": [2, 8], "data_offsets": [0, nbytes]}
    norm = {"dtype": "F32", "shape": [1], "data_offsets": [nbytes, nbytes + 4]}
    data = bytes(nbytes) + np.ones(1, "<f4").tobytes()
    path.write_bytes(safetensors(json.dumps({"w": entry, "norm": norm}), data))
    with weights.open(path) as source:
        same(source, {"norm": np.ones(1, "f4")})
        assert source.skipped == {"w": f"{dtype} packs elements of {bits} bits, [2, 8] of them"}
    for wrong in ([2, 7], [2, 9], [3]):
        path.write_bytes(
            safetensors(json.dumps({"w": {**entry, "shape": wrong}, "norm": norm}), data)
        )
        refused(path, "'w'", f"data_offsets [0, {nbytes}]")
    path.write_bytes(safetensors(json.dumps({"w": {**entry, "dtype": "F5"}, "norm": norm}), data))
    refused(path, "'F5'")


def test_packed_tensors_as_the_format_s_own_library_writes_them(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="the torch wheel is not installed")
    if not hasattr(torch, "float4_e2m1fn_x2"):
        pytest.skip("this torch has no float4")
    save_file = pytest.importorskip("safetensors.torch").save_file
    packed = torch.zeros(2, 4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2)
    save_file({"w": packed, "n": torch.ones(2)}, tmp_path / "w.safetensors")
    with weights.open(tmp_path / "w.safetensors") as source:
        same(source, {"n": np.ones(2, "f4")})
        assert list(source.skipped) == ["w"]

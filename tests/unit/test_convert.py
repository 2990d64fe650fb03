"""float32 to float16 and bfloat16 in C: bit for bit what numpy and ml_dtypes make of it."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from acl_bundle._binding.shim import ffi, lib

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
MOVES = {"float16": (lib.AB_MOVE_HALF, np.dtype("f2")), "bfloat16": (lib.AB_MOVE_BFLOAT, BFLOAT16)}
both = pytest.mark.parametrize("target", MOVES)
PATHS = ["ab_convert", "ab_convert_plain"]
here = pytest.mark.parametrize("path", PATHS)
every_path = pytest.mark.parametrize("path", [*PATHS, "neon"])
Bits = NDArray[np.uint32]
CROSS, QEMU = shutil.which("aarch64-linux-gnu-gcc"), shutil.which("qemu-aarch64")


@cache
def neon() -> Path:
    """A program of aarch64 that converts; see neon.c."""
    if CROSS is None or QEMU is None:
        pytest.skip("Debian's gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and qemu-user run it")
    numbers = Path(__file__).parents[2] / "csrc" / "numbers"
    program = Path(tempfile.mkdtemp()) / "neon"
    sources = [Path(__file__).with_name("neon.c"), *sorted(numbers.glob("*.c"))]
    subprocess.run([CROSS, "-std=c11", "-O2", "-static", "-I", numbers.parent, *sources,
                    "-o", program], check=True)  # fmt: skip
    return program


def converted_by_neon(target: str, source: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
    move, dtype = MOVES[target]
    program = neon()
    made = subprocess.run(
        [str(QEMU), program, str(move)], input=source.tobytes(), capture_output=True, check=True
    ).stdout
    out = np.frombuffer(made, dtype, source.size)
    counts = np.frombuffer(made[out.nbytes :], np.uint64)
    return out, counts[:4].tolist()


def converted(path: str, target: str, source: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
    if path == "neon":
        return converted_by_neon(target, source)
    move, dtype = MOVES[target]
    out = np.empty(source.shape, dtype)
    counts = ffi.new("ab_counts *")
    getattr(lib, path)(move, ffi.from_buffer(out), ffi.from_buffer(source), source.size, counts)
    return out, [counts.overflow, counts.underflow, counts.subnormal, counts.nan]


def wanted(target: str, source: NDArray[Any]) -> tuple[NDArray[Any], list[int]]:
    """What numpy makes of it, a signalling NaN made quiet first, and what that did."""
    dtype = MOVES[target][1]
    quiet = source.view(np.uint32) | np.where(np.isnan(source), np.uint32(1 << 22), np.uint32(0))
    source = quiet.view(np.float32)
    with np.errstate(all="ignore"):
        out = source.astype(dtype)
        wide = out.astype(np.float64)
    tiny = float(ml_dtypes.finfo(dtype).smallest_normal)
    return out, [
        int(np.count_nonzero(np.isfinite(source) & np.isinf(wide))),
        int(np.count_nonzero((source != 0) & (wide == 0))),
        int(np.count_nonzero((wide != 0) & (abs(wide) < tiny))),
        int(np.count_nonzero(np.isnan(source))),
    ]


def compare(path: str, target: str, source: NDArray[Any]) -> None:
    got, counts = converted(path, target, source)
    want, expected = wanted(target, source)
    np.testing.assert_array_equal(got.view(np.uint16), want.view(np.uint16))
    assert counts == expected


def edges() -> Bits:
    """Bits around every place where the answer changes its kind."""
    at = [0, 0x8000, 0x7F8000, 0x33000000, 0x33800000, 0x387FE000, 0x38800000, 0x477FE000,
          0x477FF000, 0x47800000, 0x7F7F0000, 0x7F7F8000, 0x7F800000, 0x7FC00000]  # fmt: skip
    near = [bits + step for bits in at for step in range(-3, 4) if bits + step >= 0]
    near += [0x7FFFFFFF, 0x7F800001, 0x7FBFFFFF]
    return np.array([*near, *(bits | 0x80000000 for bits in near)], np.uint32)


@both
@every_path
def test_the_edges(path: str, target: str) -> None:
    compare(path, target, edges().view(np.float32))


@both
@every_path
@pytest.mark.parametrize("low", [0, 1, 0x0FFF, 0x1000, 0x1001, 0x7FFF, 0x8000, 0x8001, 0xFFFF])
def test_every_upper_half_of_a_float(path: str, target: str, low: int) -> None:
    bits = np.arange(1 << 16, dtype=np.uint32) << 16 | np.uint32(low)
    compare(path, target, bits.view(np.float32))


@both
@every_path
def test_every_narrow_number_comes_back(path: str, target: str) -> None:
    narrow = np.arange(1 << 16, dtype=np.uint16).view(MOVES[target][1])
    compare(path, target, narrow.astype(np.float32))
    ordinary = narrow[~np.isnan(narrow.astype(np.float32))]
    got, _ = converted(path, target, ordinary.astype(np.float32))
    np.testing.assert_array_equal(got.view(np.uint16), ordinary.view(np.uint16))


@both
@every_path
def test_random_bits(path: str, target: str) -> None:
    rng = np.random.default_rng(4)
    compare(path, target, rng.integers(0, 1 << 32, 200_000, np.uint32).view(np.float32))


@both
@every_path
def test_weights_as_they_are(path: str, target: str) -> None:
    """Mostly ordinary numbers, a few that are not: blocks of either kind, and mixed ones."""
    values = np.random.default_rng(5).standard_normal(50_000, np.float32) * np.float32(0.02)
    compare(path, target, values)
    values[[4095, 4096, 20_000]] = [np.inf, 1e30, np.nan]
    values[49_000:49_100] = 1e-42
    compare(path, target, values)


@both
@here
@pytest.mark.parametrize("length", range(68))
def test_lengths_and_places(path: str, target: str, length: int) -> None:
    """Nothing behind the last number is written, wherever the first one lies."""
    rng = np.random.default_rng(length)
    for source_at, target_at in [(0, 0), (1, 0), (0, 1), (3, 5), (6, 2)]:
        room = np.full(4 * length + 8, 0xEE, np.uint8)
        source = room[source_at : source_at + 4 * length]
        source[:] = rng.integers(0, 256, 4 * length, np.uint8)
        out = np.full(2 * length + 16, 0x55, np.uint8)
        counts = ffi.new("ab_counts *")
        pointer = ffi.from_buffer("char[]", out) + target_at
        getattr(lib, path)(MOVES[target][0], pointer, ffi.from_buffer(source), length, counts)
        want, _ = wanted(target, source.copy().view(np.float32))
        assert bytes(out[target_at:][: 2 * length]) == want.tobytes()
        assert (out[:target_at] == 0x55).all()
        assert (out[target_at + 2 * length :] == 0x55).all()


@both
@given(st.lists(st.integers(0, 2**32 - 1), max_size=40))
def test_any_numbers(target: str, bits: list[int]) -> None:
    source = np.array(bits, np.uint32).view(np.float32)
    for path in ("ab_convert", "ab_convert_plain"):
        compare(path, target, source)


@both
def test_counters_are_added_to(target: str) -> None:
    counts = ffi.new("ab_counts *", {"nan": 5, "overflow": 1})
    source = np.array([np.nan, 3e38 if target == "float16" else 3.4e38], np.float32)
    out = np.empty(2, np.uint16)
    lib.ab_convert(MOVES[target][0], ffi.from_buffer(out), ffi.from_buffer(source), 2, counts)
    assert (counts.nan, counts.overflow) == (6, 2)

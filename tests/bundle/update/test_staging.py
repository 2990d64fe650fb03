"""What reaches the device: arrays of any layout, other dtypes, by one thread or more."""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle._update._staging import transfer

pytestmark = pytest.mark.usefixtures("fake_acl")

Array = NDArray[Any]
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
MiB = 1 << 20


class Mirror:
    """A bundle whose inference tells the bytes of its weights."""

    def __init__(self, bundle: ab.Bundle, weights: Mapping[str, Array]) -> None:
        self.bundle, self._shapes = bundle, {n: (w.shape, w.dtype) for n, w in weights.items()}

    def __getitem__(self, name: str) -> Array:
        shape, dtype = self._shapes[name]
        raw = self.bundle.infer.run({"x": np.zeros(1, "f4")})[name]
        return raw.view(dtype).reshape(shape)


@pytest.fixture
def mirror(make_bundle: Any) -> Iterator[Callable[..., Mirror]]:
    opened: list[ab.Bundle] = []

    def tell(x: Array, a: Array, b: Array, c: Array) -> dict[str, Array]:
        return {f"out_{n}": np.ravel(w).view(np.uint8) for n, w in {"a": a, "b": b, "c": c}.items()}

    def make(**weights: Array) -> Mirror:
        three = {name: weights.get(name, np.ones(1, "f4")) for name in "abc"}
        path: Path = make_bundle(tell, inputs={"x": np.zeros(1, "f4")}, weights=three)
        bundle = ab.Bundle.load(path)
        opened.append(bundle)
        bundle.init()
        mirror = Mirror(bundle, three)
        mirror._shapes = {f"out_{name}": value for name, value in mirror._shapes.items()}
        return mirror

    yield make
    for bundle in opened:
        bundle.close()


def same(got: Array, want: Array) -> None:
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.view(np.uint8), np.ascontiguousarray(want).view(np.uint8))


def values(shape: tuple[int, ...], dtype: Any = np.float32, seed: int = 0) -> Array:
    return (np.random.default_rng(seed).standard_normal(shape) * 0.02).astype(dtype)


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "as it is": lambda w: w,
    "fortran": np.asfortranarray,
    "every other": lambda w: np.repeat(w, 2, axis=0)[::2],
    "backwards": lambda w: w[::-1].copy()[::-1],
    "transposed": lambda w: w.T.copy().T,
    "read-only": lambda w: np.frombuffer(w.tobytes(), w.dtype).reshape(w.shape),
    "unaligned": lambda w: (
        np.frombuffer(b"\0" + w.tobytes(), np.uint8)[1:].view(w.dtype).reshape(w.shape)
    ),
    "broadcast": lambda w: np.broadcast_to(w[:1], w.shape),
}
SIZES = {"small": (50, 60), "large": (700, 900), "larger than a piece": (1100, 1001)}


@pytest.mark.parametrize(("size", "threads"), [("small", 1), ("larger than a piece", 2)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(mirror: Any, layout: str, size: str, threads: int) -> None:
    w = LAYOUTS[layout](values(SIZES[size]))
    target = mirror(a=np.zeros_like(w, order="C"))
    report = target.bundle.update({"a": w}, threads=threads)
    same(target["out_a"], w)
    assert report.casts == {}
    assert report.nbytes == w.size * 4


PAIRS = [
    ("float32", "float16"), ("float32", "bfloat16"), ("float64", "float32"),
    ("float64", "float16"), ("float16", "bfloat16"), ("bfloat16", "float16"),
    ("float16", "float32"), ("bfloat16", "float32"), ("float32", "float64"),
    ("int8", "int32"), ("uint8", "uint64"), ("int16", "int64"),
]  # fmt: skip


def dtype(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name, name))


@pytest.mark.parametrize(
    ("size", "layout", "threads"),
    [("small", "as it is", 1), ("small", "fortran", 1), ("large", "as it is", 2),
     ("large", "fortran", 1), ("larger than a piece", "as it is", 1)],
)  # fmt: skip
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_casts_are_numpys(
    mirror: Any, source: str, target: str, size: str, layout: str, threads: int
) -> None:
    rng = np.random.default_rng(1)
    if source.startswith(("int", "uint")):
        w = rng.integers(0, 100, SIZES[size]).astype(dtype(source))
    else:
        w = values(SIZES[size], np.float64)
        w.flat[::97] *= 1e-7
        w.flat[::101] *= 1e9
        w.flat[5:7] = [np.nan, np.inf]
        with np.errstate(all="ignore"):
            w = w.astype(dtype(source))
    w = LAYOUTS[layout](w)
    mirrored = mirror(a=np.zeros(w.shape, dtype(target)))
    with np.errstate(all="ignore"):
        want = w.astype(dtype(target))
        wide, back = w.astype(np.float64), want.astype(np.float64)
    lost = int(np.count_nonzero(np.isfinite(wide) & np.isinf(back)))
    if lost:
        with pytest.warns(RuntimeWarning, match=f"became infinite: {lost} of 'a'"):
            report = mirrored.bundle.update({"a": w}, cast="same_kind", threads=threads)
    else:
        report = mirrored.bundle.update({"a": w}, cast="same_kind", threads=threads)
    same(mirrored["out_a"], want)
    counts = report.casts["a"]
    assert (counts.source, counts.target) == (dtype(source), dtype(target))
    assert counts.overflow == lost
    if want.dtype.itemsize < w.dtype.itemsize and not source.startswith(("int", "uint")):
        low = float(ml_dtypes.finfo(want.dtype).smallest_normal)
        assert counts.underflow == np.count_nonzero((back == 0) & (wide != 0))
        assert counts.subnormal == np.count_nonzero((back != 0) & (abs(back) < low))
        assert counts.nan == 1


def test_small_and_large_weights_of_all_kinds_in_one_update(mirror: Any) -> None:
    a, b, c = values((900, 900), np.float64), values((17,)), values((300, 400), np.float32, 3)
    target = mirror(
        a=np.zeros(a.shape, "f4"), b=np.zeros(b.shape, "f2"), c=np.zeros(c.shape, BFLOAT16)
    )
    report = target.bundle.update({"c": c.T.copy().T, "a": a, "b": b}, cast="same_kind")
    same(target["out_a"], a.astype("f4"))
    same(target["out_b"], b.astype("f2"))
    same(target["out_c"], c.astype(BFLOAT16))
    assert set(report.casts) == {"a", "b", "c"}
    assert report.nbytes == a.size * 4 + b.size * 2 + c.size * 2


class Lazy(Mapping[str, Array]):
    """Values made when asked for; notes what was asked and what is alive."""

    def __init__(self, make: Mapping[str, Callable[[], Array]]) -> None:
        self._make, self.asked = make, [""] * 0

    def __getitem__(self, name: str) -> Array:
        self.asked.append(name)
        return self._make[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._make)

    def __len__(self) -> int:
        return len(self._make)


@pytest.mark.parametrize("shape", [(100,), (900, 900)])
def test_lazy_values_are_fetched_to_check_and_to_move(mirror: Any, shape: tuple[int, ...]) -> None:
    a, b = values(shape), values(shape, seed=1)
    target = mirror(a=np.zeros(shape, "f4"), b=np.zeros(shape, "f2"))
    lazy = Lazy({"b": lambda: np.asfortranarray(b), "a": a.copy})
    target.bundle.update(lazy, cast="same_kind")
    assert sorted(lazy.asked) == ["a", "a", "b", "b"]
    same(target["out_a"], a)
    same(target["out_b"], b.astype("f2"))


@pytest.mark.parametrize(
    "later", [np.zeros((3, 5), "f4"), np.zeros((5, 3), "f2"), np.zeros((5, 3), "f8")]
)
def test_a_lazy_value_that_changes_its_kind_is_refused(mirror: Any, later: Array) -> None:
    given = iter([np.ones((5, 3), "f4"), later])
    target = mirror(a=np.full((5, 3), 7, "f4"))
    with pytest.raises(ab.WeightError, match="weight 'a'"):
        target.bundle.update(Lazy({"a": lambda: next(given)}), cast="same_kind")
    assert target.bundle.version == 0
    same(target["out_a"], np.full((5, 3), 7, "f4"))


def test_a_lazy_mapping_that_fails_changes_nothing(mirror: Any) -> None:
    def value() -> Array:
        for array in given:
            return array
        raise OSError("the file is gone")

    given = iter([np.ones(3, "f4")])
    target = mirror(a=np.zeros(3, "f4"))
    with pytest.raises(OSError, match="the file is gone"):
        target.bundle.update(Lazy({"a": value}))
    assert target.bundle.version == 0
    target.bundle.update({"a": np.ones(3, "f4")})
    same(target["out_a"], np.ones(3, "f4"))


def test_overflow_is_refused_before_anything_changes(mirror: Any) -> None:
    target = mirror(a=np.zeros(4, "f2"), b=np.zeros(4, "f4"))
    big = np.array([1, 1e5, -1e6, np.inf], "f4")
    with pytest.raises(ab.WeightError, match=r"2 of 'a' \(float32 to float16\)"):
        target.bundle.update(
            {"a": big, "b": np.ones(4, "f4")}, cast="same_kind", on_overflow="error"
        )
    assert target.bundle.version == 0
    same(target["out_a"], np.zeros(4, "f2"))
    same(target["out_b"], np.zeros(4, "f4"))


def test_infinities_are_data(mirror: Any) -> None:
    target = mirror(a=np.zeros(3, "f2"))
    given = np.array([np.inf, -np.inf, np.nan], "f4")
    report = target.bundle.update({"a": given}, cast="same_kind", on_overflow="error")
    assert (report.casts["a"].overflow, report.casts["a"].nan) == (0, 1)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(3, "f8"), r"has dtype float64; it must be float32; cast='same_kind' converts it"),
        (np.zeros(3, "i4"), r"has dtype int32; it must be float32$"),
        (np.zeros(3, "i1"), r"has dtype int8; it must be float32$"),
        (np.zeros(3, "?"), r"has dtype bool; it must be float32$"),
        (np.zeros(3, "c8"), r"has dtype complex64; it must be float32$"),
        (np.zeros(3, ">f4"), r"has dtype >f4 \(byte-swapped\)"),
        (np.zeros(3, ">f2"), r"has dtype >f2"),
        (np.zeros(3, object), r"has dtype object"),
    ],
)
def test_what_is_not_cast_by_default(mirror: Any, given: Array, message: str) -> None:
    target = mirror(a=np.zeros(3, "f4"))
    with pytest.raises(ab.WeightError, match=message):
        target.bundle.update({"a": given})
    assert target.bundle.version == 0


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"cast": "unsafe"}, ValueError, "cast is 'safe' or 'same_kind', not 'unsafe'"),
        ({"on_overflow": "ignore"}, ValueError, "on_overflow is 'warn' or 'error'"),
        ({"unknown": True}, ValueError, "unknown is 'error' or 'ignore' or 'unused', not True"),
        ({"skip_unchanged": 1}, ValueError, "skip_unchanged is False or True, not 1"),
        ({"tokens": ["a"]}, TypeError, "tokens is a dict"),
        ({"threads": 0}, ValueError, "threads is 1 to 16, not 0"),
        ({"threads": 17}, ValueError, "threads is 1 to 16, not 17"),
        ({"threads": 2.0}, TypeError, "threads is an int, not 2.0"),
    ],
)
def test_options_that_there_are_not(
    mirror: Any, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    target = mirror(a=np.zeros(3, "f4"))
    for call in (target.bundle.update, target.bundle.update.plan):
        with pytest.raises(error, match=message):
            call({"a": np.ones(3, "f4")}, **options)
    assert target.bundle.version == 0


def copies(run: Callable[[], object]) -> list[int]:
    """Bytes of each copy to the device that a call makes."""
    fake.set("trace", "on")
    before = len(fake.trace())
    run()
    rows = [row for row in fake.trace()[before:] if row["function"] == "aclrtMemcpy"]
    fake.set("trace", "off")
    to_device = (re.search(r"count=(\d+), kind=1$", row["args"]) for row in rows)
    return [int(found[1]) for found in to_device if found]


def test_small_weights_cross_together(mirror: Any) -> None:
    a, b, c = values((400,)), values((4000,), np.float64), values((77, 3))
    target = mirror(a=a, b=np.zeros(4000, "f4"), c=c)
    given = {"a": a, "b": b, "c": np.asfortranarray(c)}
    crossed = copies(lambda: target.bundle.update(given, cast="same_kind"))
    assert len(crossed) == 1
    lazy = Lazy({name: lambda w=w: w for name, w in given.items()})
    assert copies(lambda: target.bundle.update(lazy, cast="same_kind")) == crossed


def test_large_weights_cross_whole_or_in_parts(mirror: Any) -> None:
    """What has nothing to count goes whole, what is counted in a few parts, a cast in many."""
    a, c = values((3 * MiB,)), np.arange(3 * MiB, dtype="i4")
    target = mirror(a=np.zeros_like(a), b=np.zeros(3 * MiB, "f2"), c=np.zeros_like(c))
    assert copies(lambda: target.bundle.update({"c": c})) == [12 * MiB]
    assert copies(lambda: target.bundle.update({"a": a})) == [8 * MiB, 4 * MiB]
    crossed = copies(lambda: target.bundle.update({"b": a}, cast="same_kind"))
    assert sum(crossed) == 6 * MiB
    assert max(crossed) == 256 * 1024


@pytest.mark.parametrize("threads", [2, 5])
def test_threads_share_what_is_large(mirror: Any, threads: int) -> None:
    """Also one weight alone, and more threads than there is work for."""
    a = values((6 * MiB + 13,))
    target = mirror(a=np.zeros_like(a), b=np.zeros(a.shape, "f2"), c=np.zeros(3, "f4"))
    given = {"a": a, "b": a, "c": a[:3]}
    fake.set("trace", "on")
    report = target.bundle.update(given, cast="same_kind", threads=threads)
    rows = [row for row in fake.trace() if row["function"] == "aclrtMemcpy"]
    assert 2 <= len({row["thread"] for row in rows}) <= threads
    same(target["out_a"], a)
    same(target["out_b"], a.astype("f2"))
    assert report.casts["b"].subnormal == np.count_nonzero(
        (a.astype("f2") != 0) & (abs(a.astype("f2")) < 2.0**-14)
    )


@pytest.mark.parametrize("nth", [1, 2, 3, 6])
def test_a_copy_that_fails_is_told_whichever_thread_it_was(mirror: Any, nth: int) -> None:
    a = values((6 * MiB,))
    target = mirror(a=np.zeros_like(a), b=np.zeros_like(a))
    fake.fail("aclrtMemcpy", nth, 507899)
    with pytest.raises(ab.AclError, match=r"in staging an update, copying '[ab]'") as caught:
        target.bundle.update({"a": a, "b": a}, threads=3)
    assert (caught.value.function, caught.value.code) == ("aclrtMemcpy", 507899)
    assert caught.value.detail  # the library's own words
    assert target.bundle.version == 0
    same(target["out_a"], np.zeros_like(a))
    target.bundle.update({"a": a, "b": a}, threads=3)
    same(target["out_a"], a)
    same(target["out_b"], a)


@pytest.mark.timed
def test_a_thread_without_a_context_is_told(mirror: Any) -> None:
    """The caller's own is set; each of the others has to set it."""
    a = values((6 * MiB,))
    target = mirror(a=np.zeros_like(a))
    fake.latency("aclrtMemcpy", 0.01)
    fake.fail("aclrtSetCurrentContext", 1, 507899)
    with pytest.raises(ab.AclError, match="aclrtSetCurrentContext"), ab.Device(0):
        target.bundle.update({"a": a}, threads=2)
    assert target.bundle.version == 0
    same(target["out_a"], np.zeros_like(a))
    target.bundle.update({"a": a}, threads=2)
    same(target["out_a"], a)


def test_no_thread_is_left_behind(mirror: Any) -> None:
    def threads() -> int:
        return len(list(Path("/proc/self/task").iterdir()))

    a = values((6 * MiB,))
    target = mirror(a=np.zeros_like(a))
    target.bundle.update({"a": a})
    before = threads()
    target.bundle.update({"a": a}, threads=4)
    fake.fail("aclrtMemcpy", 2, 507899)
    with pytest.raises(ab.AclError):
        target.bundle.update({"a": a}, threads=4)
    assert threads() == before


def test_few_lazy_values_are_alive_at_a_time(tmp_path: Path) -> None:
    """As many as fill the staging buffer, or one; small and large ones, cast and not."""
    shapes = {f"s{i}": (40_000,) for i in range(150)} | {f"l{i}": (1500, 1000) for i in range(8)}
    weights = {n: np.zeros(s, "f2" if n[1] in "13" else "f4") for n, s in shapes.items()}
    x = {"x": ("float32", (1,))}
    build.null(x, {"y": x["x"]}, weights=weights, init=False).save(tmp_path / "null.om")
    alive = most = 0

    def gone(nbytes: int) -> None:
        nonlocal alive
        alive -= nbytes

    def make(shape: tuple[int, ...], transposed: bool) -> Array:
        nonlocal alive, most
        array = np.ones(shape[::-1], "f4").T if transposed else np.ones(shape, "f4")
        weakref.finalize(array, gone, array.nbytes)
        alive += array.nbytes
        most = max(most, alive)
        return array

    lazy = Lazy({n: lambda s=s, n=n: make(s, n[1] in "56") for n, s in shapes.items()})
    with ab.Bundle.load(tmp_path / "null.om") as bundle:
        report = bundle.update(lazy, cast="same_kind")
    assert len(report.changed) == len(shapes)
    assert alive == 0
    assert 6 * MiB <= most <= 16 * MiB + 65536


@pytest.mark.parametrize("layout", ["as it is", "fortran"])
def test_c_comes_back_between_parts_of_a_large_update(
    mirror: Any, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setattr(transfer, "PER_CALL", 1 << 20)
    a, b, c = (LAYOUTS[layout](values((600, 500), seed=seed)) for seed in range(3))
    target = mirror(a=np.zeros_like(a), b=np.zeros(b.shape, "f2"), c=np.zeros_like(c))
    target.bundle.update({"a": a, "b": b, "c": c}, cast="same_kind")
    same(target["out_a"], a)
    same(target["out_b"], b.astype("f2"))
    same(target["out_c"], c)

"""A loaded bundle is what its file held at the load, for every way of running it; or an error."""

from __future__ import annotations

import gc
import mmap
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnx.parser
import pytest

import acl_bundle as ab
from acl_bundle import build, fake, om
from acl_bundle._load import flows as loading

pytestmark = pytest.mark.usefixtures("fake_acl")

Flow = Literal["owned", "library"]
X = np.ones((1, 4), np.float32)
ROW: Any = np.arange(4, dtype=np.float32)[None]


def model(scale: float, **shapes: Any) -> bytes:
    """y = scale * (x @ ones), in as many bytes for every scale."""
    rows = "N" if shapes else "1"
    parsed = onnx.parser.parse_model(f"""<ir_version: 8, opset_import: ["": 17]>
        g (float[{rows},4] x) => (float[{rows},2] y)
        <float[4,2] w = {{1,1,1,1,1,1,1,1}}, float s = {{{scale}}}>
        {{ h = MatMul(x,w) y = Mul(h,s) }}""")
    made = build.model(parsed, **shapes) if shapes else build.from_onnx(parsed, ["w"])
    return made.to_bytes()


def timed_init(bundle: ab.Bundle) -> float:
    bundle.init(timeout_ms=10_000)
    return infer(bundle)


def timed_update(bundle: ab.Bundle) -> float:
    bundle.update({"w": np.ones((4, 2), "f4")}, timeout_ms=10_000)
    return infer(bundle)


def infer(bundle: ab.Bundle) -> float:
    return float(bundle.infer(X)[0, 0])


def restore(bundle: ab.Bundle) -> float:
    with bundle.snapshot() as taken:
        bundle.restore(taken)
    return infer(bundle)


def init(bundle: ab.Bundle) -> float:
    bundle.init()
    return infer(bundle)


WAYS: dict[str, Callable[[ab.Bundle], float]] = {
    "infer": infer,
    "init": init,
    "restore": restore,
    "submit": lambda bundle: float(bundle.infer.submit(X).result()[0, 0]),
    "stream": lambda bundle: float(next(bundle.infer.stream([X]))[0, 0]),
    "timeout": lambda bundle: float(bundle.infer.run([X], timeout_ms=10_000)["y"][0, 0]),
    "init timed": timed_init,
    "update timed": timed_update,
}
AGAIN = ("submit", "stream", "timeout", "init timed", "update timed")


def answers(source: Any, change: Callable[[], object], flow: Flow, way: str) -> float:
    """What one way of running answers, after a change and with it alone."""
    with ab.Bundle.load(source, variables=flow) as bundle:
        bundle.init()
        change()
        return WAYS[way](bundle)


flows = pytest.mark.parametrize("flow", ["owned", "library"])
ways = pytest.mark.parametrize("way", WAYS)
again = pytest.mark.parametrize("way", AGAIN)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model of scale 1 as live.om, and one of 100 as next.om, in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "next.om").write_bytes(model(100.0))
    (tmp_path / "live.om").write_bytes(model(1.0))
    return Path("live.om")


@flows
@ways
@pytest.mark.parametrize("change", ["rename", "remove", "chdir"])
def test_whatever_becomes_of_the_path(live: Path, flow: Flow, way: str, change: str) -> None:
    changes: dict[str, Callable[[], object]] = {
        "rename": lambda: os.replace("next.om", live),
        "remove": live.unlink,
        "chdir": lambda: os.chdir("/"),
    }
    assert answers(str(live), changes[change], flow, way) == 4.0


@flows
@ways
@pytest.mark.parametrize("kind", [bytearray, lambda b: memoryview(bytearray(b)),
                                  lambda b: np.frombuffer(bytearray(b), np.uint8),
                                  lambda b: memoryview(bytearray(b)).toreadonly()])  # fmt: skip
def test_a_buffer_that_is_used_again(flow: Flow, way: str, kind: Any) -> None:
    memory = kind(model(1.0))
    writable: Any = memory
    if isinstance(memory, memoryview):
        writable = memory.obj
    view = memoryview(writable)

    def change() -> None:
        view[:] = model(100.0)

    assert answers(memory, change, flow, way) == 4.0


@flows
@again
def test_a_file_written_in_place_is_told(live: Path, flow: Flow, way: str) -> None:
    def change() -> None:
        with live.open("r+b") as file:
            file.write(model(100.0))

    with pytest.raises(ab.SourceChangedError, match=r"live.om was written in place.*load the bun"):
        answers(live, change, flow, way)


@flows
def test_a_bundle_whose_file_was_written_in_place_goes_on(live: Path, flow: Flow) -> None:
    with ab.Bundle.load(live, variables=flow) as bundle:
        bundle.init()
        live.write_bytes(b"")
        with pytest.raises(ab.SourceChangedError):
            bundle.infer.submit(X)
        assert {WAYS[way](bundle) for way in ("infer", "init", "restore")} == {4.0}


@flows
@again
def test_a_mapping_whose_file_is_written_is_told(live: Path, flow: Flow, way: str) -> None:
    with live.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

        def change() -> None:
            file.write(model(100.0))
            file.flush()

        with pytest.raises(ab.SourceChangedError, match="behind the mapping"):
            answers(mapped, change, flow, way)


@flows
@again
def test_a_mapping_whose_file_is_cut_short_is_told(live: Path, flow: Flow, way: str) -> None:
    with live.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    with pytest.raises(ab.SourceChangedError, match="behind the mapping was cut short"):
        answers(mapped, lambda: os.truncate(live, 100), flow, way)


@pytest.mark.parametrize("kind", [bytes, memoryview, lambda b: np.frombuffer(b, np.uint8)])
def test_bytes_are_not_copied(kind: Any) -> None:
    data = model(1.0)
    address = np.frombuffer(data, np.uint8).ctypes.data
    fake.set("trace", "on")
    ab.Bundle.load(kind(data), variables="library").close()
    load = next(r for r in fake.trace() if r["function"] == "aclmdlBundleLoadFromMem")
    assert hex(address) in load["args"]


@pytest.fixture
def outside(live: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if a part of the file lay beside it: the library reads by name."""
    monkeypatch.setattr(om.Bundle, "has_external_weights", True)
    Path("weight").mkdir()
    Path("weight/c").write_bytes(b"1234")
    return live


@again
@pytest.mark.parametrize("written", ["live.om", "weight/c"])
def test_a_file_that_is_read_by_name(outside: Path, way: str, written: str) -> None:
    assert answers(outside, lambda: None, "library", way) == 4.0
    assert answers(outside, lambda: os.chdir("/tmp"), "library", way) == 4.0


@again
@pytest.mark.parametrize("written", ["live.om", "weight/c"])
@pytest.mark.parametrize("how", ["rename", "in place", "remove"])
def test_a_file_read_by_name_that_changed_is_told(
    outside: Path, way: str, written: str, how: str
) -> None:
    def change() -> None:
        if how == "rename":
            os.replace("next.om", written)
        elif how == "in place":
            Path(written).write_bytes(Path("next.om").read_bytes())
        else:
            Path(written).unlink()

    with pytest.raises(ab.SourceChangedError, match=written):
        answers(outside, change, "library", way)
    assert fake.live() == []


def test_a_file_replaced_while_it_is_loaded_by_name(
    outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = om.open_loadable

    def replaced(*args: Any, **names: Any) -> om.Bundle:
        file = opened(*args, **names)
        os.replace("next.om", outside)
        return file

    monkeypatch.setattr(om, "open_loadable", replaced)
    with pytest.raises(ab.SourceChangedError, match=r"live\.om was written, replaced or removed"):
        ab.Bundle.load(outside)


@pytest.mark.parametrize("options", [{"dynamic_batch": [1, 2]}])
def test_a_plain_file_with_gears(tmp_path: Path, options: Any) -> None:
    path = tmp_path / "gears.om"
    path.write_bytes(model(1.0, **options))
    (tmp_path / "next.om").write_bytes(model(100.0, **options))
    with ab.Bundle.load(path, replicas=2) as bundle:
        os.replace(tmp_path / "next.om", path)
        assert {WAYS[way](bundle) for way in ("infer", "submit", "stream", "timeout")} == {4.0}


def test_both_sides_of_a_pair_are_of_one_file(live: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = loading.load

    def replaced(*args: Any) -> Any:
        loaded = load(*args)
        if Path("next.om").exists():
            os.replace("next.om", live)
        return loaded

    monkeypatch.setattr(loading, "load", replaced)
    with ab.Pair.load(live) as pair:
        seen = []
        for _ in range(3):
            pair.init()
            seen.append(float(pair.infer(X)[0, 0]))
            seen.append(float(pair.infer.submit(X).result()[0, 0]))
        assert set(seen) == {4.0}


@flows
def test_nothing_stays_open(live: Path, flow: Flow) -> None:
    def opened() -> int:
        gc.collect()
        return len(os.listdir("/proc/self/fd"))

    ab.Bundle.load(live, variables=flow).close()
    before = opened()
    kept = [ab.Bundle.load(live, variables=flow), ab.Pair.load(live, variables=flow)]
    for one in kept:
        one.close()
    del kept, one
    with pytest.raises(ValueError, match="cannot be the infer graph"):
        ab.Bundle.load(live, roles={"infer": 1})
    assert opened() <= before

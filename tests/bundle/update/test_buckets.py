"""More new weights than the device has room to stage."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle._binding.calls import acl
from acl_bundle._binding.shim import ffi

pytestmark = pytest.mark.usefixtures("fake_acl")

Array = NDArray[Any]
MiB = 1 << 20
NAMES = [f"w{i}" for i in range(6)]


def tell(x: Array, w0: Array, w1: Array, w2: Array, w3: Array, w4: Array, w5: Array) -> Any:
    return {"y": np.array([w.sum(dtype=np.float64) for w in (w0, w1, w2, w3, w4, w5)])}


@pytest.fixture
def path(make_bundle: Any) -> Path:
    sizes = [MiB // 4, 100, MiB // 4, MiB // 4, 1000, MiB // 4]
    weights = {name: np.zeros(n, "f4") for name, n in zip(NAMES, sizes, strict=True)}
    made: Path = make_bundle(tell, inputs={"x": np.zeros(1, "f4")}, weights=weights)
    return made


def new_weights(bundle: ab.Bundle, factor: int) -> dict[str, Array]:
    return {
        spec.name: np.full(spec.shape or (), factor * (i + 1), "f4")
        for i, spec in enumerate(bundle.update.weights)
    }


def holds(bundle: ab.Bundle, weights: dict[str, Array]) -> bool:
    sums = bundle.infer(np.zeros(1, "f4"))
    return bool((sums == [w.sum(dtype=np.float64) for w in weights.values()]).all())


def leave(nbytes: int) -> None:
    """Let the device have so many bytes left, beside what was taken."""
    memory, free, total = int(fake.get("memory")), ffi.new("size_t *"), ffi.new("size_t *")
    with ab.Device(0):
        acl.aclrtGetMemInfo(1, free, total)
    fake.set("memory", memory - free[0] + nbytes)


@pytest.fixture
def bundle(path: Path) -> Any:
    before = fake.get("memory")
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        yield bundle
    fake.set("memory", before)


def executes() -> int:
    return int(fake.calls().get("aclmdlExecute", 0))


@pytest.mark.parametrize(("room", "runs"), [(8 * MiB, 1), (3 * MiB, 3), (2 * MiB, 5)])
def test_what_does_not_fit_goes_in_turns(bundle: ab.Bundle, room: int, runs: int) -> None:
    """Four weights of 1 MiB and two small ones."""
    leave(room)
    for step in (1, 2):
        new = new_weights(bundle, step)
        before = executes()
        report = bundle.update(new)
        assert executes() - before == runs
        assert report.changed == tuple(NAMES)
        assert report.nbytes == sum(w.nbytes for w in new.values())
        assert holds(bundle, new)


def test_weights_outside_a_bucket_are_kept(bundle: ab.Bundle) -> None:
    new = new_weights(bundle, 1)
    leave(3 * MiB)
    bundle.update(new)
    some = {name: new[name] * 5 for name in ("w0", "w2", "w5")}
    bundle.update(some)
    assert holds(bundle, {**new, **some})


def test_no_room_for_the_largest_weight(bundle: ab.Bundle) -> None:
    leave(MiB // 2)
    with pytest.raises(ab.AclResourceError, match=r"aclrtMalloc: .*207001"):
        bundle.update(new_weights(bundle, 1))
    assert bundle.version == 0
    assert holds(bundle, {name: np.zeros(1, "f4") for name in NAMES})
    small = {"w1": np.ones(100, "f4")}
    bundle.update(small)
    assert holds(bundle, {**{name: np.zeros(1, "f4") for name in NAMES}, **small})


def test_the_refusal_that_is_told_is_the_first(bundle: ab.Bundle) -> None:
    """Less is asked for until the largest weight alone has no room; the user wanted all of it."""
    fake.fail("aclrtMalloc", 1, 207001)
    leave(MiB // 2)
    with pytest.raises(ab.AclResourceError) as caught:
        bundle.update(new_weights(bundle, 1))
    assert caught.value.detail == "aclrtMalloc: status 207001 injected by aclfakeFail"


def test_growing_is_tried_again(bundle: ab.Bundle) -> None:
    """A smaller area serves until the device has room; what it was goes only for a larger one."""
    new = new_weights(bundle, 1)
    all_memory = fake.get("memory")
    leave(3 * MiB)
    bundle.update(new)
    before = executes()
    bundle.update(new)
    assert executes() - before == 3
    fake.set("memory", all_memory)
    before = executes()
    bundle.update(new)
    assert executes() - before == 1
    assert holds(bundle, new)


def test_casts_are_known_before_the_first_bucket(make_bundle: Any) -> None:
    """What overflows in the last bucket refuses the first one, too."""
    weights = {name: np.zeros(MiB // 2, "f2") for name in NAMES}
    path = make_bundle(tell, inputs={"x": np.zeros(1, "f4")}, weights=weights)
    memory = fake.get("memory")
    with ab.Bundle.load(path) as bundle:
        bundle.init()
        leave(3 * MiB)
        new = {name: np.full(MiB // 2, 2.0, "f4") for name in NAMES}
        new["w5"][7] = 1e6
        with pytest.raises(ab.WeightError, match="1 of 'w5'"):
            bundle.update(new, cast="same_kind", on_overflow="error")
        assert bundle.version == 0
        assert holds(bundle, weights)
        with pytest.warns(RuntimeWarning, match="1 of 'w5'"):
            report = bundle.update(new, cast="same_kind")
        assert [counts.overflow for counts in report.casts.values()] == [0, 0, 0, 0, 0, 1]
    fake.set("memory", memory)


@pytest.mark.parametrize("flow", ["owned", "library"])
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_a_bucket_that_fails_takes_those_before_it_back(path: Path, flow: Any, nth: int) -> None:
    memory = fake.get("memory")
    with ab.Bundle.load(path, variables=flow) as bundle:
        bundle.init()
        leave(3 * MiB)
        good, bad = new_weights(bundle, 1), new_weights(bundle, 2)
        bundle.update(good)
        fake.fail("aclmdlExecute", nth, 507011)
        with pytest.raises(ab.AclInternalError, match="version 1 is in place as before"):
            bundle.update(bad)
        assert bundle.version == 1
        assert holds(bundle, good)
        assert bundle.update(bad).version == 2
        assert holds(bundle, bad)
    fake.set("memory", memory)


def test_a_lazy_value_that_fails_between_buckets_takes_those_before_it_back(
    bundle: ab.Bundle,
) -> None:
    new = new_weights(bundle, 1)
    seen: list[str] = []

    class Failing(Mapping[str, Array]):
        """Its last value cannot be fetched a second time."""

        def __getitem__(self, name: str) -> Array:
            seen.append(name)
            if name == "w5" and seen.count(name) > 1:
                raise OSError("the file is gone")
            return new[name]

        def __iter__(self) -> Iterator[str]:
            return iter(new)

        def __len__(self) -> int:
            return len(new)

    leave(3 * MiB)
    with pytest.raises(OSError, match="the file is gone") as caught:
        bundle.update(Failing())
    if sys.version_info >= (3, 11):
        assert caught.value.__notes__ == ["version 0 is in place as before"]
    assert bundle.version == 0
    assert holds(bundle, {name: np.zeros(1, "f4") for name in NAMES})


def test_no_inference_sees_a_bucket_alone(bundle: ab.Bundle) -> None:
    leave(3 * MiB)
    steps = [new_weights(bundle, step) for step in range(2)]
    bundle.update(steps[0])
    done = threading.Event()
    wrong: list[Any] = []

    def watch() -> None:
        whole = [tuple(w.sum(dtype=np.float64) for w in step.values()) for step in steps]
        while not done.is_set():
            if (found := tuple(bundle.infer(np.zeros(1, "f4")))) not in whole:
                wrong.append(found)

    reader = threading.Thread(target=watch)
    reader.start()
    for step in range(20):
        bundle.update(steps[step % 2])
    done.set()
    reader.join()
    assert wrong == []


def test_an_update_of_nothing_after_the_device_had_no_room(bundle: ab.Bundle) -> None:
    """The area is gone, and nothing needs it."""
    bundle.update({"w1": np.ones(100, "f4")})
    fake.fail("aclrtMalloc", 0, 207001)
    with pytest.raises(ab.AclResourceError):
        bundle.update(new_weights(bundle, 1), rollback="none")
    fake.fail("aclrtMalloc", 0, 0)
    assert bundle.update({}).version == 2
    assert holds(bundle, {n: np.full(100, n == "w1", "f4") for n in NAMES})

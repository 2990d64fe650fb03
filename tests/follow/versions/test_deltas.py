"""Versions that hold only what changed: what a bundle holds is always one that was published."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Lock
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import acl_bundle as ab
from acl_bundle import fake, follow
from acl_bundle.errors import WeightsFormatError
from acl_bundle.follow._versions.stamp import BASES_MAX

from .. import policy
from ..conftest import Server
from ..following import until

NOW = follow.Backoff(0.001, 0.002)
Held = tuple[int, int]


def parts(**values: int) -> dict[str, Any]:
    """The weights w and b, or one of them, all elements of each the same."""
    shapes = {"w": (policy.ROWS, policy.COLUMNS), "b": (policy.COLUMNS,)}
    return {name: np.full(shapes[name], value, np.float32) for name, value in values.items()}


def held(bundle: Any) -> Held:
    """What w and b are, each below ROWS."""
    [found] = {*bundle.infer(policy.X).ravel().tolist()}
    return divmod(int(found), policy.ROWS)


class Place:
    """Where versions are published, in one of the ways."""

    def __init__(self, how: str, folder: Path, server: Server | None) -> None:
        self.how, self.folder, self.server = how, folder, server

    def source(self) -> follow.Source:
        if self.how == "redis":
            assert self.server is not None
            return follow.Redis(self.server.url, "policy", poll=0.005)
        if self.how == "objects":
            return follow.Objects(self.folder.as_uri(), poll=0.005)
        return follow.Directory(self.folder, poll=0.005)

    def publish(self, weights: Any, version: int, **options: Any) -> None:
        if self.how == "redis":
            assert self.server is not None
            follow.publish_redis(self.server.client, weights, version, key="policy", **options)
        elif self.how == "objects":
            follow.publish_objects(self.folder.as_uri(), weights, version, **options)
        else:
            latest = "LATEST" if self.how == "latest" else None
            follow.publish_directory(self.folder, weights, version, latest=latest, **options)


WAYS = ["directory", "latest", "redis", "objects"]


@pytest.fixture(params=WAYS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "objects":
        pytest.importorskip("obstore")
    server = request.getfixturevalue("server") if request.param == "redis" else None
    return Place(request.param, tmp_path / "versions", server)


class Failing:
    """A source that fails at one of the times that something is opened."""

    def __init__(self, source: follow.Source, nth: int) -> None:
        self._source, self._left = source, nth

    def versions(self) -> Sequence[Any]:
        return [self._wrapped(one) for one in self._source.versions()]

    def _wrapped(self, one: Any) -> Any:
        if not isinstance(one, follow.Checkpoint):
            return one
        older = one.older
        return replace(
            one,
            open=lambda: self._open(one),
            older=older and (lambda number: self._wrapped(older(number))),
        )

    @contextmanager
    def _open(self, one: follow.Checkpoint) -> Iterator[Any]:
        self._left -= 1
        if self._left == 0:
            raise ConnectionError("it was to fail")
        with one.open() as found:
            yield found

    def wait(self, seconds: float, stop: Event) -> None:
        self._source.wait(seconds, stop)

    def close(self) -> None:
        self._source.close()


def test_a_follower_reads_what_came_after_what_it_holds(bundle: ab.Bundle, place: Place) -> None:
    reports: list[Any] = []
    place.publish(parts(w=1, b=1), 1, keep=9)
    with ab.follow(bundle, place.source(), backoff=NOW, on_applied=reports.append) as follower:
        follower.wait_for(1, 10)
        place.publish(parts(b=2), 2, base=1, keep=9)
        follower.wait_for(2, 10)
        assert held(bundle) == (1, 2)
        place.publish(parts(w=3), 3, base=2, keep=9)
        follower.wait_for(3, 10)
        assert held(bundle) == (3, 2)
        place.publish(parts(b=4), 4, base=1, keep=9)  # not what is held: all of it is read
        follower.wait_for(4, 10)
        assert held(bundle) == (1, 4)
    assert [report.changed for report in reports[1:]] == [("b",), ("w",), ("w", "b")]


def test_a_late_follower_reads_all_of_it(bundle: ab.Bundle, place: Place) -> None:
    place.publish(parts(w=1, b=1), 1)
    place.publish(parts(w=2), 2, base=1)
    place.publish(parts(b=3), 3, base=2)
    with ab.follow(bundle, place.source(), backoff=NOW) as follower:
        follower.wait_for(3, 10)
        assert (held(bundle), follower.metrics.applied) == ((2, 3), 1)


def test_an_update_beside_the_follower_is_no_base(bundle: ab.Bundle, place: Place) -> None:
    place.publish(parts(w=1, b=1), 1)
    with ab.follow(bundle, place.source(), backoff=NOW) as follower:
        follower.wait_for(1, 10)
        bundle.update(parts(w=50, b=50), version="by hand")
        place.publish(parts(b=2), 2, base=1)
        follower.wait_for(2, 10)
        assert held(bundle) == (1, 2)


def test_what_init_gives_is_no_base(bundle: ab.Bundle, place: Place) -> None:
    """It is called version 0, as the trainer's first one may be."""
    place.publish(parts(w=5, b=5), 0)
    with ab.follow(bundle, place.source(), backoff=NOW) as follower:
        follower.wait_for(0, 10)
        bundle.init()
        place.publish(parts(w=6), 1, base=0)
        follower.wait_for(1, 10)
    assert held(bundle) == (6, 5)


def test_a_transform_has_every_weight(bundle: ab.Bundle, place: Place) -> None:
    seen: list[list[str]] = []

    def transform(version: Any) -> Any:
        seen.append(sorted(version))
        return {"w": version["w"], "b": version["b"]}

    place.publish(parts(w=1, b=1), 1)
    with ab.follow(bundle, place.source(), backoff=NOW, transform=transform) as follower:
        follower.wait_for(1, 10)
        place.publish(parts(b=2), 2, base=1)
        follower.wait_for(2, 10)
    assert seen == [["b", "w"], ["b", "w"]]
    assert held(bundle) == (1, 2)


def test_a_poisoned_bundle_is_healed_by_all_of_it(policy_file: Path, place: Place) -> None:
    """The commit of a part fails and cannot be undone: the version comes whole."""
    with ab.Bundle.load(policy_file) as bundle:
        bundle.init()
        place.publish(parts(w=1, b=1), 1)
        with ab.follow(bundle, place.source(), backoff=NOW, rollback="none") as follower:
            follower.wait_for(1, 10)
            fake.fail("aclmdlExecute", 1, 507011)
            place.publish(parts(b=2), 2, base=1)
            follower.wait_for(2, 10)
            assert held(bundle) == (1, 2)


@pytest.mark.usefixtures("fake_acl")
def test_signed_bases(bundle: ab.Bundle, place: Place) -> None:
    key, other = b"0123456789abcdef", b"fedcba9876543210"
    place.publish(parts(w=1, b=1), 1, signing_key=key, keep=9)
    place.publish(parts(w=2), 2, base=1, signing_key=key, keep=9)
    with ab.follow(bundle, place.source(), backoff=NOW, signing_key=key) as follower:
        follower.wait_for(2, 10)
        assert held(bundle) == (2, 1)
        place.publish(parts(w=3, b=3), 3, signing_key=other, keep=9)
        place.publish(parts(w=4), 4, base=3, signing_key=key, keep=9)
        with pytest.raises(ab.SignatureError):
            follower.wait_for(4, 10)
        assert held(bundle) == (2, 1)
        place.publish(parts(w=5), 5, base=2, signing_key=key, keep=9)
        follower.wait_for(5, 10)
        assert held(bundle) == (5, 1)


def test_what_is_kept_keeps_its_bases(place: Place) -> None:
    place.publish(parts(w=1, b=1), 1, keep=2)
    place.publish(parts(w=2, b=2), 2, keep=2)
    for version in range(3, 9):
        place.publish(parts(b=version), version, base=version - 1, keep=2)
    source = place.source()
    newest = source.versions()[-1]
    assert newest.version == 8
    assert newest.older is not None
    for number in range(2, 8):
        with newest.older(number).open() as found:
            assert "b" in found
    with pytest.raises(FileNotFoundError), newest.older(1).open():
        pass
    place.publish(parts(w=9, b=9), 9, keep=2)
    place.publish(parts(w=10, b=10), 10, keep=2)
    with pytest.raises(FileNotFoundError), newest.older(2).open():
        pass
    source.close()


def test_nothing_goes_while_a_kept_version_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow.publish_directory(tmp_path, parts(w=1, b=1), 1)
    follow.publish_directory(tmp_path, parts(w=2), 2, base=1)
    with monkeypatch.context() as patched:

        def fails(*_: Any) -> None:
            raise OSError(24, "Too many open files")

        patched.setattr(ab.weights, "open", fails)
        follow.publish_directory(tmp_path, parts(w=3, b=3), 3, keep=2)
    follow.publish_directory(tmp_path, parts(w=4, b=4), 4, keep=3)
    assert len(list(tmp_path.iterdir())) == 4


def test_what_cannot_be_a_base(place: Place) -> None:
    place.publish(parts(w=1, b=1), 1, keep=99)
    for base, told in ((7, "older than 5"), (5, "older than 5"), (-1, "older than 5"),
                       (3, "base is 3, which is not in")):  # fmt: skip
        with pytest.raises(ValueError, match=told):
            place.publish(parts(b=5), 5, base=base, keep=99)
    with pytest.raises(TypeError, match="base is an int"):
        place.publish(parts(b=5), 5, base="1", keep=99)
    for version in range(2, BASES_MAX + 2):
        place.publish(parts(b=version), version, base=version - 1, keep=99)
    with pytest.raises(ValueError, match=f"{BASES_MAX} in a row are the most: publish every"):
        place.publish(parts(b=50), 50, base=BASES_MAX + 1, keep=99)
    place.publish(parts(b=50), 50, base=BASES_MAX, keep=99)


def test_a_base_that_went_is_told_and_a_full_version_goes_on(
    bundle: ab.Bundle, tmp_path: Path
) -> None:
    place = Place("directory", tmp_path, None)
    place.publish(parts(w=1, b=1), 1)
    place.publish(parts(b=2), 2, base=1)
    (tmp_path / "weights-1.safetensors").unlink()
    told: list[Exception] = []
    with ab.follow(bundle, place.source(), backoff=NOW, on_error=told.append) as follower:
        until(lambda: told)
        assert "is based on version 1, which cannot be read" in str(told[0])
        assert held(bundle) == (0, 0)
        place.publish(parts(w=3, b=3), 3)
        follower.wait_for(3, 10)
    assert isinstance(told[0], WeightsFormatError)
    assert held(bundle) == (3, 3)


@pytest.mark.parametrize(
    "bases", ["", "x", "5", "6", "1,2", "1,1", "-1", "1,", "9" * 30, ",".join("1" * 40)]
)
def test_bases_that_cannot_be(bundle: ab.Bundle, tmp_path: Path, bases: str) -> None:
    note = {"acl_bundle.version": "5", "acl_bundle.bases": bases}
    tmp_path.joinpath("weights-5.safetensors").write_bytes(
        ab.weights.to_bytes(parts(b=5), metadata=note)
    )
    told: list[str] = []
    with ab.follow(
        bundle, str(tmp_path), backoff=NOW, on_error=lambda error: told.append(str(error))
    ):
        until(lambda: told)
    assert "its bases are" in told[0] or ", based on " in told[0]
    assert held(bundle) == (0, 0)


def test_a_base_that_was_replaced_is_told(bundle: ab.Bundle, tmp_path: Path) -> None:
    place = Place("directory", tmp_path, None)
    place.publish(parts(w=1, b=1), 1)
    place.publish(parts(b=2), 2, base=1)
    place.publish(parts(b=3), 3, base=2)
    ab.weights.save(
        parts(b=9), tmp_path / "weights-2.safetensors", metadata={"acl_bundle.version": "2"}
    )
    told: list[str] = []
    with ab.follow(
        bundle, place.source(), backoff=NOW, on_error=lambda error: told.append(str(error))
    ) as follower:
        follower.wait_for(2, 10)  # as 3 is no whole version
        count = len(told)
        until(lambda: len(told) > count + 1)
        assert follower.metrics.version == 2
    assert all("based on [2, 1], but version 2 there is based on []" in one for one in told)


def test_a_base_of_two_names_is_told_until_it_has_one(bundle: ab.Bundle, tmp_path: Path) -> None:
    follow.publish_directory(tmp_path, parts(w=1, b=1), 1)
    follow.publish_directory(tmp_path, parts(w=2), 2, base=1, latest="LATEST")
    other = tmp_path / "optimizer-1.safetensors"
    ab.weights.save(parts(w=9), other)
    told: list[str] = []
    source = follow.Directory(tmp_path, poll=0.005)
    with ab.follow(
        bundle, source, backoff=NOW, on_error=lambda error: told.append(str(error))
    ) as follower:
        until(lambda: told)
        other.unlink()
        follower.wait_for(2, 10)
    assert "stand for version 1" in told[0]
    assert held(bundle) == (2, 1)


def test_tied_weights_of_a_base_stay_tied(tmp_path: Path) -> None:
    """The base's file says that v is another name of w; the delta has w alone."""
    ab.weights.save(
        parts(w=1, b=1), tmp_path / "weights-1.safetensors", metadata={"v": "w", "u": "w"}
    )
    Place("directory", tmp_path, None).publish(parts(w=2), 2, base=1)
    seen: list[Any] = []

    class Bundle:
        version = 0

        def update(self, weights: Any, *, version: int) -> None:
            seen.append({name: float(np.ravel(weights[name])[0]) for name in weights})
            self.version = version

    with ab.follow(Bundle(), str(tmp_path), backoff=NOW) as follower:  # type: ignore[arg-type]
        follower.wait_for(2, 10)
    assert seen == [{"w": 2, "b": 1, "v": 2, "u": 2}]


# Each of them, or a delta: which weights it holds, and which version before it is its base.
# Then how many versions stay, and whether the follower's turn is over before the next step.
FULL = st.tuples(st.just("full"), st.integers(2, 9), st.booleans())
DELTA = st.tuples(
    st.just("delta"), st.sampled_from(["w", "b", "wb"]), st.integers(1, 4), st.integers(2, 9),
    st.booleans(),
)  # fmt: skip
# A follower starts: whether only the newest counts, from where, and which opening fails.
START = st.tuples(
    st.just("start"), st.booleans(), st.sampled_from([None, None, 0, 3]), st.integers(0, 12)
)
FAILING = ["aclmdlExecute", "aclUpdateDataBuffer", "aclrtMemcpy"]
FAIL = st.tuples(st.just("fail"), st.sampled_from(FAILING), st.integers(1, 3))
STEP = st.one_of(FULL, DELTA, DELTA, DELTA, START, FAIL, st.just(("stop",)))


class Run:
    """A trainer, a bundle, and followers of it that come and go."""

    def __init__(self, load: Callable[[Path], Any], file: Path, place: Place) -> None:
        self.place = place
        self.published: dict[int, Held] = {}
        self.bundle = load(file)
        self.bundle.init()
        self.follower: follow.Follower | None = None
        self.wrong: list[str] = []
        self._lock = Lock()

    def full(self, keep: int, wait: bool) -> None:
        version = len(self.published) + 1
        self.published[version] = version, version
        self.place.publish(parts(w=version, b=version), version, keep=keep)
        if wait:
            self.wait()

    def delta(self, names: str, back: int, keep: int, wait: bool) -> None:
        version = len(self.published) + 1
        base = version - back
        if base < 1:
            return
        w, b = self.published[base]
        self.published[version] = version if "w" in names else w, version if "b" in names else b
        try:
            changed = parts(**dict.fromkeys(names, version))
            self.place.publish(changed, version, base=base, keep=keep)
        except ValueError:  # the base is gone, or there are too many
            del self.published[version]
            self.full(keep, wait)
        if wait:
            self.wait()

    def start(self, newest: bool, after: int | None, nth: int) -> None:
        self.stop()
        self.follower = ab.follow(
            self.bundle,
            Failing(self.place.source(), nth),
            backoff=NOW,
            newest=newest,
            after=None if after is None else min(after, len(self.published) - 1),
            on_applied=self._check,
        )

    def fail(self, name: str, nth: int) -> None:
        with self._lock:
            fake.fail(name, nth, 507011)

    def _works(self) -> None:
        for name in FAILING:
            fake.fail(name, 0, 0)

    def wait(self) -> None:
        if self.follower is not None and self.published:
            with suppress(TimeoutError):
                self.follower.wait_for(len(self.published), 10)
            if self.follower.metrics.version != len(self.published):
                self.wrong.append(f"{self.follower.metrics}")

    def stop(self) -> None:
        if self.follower is not None:
            self.follower.close()
            if self.follower.metrics.refused or self.follower.metrics.callback_errors:
                self.wrong.append(f"{self.follower.metrics}")
            self.follower = None

    def _check(self, report: Any) -> None:
        with self._lock:
            self._works()
            found = held(self.bundle)
        if found != self.published[report.version]:
            self.wrong.append(f"version {report.version} is {found}: {self.published}")

    def end(self) -> None:
        self.wait()
        self.stop()
        self._works()
        version = self.bundle.version
        if (
            version in self.published
            and self.follower is None
            and not getattr(self.bundle, "poisoned", False)
        ):
            found = held(self.bundle)
            expected = self.published[version]
            if found not in (expected, (0, 0)):
                self.wrong.append(f"version {version} is {found}, not {expected}")
        self.bundle.close()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEP, min_size=4, max_size=24), pair=st.booleans())
@pytest.mark.usefixtures("fake_acl")
def test_what_is_held_is_a_version(
    place: Place, policy_file: Path, steps: list[tuple[Any, ...]], pair: bool
) -> None:
    if place.server is not None:
        place.server.client.flushall()
    with tempfile.TemporaryDirectory() as folder:
        place.folder = Path(folder)
        run = Run(ab.Pair.load if pair else ab.Bundle.load, policy_file, place)
        try:
            run.full(2, False)
            run.start(False, None, 0)
            for name, *arguments in steps:
                getattr(run, name)(*arguments)
        finally:
            run.end()
    assert run.wrong == []

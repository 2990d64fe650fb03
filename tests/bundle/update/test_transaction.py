"""An update changes all it names or nothing, whatever fails, and says which."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake
from acl_bundle._run import variables

pytestmark = pytest.mark.usefixtures("fake_acl")
FLOWS = ("owned", "library")


def answers(bundle: ab.Bundle, mlp: Any, weights: Any = None) -> None:
    want = mlp.answer(weights or {})
    np.testing.assert_allclose(bundle.infer(mlp.x), want, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_failed_execute_leaves_the_version_before_it(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        bundle.update({"w1": mlp.random(1)["w1"]}, version="good")
        before = bundle.infer.run({"x": mlp.x})
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclInternalError, match="version 'good' is in place as before"):
            bundle.update(mlp.random(2), version="bad")
        after = bundle.infer.run({"x": mlp.x})
        assert after.version == before.version == "good"
        np.testing.assert_array_equal(after["y"], before["y"])
        assert {name: state.version for name, state in bundle.weights.items()} == {
            "w1": "good", "b1": 0, "w2": 0, "b2": 0,
        }  # fmt: skip
        bundle.update(mlp.random(2), version="better")
        answers(bundle, mlp, mlp.random(2))


@pytest.mark.parametrize("flow", FLOWS)
def test_a_failed_init_leaves_the_updates_before_it(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        bundle.update(mlp.random(1))
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="version 1 is in place as before"):
            bundle.init()
        answers(bundle, mlp, mlp.random(1))


@pytest.mark.parametrize("flow", FLOWS)
def test_a_first_commit_has_nothing_to_go_back_to(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="may hold a mixture"):
            bundle.update(mlp.random(1))
        with pytest.raises(ab.PoisonedError, match=r"bundle\.init\(\)"):
            bundle.infer(mlp.x)
        with pytest.raises(ab.PoisonedError, match="leaves out b1, w2, b2"):
            bundle.update({"w1": mlp.random(1)["w1"]})
        bundle.update(mlp.random(2))
        answers(bundle, mlp, mlp.random(2))


@pytest.mark.parametrize("flow", FLOWS)
def test_without_rollback_a_failed_commit_poisons(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        saved = bundle.snapshot()
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="may hold a mixture"):
            bundle.update(mlp.random(1), rollback="none")
        with pytest.raises(ab.PoisonedError):
            bundle.infer(mlp.x)
        with pytest.raises(ab.UpdateError, match="nothing to save"):
            bundle.snapshot()
        bundle.restore(saved)
        assert bundle.version == 0
        answers(bundle, mlp)


def test_a_rollback_that_fails_poisons_and_says_so(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        fake.set("trace", "on")
        bundle.update(mlp.random(1))
        copies = [row["function"] for row in fake.trace()].count("aclrtMemcpy")
        fake.fail("aclmdlExecute", 1, 507011)
        fake.fail("aclrtMemcpy", copies + 1, 507899)
        with pytest.raises(ab.AclError, match=r"rolling back failed too.*may hold a mixture"):
            bundle.update(mlp.random(2))
        with pytest.raises(ab.PoisonedError):
            bundle.infer(mlp.x)
        bundle.init()
        answers(bundle, mlp)


def test_a_rollback_of_the_librarys_variables_that_fails_poisons(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        bundle.init()
        fake.fail("aclmdlExecute", 0, 507011)
        with pytest.raises(ab.AclError, match=r"rolling back failed too, in aclmdlExecute"):
            bundle.update(mlp.random(2))
        fake.fail("aclmdlExecute", 0, 0)
        with pytest.raises(ab.PoisonedError):
            bundle.infer(mlp.x)
        bundle.update(mlp.random(3))
        answers(bundle, mlp, mlp.random(3))


def test_the_copy_for_rollback_goes_to_the_host_when_the_device_is_full(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update(mlp.random(1), rollback="none")
        fake.set("memory_ends", "1")
        with pytest.raises(ab.AclResourceError):
            bundle.update(mlp.random(2), rollback="device")
        answers(bundle, mlp, mlp.random(1))
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclInternalError, match="version 1 is in place as before"):
            bundle.update(mlp.random(2), rollback="auto")
        answers(bundle, mlp, mlp.random(1))
        fake.set("memory_ends", "never")


def test_only_the_changed_ranges_are_saved(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        bundle.update({"b2": mlp.random(1)["b2"]})
        fake.set("trace", "on")
        bundle.update({"b2": mlp.random(2)["b2"]})
        staging, saving = (row["args"] for row in fake.trace() if row["function"] == "aclrtMemcpy")
        assert f"count={mlp.weights['b2'].nbytes}" in saving
        assert "kind=1" in staging


@pytest.mark.parametrize("flow", FLOWS)
def test_a_snapshot_brings_back_bytes_and_versions(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        bundle.update({"w1": mlp.random(1)["w1"]}, version="a")
        answer, versions = bundle.infer(mlp.x), dict(bundle.weights)
        with bundle.snapshot() as saved:
            assert saved.version == "a"
            bundle.update(mlp.random(2))
            bundle.restore(saved)
            assert (bundle.version, dict(bundle.weights)) == ("a", versions)
            np.testing.assert_array_equal(bundle.infer(mlp.x), answer)
            bundle.init()
            bundle.restore(saved)
            np.testing.assert_array_equal(bundle.infer(mlp.x), answer)
        with pytest.raises(ab.ClosedError, match="this Snapshot is closed"):
            bundle.restore(saved)


@pytest.mark.parametrize("flow", FLOWS)
def test_a_failed_restore_leaves_the_version_before_it(mlp: Any, flow: Any) -> None:
    with ab.Bundle.load(mlp.path, variables=flow) as bundle:
        bundle.init()
        saved = bundle.snapshot()
        bundle.update(mlp.random(1))
        before = bundle.infer(mlp.x)
        fake.fail(
            "aclmdlExecute" if flow == "library" else "aclrtMemcpy", 1 + (flow == "owned"), 507011
        )
        with pytest.raises(ab.AclError, match="version 1 is in place as before"):
            bundle.restore(saved)
        np.testing.assert_array_equal(bundle.infer(mlp.x), before)


def test_snapshots_are_given_back_with_their_bundle(mlp: Any) -> None:
    bundle = ab.Bundle.load(mlp.path)
    bundle.init()
    kept, dropped = bundle.snapshot("device"), bundle.snapshot("host")
    assert (kept.on, dropped.on) == ("device", "host")
    live = len(fake.live())
    with pytest.warns(ResourceWarning, match="unclosed Snapshot"):  # noqa: PT031
        del dropped
        gc.collect()
    assert len(fake.live()) == live - 1
    bundle.close()
    assert kept.closed
    assert fake.live() == []


def test_a_snapshot_that_is_closed_after_its_bundle_asks_nothing_of_the_device(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        saved = bundle.snapshot("device")
    before = fake.calls()
    saved.close()
    assert fake.calls() == before


def test_a_snapshot_goes_back_on_a_thread_without_a_context(mlp: Any) -> None:
    """aclrtFree needs one; the thread has none, before and after."""
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        saved, before = bundle.snapshot("device"), len(fake.live())
        with ThreadPoolExecutor(1) as pool:
            pool.submit(saved.close).result()
        assert len(fake.live()) == before - 1


def test_old_versions_are_forgotten_and_answers_keep_theirs(mlp: Any, mocker: Any) -> None:
    mocker.patch.object(variables, "REMEMBERED", 3)
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        for version in range(10, 30):
            bundle.update({"b1": mlp.weights["b1"]}, version=version)
            assert bundle.infer.run({"x": mlp.x}).version == version
        assert [*bundle._variables.versions.values()] == [27, 28, 29]


def test_what_is_no_snapshot_of_this_bundle(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as one, ab.Bundle.load(mlp.path) as other:
        one.init(), other.init()
        with other.snapshot() as theirs, pytest.raises(ValueError, match="of another bundle"):
            one.restore(theirs)
        with pytest.raises(TypeError, match="what snapshot"):
            one.restore(b"bytes")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="'auto', 'device' or 'host', not 'disk'"):
            one.snapshot("disk")  # type: ignore[arg-type]


def test_verify_finds_what_changed_behind_our_back(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with pytest.raises(ab.UpdateError, match="update with digest=True"):
            bundle.verify()
        bundle.update(mlp.random(1), digest=True)
        digests = {name: state.digest for name, state in bundle.weights.items()}
        assert all(digests.values())
        assert len(set(digests.values())) == len(digests)
        bundle.verify()
        poke(bundle, "w2")
        with pytest.raises(ab.UpdateError, match=r"^w2 changed on the device since version 1"):
            bundle.verify()
        bundle.update(mlp.random(1), digest=True)
        assert {name: state.digest for name, state in bundle.weights.items()} == digests
        bundle.update(mlp.random(2))
        assert bundle.weights["w2"].digest is None


def test_what_was_not_read_back_is_in_place_all_the_same(
    mlp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "version 1 is in place, but was not read back"
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        assert bundle._writer.area is not None
        with monkeypatch.context() as patched:
            patched.setattr(bundle._writer.area, "_digest", lambda *_: bytes(1 << 62))
            with pytest.raises(MemoryError) as caught:
                bundle.update(mlp.random(1), digest=True)
        assert getattr(caught.value, "__notes__", [said]) == [said]  # before 3.11 there are none
        assert bundle.version == 1
        answers(bundle, mlp, mlp.random(1))
        fake.fail("aclrtMallocHost", 1, 207001)
        with pytest.raises(ab.AclError, match=said.replace("1", "2")):
            bundle.update(mlp.random(2), digest=True)
        answers(bundle, mlp, mlp.random(2))


def poke(bundle: ab.Bundle, name: str) -> None:
    """Overwrite the first byte of a weight on the device."""
    from acl_bundle._binding.calls import acl  # noqa: PLC0415
    from acl_bundle._binding.shim import ffi  # noqa: PLC0415

    area = bundle._writer.area
    assert area is not None
    assert area.places is not None
    target = ffi.cast("char *", area._memory.pointer) + area.places[name][0]
    with bundle.device.activated():
        byte = ffi.new("char *")
        acl.aclrtMemcpy(byte, 1, target, 1, 2)
        byte[0] = bytes([byte[0][0] ^ 1])
        acl.aclrtMemcpy(target, 1, byte, 1, 1)


def test_the_librarys_variables_cannot_be_read(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        bundle.init()
        with pytest.raises(ab.UnsupportedError, match="load with variables='owned'"):
            bundle.verify()
        with pytest.raises(ab.UnsupportedError, match="load with variables='owned'"):
            bundle.update(mlp.random(1), digest=True)
        with pytest.raises(ab.UnsupportedError, match="rollback='device'"):
            bundle.update(mlp.random(1), rollback="device")
        assert bundle.version == 0


def test_what_is_kept_is_a_copy(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        bundle.init()
        mine = {name: value.copy() for name, value in mlp.random(1).items()}
        bundle.update(mine)
        for value in mine.values():
            value[...] = 0
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError):
            bundle.update(mlp.random(2))
        answers(bundle, mlp, mlp.random(1))


def test_a_value_that_nobody_kept_cannot_be_brought_back(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        bundle.init()
        bundle.update({"w1": mlp.random(1)["w1"]}, rollback="none")
        with pytest.raises(ab.UpdateError, match=r"nobody kept the values of w1"):
            bundle.snapshot()
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="may hold a mixture"):
            bundle.update({"w2": mlp.random(1)["w2"]})
        bundle.init()
        answers(bundle, mlp)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"rollback": "disk"}, ValueError, "'auto', 'device', 'host' or 'none', not 'disk'"),
        ({"keep": "move"}, ValueError, "'copy' or 'none', not 'move'"),
        ({"when_busy": "skip"}, ValueError, "'wait' or 'fail', not 'skip'"),
        ({"timeout_ms": 0}, ValueError, "timeout_ms is 0; give 1 to"),
        ({"timeout_ms": 1.5}, TypeError, "an int of milliseconds or None, not 1.5"),
        ({"timeout_ms": True}, TypeError, "an int of milliseconds or None, not True"),
    ],
)
def test_options_that_cannot_be(mlp: Any, options: Any, error: Any, text: str) -> None:
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with pytest.raises(error, match=text):
            bundle.update(mlp.random(1), **options)
        assert bundle.version == 0


@pytest.mark.parametrize("some", [False, True])
def test_a_snapshot_of_some_values_does_not_heal(mlp: Any, some: bool) -> None:
    """The library's others cannot be put back: a mixture would pass for a whole."""
    with ab.Bundle.load(mlp.path, variables="library") as bundle:
        if some:
            bundle.update({"w1": mlp.random(1)["w1"]})
        early = bundle.snapshot()
        fake.fail("aclmdlExecute", 1, 507011)
        with pytest.raises(ab.AclError, match="may hold a mixture"):
            bundle.update(mlp.random(1))
        with pytest.raises(ab.UpdateError, match=r"b1, w2, b2 had no value: call init\(\)"):
            bundle.restore(early)
        with pytest.raises(ab.PoisonedError):
            bundle.infer(mlp.x)
        bundle.update(mlp.random(2))
        answers(bundle, mlp, mlp.random(2))

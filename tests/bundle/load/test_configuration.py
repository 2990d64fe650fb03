"""The configuration for aclInit, after another library gave one, and values of other types."""

from __future__ import annotations

import copy
import ctypes
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import fake

pytestmark = pytest.mark.usefixtures("fake_acl")
GIVEN = {"err_msg_mode": "1"}


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A configuration that another library gave, which has finished with ACL."""
    path = tmp_path / "acl.json"
    path.write_text(json.dumps(GIVEN))
    acl = ctypes.CDLL(str(fake.activate()))
    assert acl.aclInit(os.fsencode(path)) == 0
    assert acl.aclFinalize() == 0
    return path


def test_a_load_after_another_configuration_says_how_to_give_it(mlp: Any, given: Path) -> None:
    with pytest.raises(ab.AclUsageError, match=r"give the same file here.*config=path") as caught:
        ab.Bundle.load(mlp.path)
    assert (caught.value.function, caught.value.code) == ("aclInit", 100000)
    assert fake.violations() == []


@pytest.mark.parametrize("form", ["str", "path", "text", "dict"])
def test_the_same_content_is_taken_in_any_form(mlp: Any, given: Path, form: str) -> None:
    forms: dict[str, Any] = {
        "str": str(given),
        "path": given,
        "text": json.dumps(GIVEN),
        "dict": GIVEN,
    }
    with ab.Bundle.load(mlp.path, config=forms[form]) as bundle:
        bundle.init()
    with ab.Device(0, config=forms[form]):
        pass
    with ab.Pair.load(mlp.path, config=forms[form]) as pair:
        pair.init()


@pytest.mark.parametrize("text", [True, False])
def test_the_environment_names_it(
    mlp: Any, given: Path, text: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACL_BUNDLE_CONFIG", given.read_text() if text else str(given))
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()


def test_no_file_is_left(mlp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ab.Device(0, config=GIVEN).close()
    assert list(tmp_path.iterdir()) == []


def test_another_one_than_the_first_is_told() -> None:
    with ab.Device(0, config=GIVEN):
        with pytest.warns(RuntimeWarning, match="begun ACL with another configuration"):
            ab.Device(0, config={}).close()
        ab.Device(0, config=GIVEN).close()
        ab.Device(0).close()


@pytest.mark.parametrize(
    ("config", "error", "message"),
    [
        (3, TypeError, "config is a path, JSON text or a dict, not 3"),
        (b"acl.json", TypeError, "config is a path"),
        ({"dump": {1, 2}}, TypeError, "what JSON cannot say"),
        ("no/such.json", FileNotFoundError, "such.json"),
    ],
)
def test_what_is_no_configuration(config: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ab.Device(0, config=config)
    assert fake.calls().get("aclInit", 0) == 0


def test_integers_of_numpy(mlp: Any) -> None:
    with ab.Bundle.load(mlp.path, device=np.int64(0), replicas=np.int8(2)) as bundle:
        bundle.init(timeout_ms=np.int64(10_000))
        limit = np.int32(10_000)
        want = bundle.infer(mlp.x)
        for y in (
            bundle.infer.run({"x": mlp.x}, timeout_ms=limit)["y"],
            bundle.infer.submit(mlp.x, timeout_ms=limit).result(),
            *bundle.infer.stream([mlp.x], np.int8(3), timeout_ms=limit),
        ):
            np.testing.assert_array_equal(y, want)
        bundle.update(mlp.random(1), timeout_ms=limit)
        with bundle.snapshot() as taken:
            bundle.restore(taken, timeout_ms=limit)
    with ab.Device(np.uint8(1)) as device, ab.Pair.load(mlp.path, device=device) as pair:
        pair.init()
        pair.update(mlp.random(1), timeout_ms=limit)
        pair.infer.run({"x": mlp.x}, timeout_ms=limit)
        assert len(list(pair.infer.stream([mlp.x], np.int8(2), timeout_ms=limit))) == 1


@pytest.mark.parametrize("value", [True, np.True_, 1.0, "1", np.float32(1)])
def test_what_is_no_integer(mlp: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="an int, not"):
        ab.Device(value)
    with ab.Bundle.load(mlp.path) as bundle:
        bundle.init()
        with pytest.raises(TypeError, match="timeout_ms is an int"):
            bundle.infer.run({"x": mlp.x}, timeout_ms=value)
        with pytest.raises(TypeError, match="depth is how many"):
            bundle.infer.stream([mlp.x], value)


def test_what_belongs_to_its_process_says_so(mlp: Any) -> None:
    with ab.Pair.load(mlp.path) as pair, ab.Bundle.load(mlp.path) as bundle, ab.Device(0) as device:
        bundle.init()
        with bundle.snapshot() as taken:
            for one in (bundle, bundle.infer, bundle.update, pair, pair.infer, device, taken):
                for send in (pickle.dumps, copy.copy, copy.deepcopy):
                    with pytest.raises(TypeError, match="load the bundle in the worker"):
                        send(one)


def test_a_path_as_bytes_is_told(mlp: Any) -> None:
    with pytest.raises(ab.BundleFormatError, match=r"a path is a str or a PathLike: os\.fsdecode"):
        ab.Bundle.load(os.fsencode(mlp.path))

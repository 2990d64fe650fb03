"""Parameters of all that stands beside a bundle, given what they cannot be (wrong.py)."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle import build, follow, weights

from .wrong import LABEL, WRONG, Row, faults_of

pytestmark = pytest.mark.usefixtures("fake_acl")
NONE_OF_THEM = "[] {} ()"
FRESH = -7
"""Stands for a version that was not published."""


def read(view: Callable[..., Mapping[str, Any]]) -> Callable[..., dict[str, Any]]:
    """A view with its values read."""
    return lambda **given: dict(view(**given))


def _built(model: Any, **options: Any) -> None:
    build.model(model, **options)


@contextmanager
def suppress_code(code: int) -> Iterator[None]:
    try:
        yield
    except ab.AclError as error:
        if error.code != code:
            raise


class Rows:
    """The table."""

    def __init__(self, stack: ExitStack, mlp: Any) -> None:
        self.pair = stack.enter_context(ab.Pair.load(mlp.path))
        self.pair.init()
        self._stack, self._path, self._mlp = stack, mlp.path, mlp
        self._two = {"a": np.ones((4, 8), np.float32), "b": np.zeros(3, np.float32)}
        self._numbers = count(2**40)
        weights.save(self._two, "two.safetensors")
        self.named = {**self._pair(), **self._weights(), **self._views(), **self._publishers(),
                      **self._follow(), **self._build()}  # fmt: skip

    def _pair(self) -> dict[str, Row]:
        pair, waits = self.pair, {"when_busy": "wait", "timeout_ms": None}
        some = {"timeout_ms": "None", "version": LABEL, "expect": "0", "probe": "None",
                "weights": NONE_OF_THEM, "ready": "None [] ()",
                "finite": "True", "digest": "True"}  # fmt: skip
        update = {"weights": self._mlp.random(1), "version": None, "ready": None, **waits}

        def stage(**given: Any) -> None:
            pair.stage(**given).discard()

        def hold(**given: Any) -> None:
            pair.hold(**given).release()

        x = self._mlp.x
        run = {"inputs": [x], "out": None, "timeout_ms": None, "ready": None}
        runs = {"out": "None {}", "timeout_ms": "None", "ready": "None [] ()"}
        return {
            "Pair": Row(ab.Pair.load, {"source": self._path, "device": 0},
                        {"device": "0 array"}),
            "pair.update": Row(pair.update, {**update, "probe": None, "finite": False}, some),
            "pair.stage": Row(stage, {**update, "expect": ...}, some),
            "pair.hold": Row(hold, {"limit_ms": 60_000, **waits}, some),
            "pair.read": Row(pair.read, {"name": "w1", "out": None}, {"out": "None"}),
            "pair.export": Row(pair.export, {"path": Path("pair.st")}, {"path": "str"}),
            "pair.run": Row(pair.infer.run, run, runs),
        }  # fmt: skip

    def _weights(self) -> dict[str, Row]:
        two = self._two
        return {
            "open": Row(weights.open, {"path": "two.safetensors", "kind": None, "key": None},
                        {"kind": "None", "key": "None"}),
            "from_ipc": Row(self._from_ipc, {"manifest": "right", "device": 0},
                            {"device": "0"}),
            "save": Row(weights.save, {"weights": two, "path": "b.st", "metadata": None},
                        {"weights": NONE_OF_THEM, "path": "str", "metadata": "None {}"}),
            "to_bytes": Row(weights.to_bytes, {"weights": two, "metadata": {"a": "b"}},
                            {"weights": NONE_OF_THEM, "metadata": "None {}"}),
            "diff": Row(weights.diff, {"a": two, "b": two},
                        {"a": NONE_OF_THEM, "b": NONE_OF_THEM}),
        }  # fmt: skip

    def _from_ipc(self, manifest: Any, device: Any) -> None:
        """What is read of the manifest; its memory is this process's, which does not import it."""
        with follow.publish_ipc(f"@manifest{os.getpid()}", self._two) as publisher:
            publisher.publish(1, consumers=0)
            given = publisher.manifest if manifest == "right" else manifest
            with suppress_code(507899):
                weights.from_ipc(given, device=device)

    def _views(self) -> dict[str, Row]:
        two = self._two
        halves = {"x": two["a"], "y": two["a"]}
        lora = {"m.lora_A.weight": np.ones((2, 8), "f4"), "m.lora_B.weight": np.ones((4, 2), "f4")}
        return {
            "rename": Row(read(weights.rename), {"weights": two, "names": None, "regex": (),
                                                 "strip_prefix": "", "add_prefix": ""},
                          {"weights": NONE_OF_THEM, "names": "None {}", "regex": NONE_OF_THEM,
                           "add_prefix": "str"}),
            "select": Row(read(weights.select), {"weights": two, "keep": None, "drop": ()},
                          {"weights": NONE_OF_THEM, "keep": f"None {NONE_OF_THEM}",
                           "drop": NONE_OF_THEM}),
            "cast": Row(read(weights.cast), {"weights": two, "dtype": "float16",
                                             "on_overflow": "error", "on_underflow": "ignore",
                                             "keep_float32": ()},
                        {"weights": NONE_OF_THEM, "keep_float32": NONE_OF_THEM}),
            "transpose": Row(read(weights.transpose), {"weights": two, "axes": ()},
                             {"weights": NONE_OF_THEM, "axes": NONE_OF_THEM}),
            "reshape": Row(read(weights.reshape), {"weights": two, "shapes": {}},
                           {"weights": NONE_OF_THEM, "shapes": "{}"}),
            "concat": Row(read(weights.concat), {"weights": halves, "joins": {"z": ["x", "y"]},
                                                 "axis": 0},
                          {"joins": "{}", "axis": "-1 0"}),
            "split": Row(read(weights.split), {"weights": {"z": two["a"]},
                                               "parts": {"z": ["x", "y"]}, "sizes": None,
                                               "axis": 0},
                         {"parts": "{}", "sizes": "None", "axis": "-1 0"}),
            "merge_lora": Row(read(weights.merge_lora), {"base": {"m.weight": two["a"]},
                                                         "adapter": lora, "scale": 1.0,
                                                         "alpha": None, "names": None,
                                                         "transposed": None},
                              {"scale": "float True -1 2**70 2**31 2**32+1 -2**63 0",
                               "alpha": "None float True -1 2**70 2**31 2**32+1 -2**63 0",
                               "names": "None {}", "transposed": f"None {NONE_OF_THEM}",
                               }),
        }  # fmt: skip

    def _publishers(self) -> dict[str, Row]:
        two = self._two
        publisher = self._stack.enter_context(follow.publish_ipc(f"@sweep{os.getpid()}", two))

        def to_redis(**given: Any) -> None:
            """All is looked at before the server is reached, of which there is none."""
            with suppress(ConnectionError):
                follow.publish_redis(**given)

        def numbered(call: Callable[..., object]) -> Callable[..., None]:
            def publish(**given: Any) -> None:
                if given.get("version") == FRESH:
                    given["version"] = next(self._numbers)
                call(**given)

            return publish

        some = {"weights": "", "ignore": f"{NONE_OF_THEM} nested", "signing_key": "None",
                "latest": "None str", "folder": "str", "key": "str None", "device": "0 array",
                "version": ""}  # fmt: skip
        plain = {"weights": two, "version": FRESH, "ignore": (), "signing_key": None}
        return {
            "publish_directory": Row(numbered(follow.publish_directory),
                                     {"folder": "published", **plain, "keep": None,
                                      "name": "w-{version}.safetensors", "latest": None},
                                     {**some, "keep": "None 2**31 2**32+1 2**70 array"}),
            "publish_redis": Row(numbered(to_redis),
                                 {"server": "unix://none", **plain, "key": "w", "keep": 2},
                                 {**some, "key": "str", "version": "0 array 2**31 2**32+1",
                                  "keep": "2**31 2**32+1 2**70 array"}),
            "publish_ipc": Row(follow.publish_ipc, {"address": f"@one{os.getpid()}", "weights": two,
                                                    "device": 0, "key": None},
                               {"address": "str", "device": "0 array", "key": "None"}),
            "publish": Row(numbered(publisher.publish),
                           {"version": FRESH, "weights": None, "consumers": 0, "timeout": 5.0},
                           {"weights": "None", "consumers": "0",
                            "timeout": "float 2**70 2**31 2**32+1 0 array"}),
            "allow": Row(publisher.allow, {"process": 4711},
                         {"process": "array"}),
        }  # fmt: skip

    def _follow(self) -> dict[str, Row]:
        Path("empty").mkdir()
        options = {"after": None, "newest": False, "signing_key": None, "stale_after": None,
                   "backoff": None, "transform": None, "on_applied": None, "on_refused": None,
                   "on_error": None, "on_stale": None}  # fmt: skip
        takes = {**dict.fromkeys(options, "None"), "newest": "True", "source": "str",
                 "after": "None -1 2**31 2**32+1 -2**63 0 array",
                 "stale_after": "None float 2**70 2**31 2**32+1 array"}  # fmt: skip

        def followed(**given: Any) -> None:
            source = given.pop("source")
            follow.Follower(
                source=follow.Directory("empty") if source == "right" else source, **given
            ).close()

        return {
            "follow": Row(followed, {"bundle": self.pair, "source": "right", **options}, takes),
            "Directory": Row(follow.Directory, {"path": "empty", "pattern": "*.safetensors"},
                             {"path": "str", "pattern": "str"}),
            "Ipc": Row(follow.Ipc, {"address": f"@sweep{os.getpid()}", "device": 0},
                       {"address": "str", "device": "0 array"}),
        }  # fmt: skip

    def _build(self) -> dict[str, Row]:
        onnx = self._mlp.onnx
        return {
            "from_onnx": Row(build.from_onnx, {"model": onnx, "weights": ["w1"]},
                             {}),
            "build.model": Row(_built, {"model": onnx, "input_shapes": None,
                                        "output_names": "onnx", "name": ""},
                               {"input_shapes": "None {}", "name": "str"}),
        }  # fmt: skip


@pytest.fixture
def rows(mlp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        yield Rows(stack, mlp)


NAMES = [
    "Pair", "pair.update", "pair.stage", "pair.hold", "pair.read", "pair.export", "pair.run",
    "open", "from_ipc", "save", "to_bytes", "diff", "rename", "select", "cast", "transpose",
    "reshape", "concat", "split", "merge_lora", "publish_directory", "publish_redis",
    "publish_ipc", "publish", "allow", "follow", "Directory", "Ipc", "from_onnx", "build.model",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_a_parameter_cannot_be(rows: Rows, mlp: Any, name: str) -> None:
    faults = faults_of(name, rows.named[name])
    assert not faults, "\n".join(faults)
    rows.pair.init()
    np.testing.assert_allclose(rows.pair.infer(mlp.x), mlp.answer(), rtol=1e-4, atol=1e-4)


def test_no_row_is_left_out(rows: Rows) -> None:
    assert set(rows.named) == set(NAMES)
    assert WRONG

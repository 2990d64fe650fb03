"""A bundle's parameters, given what they cannot be (wrong.py); all goes on as before."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle.compat import InferSession

from .wrong import LABEL, WRONG, Row, faults_of

pytestmark = pytest.mark.usefixtures("fake_acl")


class Rows:
    """The table, over one bundle."""

    def __init__(self, stack: ExitStack, path: Path, mlp: Any) -> None:
        self.bundle = stack.enter_context(ab.Bundle.load(path))
        self.bundle.init()
        self._x, self._weights, self._path = mlp.x, mlp.random(1), path
        self._array = stack.enter_context(ab.to_device(mlp.x))
        self._saved = self.bundle.snapshot()
        stack.callback(self._saved.close)
        self._session = stack.enter_context(InferSession(0, path))
        self.named: dict[str, Row] = {
            **self._loads(), **self._arrays(), **self._graphs(), **self._updates(), **self._compat()
        }  # fmt: skip

    def _loads(self) -> dict[str, Row]:
        load = {"source": self._path, "device": 0, "roles": None, "variables": "auto",
                "replicas": 1, "config": None, "program": None}  # fmt: skip
        return {
            "load": Row(ab.Bundle.load, load,
                        {"device": "0 array", "roles": "None {}", "replicas": "array",
                         "config": "None {}", "program": "None"}),
            "device": Row(ab.Device, {"index": 0, "config": None},
                          {"index": "0 array", "config": "None {}"}),
        }  # fmt: skip

    def _arrays(self) -> dict[str, Row]:
        own = {"shape": "0 [] () array 2**31 2**32+1", "dtype": "None", "device": "0 array",
               "owner": " ".join(WRONG)}  # fmt: skip
        return {
            "empty": Row(ab.empty, {"shape": (2, 3), "dtype": "float32", "device": 0},
                         own),
            "to_device": Row(ab.to_device, {"array": self._x, "device": 0, "out": None},
                             {"array": "array", "device": "None 0 array", "out": "None"}),
            "from_dlpack": Row(_in_order(ab.from_dlpack), {"array": self._array}),
            "from_pointer": Row(ab.DeviceArray.from_pointer,
                                {"pointer": self._array.pointer, "shape": (4, 8),
                                 "dtype": "float32", "device": 0, "owner": None},
                                {**own, "device": "0"}),
            "to_host": Row(self._array.to_host, {"out": None}, {"out": "None"}),
            "__dlpack__": Row(self._array.__dlpack__, {"max_version": None, "dl_device": None},
                              {"max_version": "None", "dl_device": "None"}),
        }  # fmt: skip

    def _graphs(self) -> dict[str, Row]:
        infer, x = self.bundle.infer, self._x
        some = {"out": "None {}", "timeout_ms": "None", "ready": "None [] ()", "depth": "array"}
        run = {"inputs": [x], "out": None, "timeout_ms": None, "ready": None}
        timed = {**run, "timeout_ms": 60_000}

        def stream(**given: Any) -> list[Any]:
            with infer.stream(**given) as results:
                return list(results)

        return {
            "call": Row(lambda x, out, ready: infer(x, out=out, ready=ready),
                        {"x": x, "out": None, "ready": None}, some),
            "run": Row(infer.run, run, some),
            "timed": Row(infer.run, timed, some),
            "submit": Row(lambda inputs, **more: infer.submit(inputs, **more).result(60),
                          run, some),
            "stream": Row(stream, {"items": [x], "depth": 2, "timeout_ms": None, "out": None},
                          {**some, "items": "[] () {}", "out": "None"}),
            "bind": Row(infer.bind, {"inputs": {"x": x}, "outputs": {"y": np.empty((4, 3), "f4")},
                                     "ready": None},
                        {"ready": "None [] ()"}),
        }  # fmt: skip

    def _updates(self) -> dict[str, Row]:
        bundle, waits = self.bundle, {"when_busy": "wait", "timeout_ms": None}
        some = {
            "timeout_ms": "None", "version": LABEL, "expect": "0", "weights": "[] {} ()",
            "digest": "True", "finite": "True", "skip_unchanged": "True", "unknown": "None",
            "tokens": "None {}", "ignore": "[] {} () nested", "threads": "array",
            "ready": "None [] ()",
        }  # fmt: skip
        plan = {"weights": self._weights, "cast": "safe", "on_overflow": "warn", "unknown": None,
                "ignore": (), "skip_unchanged": False, "tokens": None, "threads": 1,
                "finite": False}  # fmt: skip
        update = {**plan, "version": None, "rollback": "auto", "keep": "copy", "digest": False,
                  "ready": None, **waits}  # fmt: skip

        def stage(**given: Any) -> None:
            bundle.stage(**given).discard()

        def commit(**given: Any) -> None:
            with bundle.stage(self._weights) as staged:
                staged.commit(**given)

        def hold(**given: Any) -> None:
            bundle.hold(**given).release()

        return {
            "init": Row(bundle.init, {"rollback": "auto", **waits}, some),
            "update": Row(bundle.update, update, some),
            "plan": Row(bundle.update.plan, plan, some),
            "stage": Row(stage, {**update, "expect": ...}, some),
            "commit": Row(commit, waits, some),
            "snapshot": Row(bundle.snapshot, {"where": "auto"}),
            "restore": Row(bundle.restore, {"snapshot": self._saved, **waits}, some),
            "read": Row(bundle.read, {"name": "w1", "out": None}, {"out": "None"}),
            "export": Row(bundle.export, {"path": self._path.with_suffix(".st")}, {"path": "str"}),
            "hold": Row(hold, {"limit_ms": 60_000, **waits}, some),
        }  # fmt: skip

    def _compat(self) -> dict[str, Row]:
        session, x = self._session, self._x
        feeds = {"feeds": [x], "mode": "static"}

        def opened(**given: Any) -> None:
            InferSession(**given).free_resource()

        return {
            "InferSession": Row(opened, {"device_id": 0, "model_path": self._path,
                                         "acl_json_path": None, "loop": 1},
                                {"device_id": "0 array", "acl_json_path": "None {}",
                                 "loop": "array"}),
            "session.infer": Row(session.infer, feeds),
            "session.infer_pipeline": Row(session.infer_pipeline,
                                          {"feeds_list": [[x]], "mode": "static"},
                                          {"feeds_list": "[] ()"}),
            "session.infer_iteration": Row(session.infer_iteration,
                                           {**feeds, "in_out_list": None, "iteration_times": 1},
                                           {"in_out_list": "None", "iteration_times": "array"}),
        }  # fmt: skip


def _in_order(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda **given: function(*given.values())


@pytest.fixture
def rows(mlp: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rows]:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mlp.om"
    path.write_bytes(mlp.path.read_bytes())
    with ExitStack() as stack:
        yield Rows(stack, path, mlp)


NAMES = [
    "load", "device", "empty", "to_device", "from_dlpack", "from_pointer", "to_host", "__dlpack__",
    "call", "run", "timed", "submit", "stream", "bind", "init", "update", "plan", "stage", "commit",
    "snapshot", "restore", "read", "export", "hold", "InferSession", "session.infer",
    "session.infer_pipeline", "session.infer_iteration",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_a_parameter_cannot_be(rows: Rows, mlp: Any, name: str) -> None:
    faults = faults_of(name, rows.named[name])
    assert not faults, "\n".join(faults)
    rows.bundle.init()
    np.testing.assert_allclose(rows.bundle.infer(mlp.x), mlp.answer(), rtol=1e-4, atol=1e-4)


def test_no_row_is_left_out(rows: Rows) -> None:
    assert set(rows.named) == set(NAMES)

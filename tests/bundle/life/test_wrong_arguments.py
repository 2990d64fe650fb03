"""Every public parameter, given what it cannot be: an error that names both, and nothing else.

A row of the table is one callable with arguments that are right. Each parameter in turn gets each
wrong value; what comes is one of our errors, or a TypeError or ValueError, whose text has the
parameter and the value, and all goes on as before. Values that a parameter takes are listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import acl_bundle as ab
from acl_bundle.compat import InferSession

pytestmark = pytest.mark.usefixtures("fake_acl")

WRONG: dict[str, Any] = {
    "None": None, "bytes": b"ab", "str": "x", "float": 1.5, "True": True, "-1": -1,
    "2**70": 2**70, "2**31": 2**31, "2**32+1": 2**32 + 1, "-2**63": -(2**63), "0": 0,
    "nan": float("nan"), "[]": [], "{}": {}, "()": (), "object": object(), "array": np.array(3),
    "nested": ["w"],
}  # fmt: skip
NAMED = {
    "source": ("path", "No such", "bytes>"), "model_path": ("path", "No such", "bytes>"),
    "device_id": ("device",), "index": ("device",), "acl_json_path": ("config", "No such"),
    "config": ("config", "No such"), "program": ("program", "No such"), "inputs": ("input",),
    "outputs": ("output",), "out": ("output",), "shape": ("float32[",), "pointer": ("at 0x",),
    "name": ("weight",), "weights": ("weights",), "ready": ("event",), "feeds": ("input",),
    "feeds_list": ("feeds", "input"), "items": ("input",),
}  # fmt: skip
"""Words that name a parameter in a message, beside its own name."""
LABEL = "None str -1 2**70 2**31 2**32+1 -2**63 0 array"
UNTRIED = {
    **dict.fromkeys(("timeout_ms", "limit_ms"), "array"),  # 3 ms, which may be too short
    "ready": "2**31 2**32+1 array",  # addresses; the fake would tell of a violation
}


@dataclass
class Row:
    """One callable.

    Attributes:
        call: It.
        right: Arguments that are right.
        takes: Of WRONG, by parameter, what it takes all the same.
    """

    call: Callable[..., Any]
    right: Mapping[str, Any]
    takes: Mapping[str, str] = field(default_factory=dict)


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


def _end(made: object) -> None:
    """Give back what a value made that was taken all the same."""
    for end in ("free", "close", "discard", "release"):
        if hasattr(made, end):
            getattr(made, end)()
            return


def _names(text: str, parameter: str) -> bool:
    return any(word in text for word in (parameter, *NAMED.get(parameter, ())))


def _tells(text: str, value: object) -> bool:
    """Whether a message has a value, or what is wrong with it: its type, that it is empty."""
    told = [repr(value), type(value).__name__, str(value)[:40]]
    if isinstance(value, int):
        told += [hex(value), f"0x{value:x}", "NULL"]
    elif isinstance(value, list | bytes) and value:
        told += [repr(value[0]), type(value[0]).__name__, "<U1"]
    elif value is None or isinstance(value, list | dict | tuple):
        told += ["not 0", "misses", "0 feeds", "[]"]
    elif isinstance(value, np.ndarray):
        told += ["0x3", "8 bytes", "host memory", "dtype int64", "is 3"]
    return any(one in text for one in told)


NAMES = [
    "load", "device", "empty", "to_device", "from_dlpack", "from_pointer", "to_host", "__dlpack__",
    "call", "run", "timed", "submit", "stream", "bind", "init", "update", "plan", "stage", "commit",
    "snapshot", "restore", "read", "export", "hold", "InferSession", "session.infer",
    "session.infer_pipeline", "session.infer_iteration",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_what_a_parameter_cannot_be(rows: Rows, mlp: Any, name: str) -> None:
    row, faults = rows.named[name], []
    _end(row.call(**row.right))
    for parameter in row.right:
        for called, value in WRONG.items():
            if called in UNTRIED.get(parameter, ""):
                continue
            takes = called in row.takes.get(parameter, "").split()
            what = f"{name}({parameter}={called})"
            try:
                _end(row.call(**{**row.right, parameter: value}))
            except (ab.AclBundleError, TypeError, ValueError, BufferError, OSError) as error:
                text = str(error)
                if takes:
                    faults.append(f"{what} is right, and raises {error!r}")
                elif isinstance(error, OverflowError) or not _names(text, parameter):
                    faults.append(f"{what} is not named: {error!r}")
                elif not _tells(text, value):
                    faults.append(f"{what} does not tell the value: {error!r}")
            except Exception as error:
                faults.append(f"{what}: {error!r}")
            else:
                if not takes:
                    faults.append(f"{what} was taken")
    assert not faults, "\n".join(faults)
    rows.bundle.init()
    np.testing.assert_allclose(rows.bundle.infer(mlp.x), mlp.answer(), rtol=1e-4, atol=1e-4)


def test_no_row_is_left_out(rows: Rows) -> None:
    assert set(rows.named) == set(NAMES)

"""dump_list and dump_stats of aclInit's configuration (the runtime's DumpConfigConverter)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .. import codes
from ..face import Acl

PATH = {"dump_path": "/tmp"}
OP = {**PATH, "dump_level": "op"}
WATCHER = {**PATH, "dump_scene": "watcher"}
RANGE = {"begin": "conv1", "end": "conv9"}


def listed(*models: Any, base: dict[str, Any] = PATH) -> dict[str, Any]:
    return {**base, "dump_list": list(models)}


def black(*pos: Any, name: Any = "Add") -> dict[str, Any]:
    return {"name": name, "pos": list(pos)}


GOOD: list[dict[str, Any]] = [
    listed(), listed({}), listed({"model_name": "m"}, {"layer": ["conv1", "conv2"]}),
    listed({"model_name": "m", "layer": ["conv1"], "unknown": 1}),
    listed({"model_name": "", "layer": []}, base={**PATH, "dump_op_switch": "on"}),
    listed({"watcher_nodes": ["a"]}, base=WATCHER), listed({"watcher_nodes": []}),
    listed({"watcher_nodes": ["a"], "layer": ["b"]}, base=WATCHER),
    listed({"optype_blacklist": [black("input0", "output12", "")]}, base=OP),
    listed({"opname_blacklist": [{}] * 100}, base=OP), listed({"opname_blacklist": []}),
    listed({"model_name": "m", "opname_range": [RANGE, RANGE]}, base=OP),
    {**PATH, "dump_data": "stats", "dump_stats": ["Max", "Negative Inf", "L2norm"]},
    {**PATH, "dump_debug": "on"},
]  # fmt: skip
BAD: dict[str, dict[str, Any]] = {
    "dump_list must be an array of objects": listed(base=PATH) | {"dump_list": {}},
    "dump_list must be an array": listed(1),
    "model_name must be a text": listed({"model_name": 1}),
    "layer must be an array of texts": listed({"layer": "conv1"}),
    "layer must be an array": listed({"layer": ["conv1", 2]}),
    "watcher_nodes must be an array of texts": listed({"watcher_nodes": [None]}),
    "optype_blacklist must be an array of objects": listed({"optype_blacklist": ["Add"]}),
    "opname_blacklist must be an array of objects": listed({"opname_blacklist": black()}),
    "name must be a text": listed({"opname_blacklist": [black(name=1)]}, base=OP),
    "pos must be an array of texts": listed({"opname_blacklist": [black(0)]}, base=OP),
    "opname_range must be an array of objects": listed({"opname_range": [[]]}),
    "begin must be a text": listed({"opname_range": [{"begin": 1}]}),
    "end must be a text": listed({"opname_range": [{"begin": "a", "end": 1}]}),
    "model_name is empty": listed({"model_name": ""}),
    "layer is empty": listed({"model_name": "m", "layer": []}),
    "watcher_nodes are for": listed({"watcher_nodes": ["a"]}),
    'dump_scene "watcher", which needs them': listed({}, base=WATCHER),
    'dump_scene "watcher" takes no model_name': listed(
        {"watcher_nodes": ["a"], "model_name": "m"}, base=WATCHER
    ),
    "has 101 entries": listed({"opname_blacklist": [{}] * 101}, base=OP),
    'optype_blacklist needs dump_level "op"': listed({"optype_blacklist": [black()]}),
    'opname_range needs dump_level "op"': listed({"model_name": "m", "opname_range": [RANGE]}),
    'pos "input"': listed({"opname_blacklist": [black("input")]}, base=OP),
    'pos "output1x"': listed({"optype_blacklist": [black("output1x")]}, base=OP),
    'pos "x0"': listed({"optype_blacklist": [black("input0"), black("x0")]}, base=OP),
    "opname_range needs a model_name": listed({"opname_range": [RANGE]}, base=OP),
    "needs both begin and end": listed(
        {"model_name": "m", "opname_range": [RANGE, {"begin": "a"}]}, base=OP
    ),
    "dump_stats must be an array of texts": {**PATH, "dump_stats": "Max"},
    "dump_stats is empty": {**PATH, "dump_data": "stats", "dump_stats": []},
    "stands without dump_data": {**PATH, "dump_stats": ["Max"]},
    'dump_stats has "max"': {**PATH, "dump_data": "stats", "dump_stats": ["Min", "max"]},
    "cannot be set with dump_debug": listed({}, base={**PATH, "dump_debug": "on"}),
    "cannot be set with a dump_scene": {"dump_scene": "lite_exception", "dump_list": []},
}


def init(acl: Acl, folder: Path, block: dict[str, Any]) -> int:
    path = folder / "acl.json"
    path.write_text(json.dumps({"dump": block}), encoding="utf-8")
    return int(acl.aclInit(str(path).encode()))


@pytest.mark.parametrize("block", GOOD)
def test_lists_that_are_taken(acl: Acl, tmp_path: Path, block: dict[str, Any]) -> None:
    assert init(acl, tmp_path, block) == codes.SUCCESS


@pytest.mark.parametrize("text", BAD)
def test_lists_that_are_refused(acl: Acl, tmp_path: Path, text: str) -> None:
    assert init(acl, tmp_path, BAD[text]) == codes.INVALID_DUMP_CONFIG
    assert text in (acl.message() or "")

"""Branches that are never taken: those behind a condition that is a constant.

A graph that can train asks ``is_training`` at run time, and a placeholder's
default says False. What stands behind the other answer is cut off, so that it
counts neither as training nor as something to convert. Both forms of branches
are looked at: ``Switch`` and ``Merge``, and ``If`` with functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from acl_bundle.build.tensorflow._graph.graph import node_of, tensor_of
from acl_bundle.build.tensorflow._graph.need import tensorflow

_CALLS: Final = {"If": "StatefulPartitionedCall", "StatelessIf": "PartitionedCall"}


def cut(definition: Any) -> None:
    """Leave the branch that is taken of every constant condition, in place."""
    nodes = {node.name: node for node in definition.node}
    known = {
        node.name: answer
        for node in definition.node
        if node.op in ("Switch", "RefSwitch", *_CALLS)
        and (answer := _answer(node.input[0 if node.op in _CALLS else 1], nodes)) is not None
    }
    if not known:
        return
    dead = _dead(definition, known)
    for node in definition.node:
        if node.op == "Merge" and len(live := [e for e in node.input if not _is(e, dead)]) == 1:
            _make(node, "Identity", live, {"T": node.attr["T"]})
    taken = {
        f"{name}:{int(answer)}" for name, answer in known.items() if nodes[name].op not in _CALLS
    }
    for node in definition.node:
        for at, edge in enumerate(node.input):
            if not edge.startswith("^") and tensor_of(edge) in taken:
                node.input[at] = node_of(edge)
    for name, answer in known.items():
        _take(nodes[name], answer)


def _answer(edge: str, nodes: Mapping[str, Any]) -> bool | None:
    """What a condition is, if it is a constant."""
    node, other = nodes.get(node_of(edge)), False
    while node is not None and node.op in ("Identity", "LogicalNot"):
        other ^= node.op == "LogicalNot"
        node = nodes.get(node_of(node.input[0]))
    if node is None or node.op != "Const":
        return None
    value = tensorflow().make_ndarray(node.attr["value"].tensor)
    return bool(value) ^ other if value.shape == () and value.dtype == bool else None


def _dead(definition: Any, known: Mapping[str, bool]) -> set[str]:
    """Nodes, as ``^a``, and tensors that are never computed."""
    switches = {node.name for node in definition.node if node.op in ("Switch", "RefSwitch")}
    dead = {f"{name}:{int(not answer)}" for name, answer in known.items() if name in switches}
    before = -1
    while len(dead) > before:
        before = len(dead)
        for node in definition.node:
            gone = [_is(edge, dead) for edge in node.input]
            if (all if node.op == "Merge" else any)(gone) and gone:
                dead.add(f"^{node.name}")
    return dead


def _is(edge: str, dead: set[str]) -> bool:
    return f"^{node_of(edge)}" in dead or (edge[:1] != "^" and tensor_of(edge) in dead)


def _take(node: Any, answer: bool) -> None:
    if node.op not in _CALLS:
        kept = [edge for at, edge in enumerate(node.input) if at != 1]
        _make(node, "Identity", kept, {"T": node.attr["T"]})
        return
    branch = node.attr["then_branch" if answer else "else_branch"]
    attributes = {"f": branch, "Tin": node.attr["Tin"], "Tout": node.attr["Tout"]}
    _make(node, _CALLS[node.op], list(node.input)[1:], attributes)


def _make(node: Any, op: str, inputs: list[str], attributes: Mapping[str, Any]) -> None:
    copies = {
        name: type(value).FromString(value.SerializeToString())
        for name, value in attributes.items()
    }
    node.op = op
    del node.input[:]
    node.input.extend(inputs)
    node.attr.clear()
    for name, value in copies.items():
        node.attr[name].CopyFrom(value)

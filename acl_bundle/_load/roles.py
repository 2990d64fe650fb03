"""Which graph of a file has which role: as it was given, or as the file shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import SupportsIndex

from acl_bundle import om
from acl_bundle._base.arrays import whole
from acl_bundle.errors import RoleError

# What a graph must have to be given a role: inputs, outputs (None: either way).
ROLES: dict[str, tuple[bool | None, bool]] = {
    "infer": (None, True),
    "init": (False, False),
    "update": (True, False),
}
REFRESHABLE = (
    "Weights are written in a bundle that was built for it:"
    " acl_bundle.build.from_onnx(model, weights=[...]) makes one for tests, CANN's"
    " aclgrphConvertToWeightRefreshableGraphs and aclgrphBundleBuildModel one for a chip"
)


def missing(role: str, graphs: Iterable[object], file: str, *, writes: bool) -> RoleError:
    """Say that no graph has a role.

    Args:
        role: Which.
        graphs: What there is instead.
        file: What to call the file.
        writes: Whether one of its graphs writes weights.
    """
    has = ", ".join(repr(graph) for graph in graphs)
    text = f"this {file} has no {role} graph; it has {has}. Use bundle.graphs"
    return RoleError(text if writes or role == "infer" else f"{text}. {REFRESHABLE}")


def _check_role(file: om.Bundle, role: str, index: int) -> None:
    """Refuse a role that the graph cannot have."""
    if index not in range(len(file.models)):
        raise ValueError(f"roles[{role!r}] is {index}; the file has {len(file.models)} graphs")
    model = file.models[index]
    takes, gives = ROLES[role]
    if gives != bool(model.outputs) or takes not in (None, bool(model.inputs)):
        raise ValueError(
            f"roles[{role!r}] is {index}, but {model.name} with {len(model.inputs)} inputs and"
            f" {len(model.outputs)} outputs cannot be the {role} graph"
        )


def roles_of(file: om.Bundle, given: Mapping[str, SupportsIndex] | None) -> dict[int, str]:
    """The role of each graph that has one, by index.

    Raises:
        TypeError: `given` is no mapping, or an index in it no int.
        ValueError: `given` names a role that does not exist, or a graph twice,
            beyond the end, or that cannot have the role.
        BundleFormatError: Nothing was given and the file leaves a doubt.
    """
    if given is None:
        return {index: role for role, index in file.roles.items()}
    if not isinstance(given, Mapping):
        raise TypeError(f"roles is a dict such as {{'infer': 0}}, not {given!r}")
    for role in given:
        if role not in ROLES:
            raise ValueError(f"roles has {role!r}; a role is one of {', '.join(ROLES)}")
    indices = {
        role: whole(index, f"roles[{role!r}] is a graph's index, an int")
        for role, index in given.items()
    }
    roles = {index: role for role, index in indices.items()}
    if len(roles) < len(indices):
        raise ValueError(f"roles gives one graph several roles: {indices}")
    for index, role in roles.items():
        _check_role(file, role, index)
    return roles

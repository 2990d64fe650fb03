"""Which graph of a bundle infers, initialises and updates.

Nothing in a bundle marks the roles and producers order graphs differently
(facts 4.2), so they are told by inputs and outputs: the update graph's inputs
are all called ``<weight>_var_data`` and it has no outputs, the init graph has
neither inputs nor outputs, the rest infer. The graphs' usual names settle
what is left open; what they contradict, or leave open, is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Final, Literal, Protocol, TypeAlias

from acl_bundle.errors import BundleFormatError

Role: TypeAlias = Literal["infer", "init", "update"]

INFER_NAME: Final = "var_infer_graph"
INIT_NAME: Final = "var_init_graph"
UPDATE_NAME: Final = "var_update_graph"
UPDATE_SUFFIX: Final = "_var_data"

_NAMES: Final[dict[str, Role]] = {
    INFER_NAME: "infer",
    INIT_NAME: "init",
    UPDATE_NAME: "update",
}


class Named(Protocol):
    """Anything with a name."""

    @property
    def name(self) -> str:
        """The name."""


class NamedGraph(Protocol):
    """What a role is told from: a graph's name, inputs and outputs."""

    @property
    def name(self) -> str:
        """The graph's name, as the model's header has it."""

    @property
    def inputs(self) -> Sequence[Named]:
        """The graph's inputs."""

    @property
    def outputs(self) -> Sequence[Named]:
        """The graph's outputs."""


def role_of(graph: NamedGraph) -> Role:
    """Return what a graph's inputs and outputs say it does."""
    if graph.outputs:
        return "infer"
    if not graph.inputs:
        return "init"
    names = [one.name for one in graph.inputs]
    updates = all(map(str.endswith, names, repeat(UPDATE_SUFFIX)))
    return "update" if updates else "infer"


def detect(graphs: Sequence[NamedGraph], file: str = "bundle") -> dict[Role, int]:
    """Return the index of each role's graph.

    A bundle with neither an init nor an update graph holds unrelated models
    when it has several: it has no roles and the answer is empty.

    Args:
        graphs: The graphs in file order.
        file: What the error calls the bundle.

    Raises:
        BundleFormatError: A name contradicts what the graph does, or several
            graphs could have one role.
    """
    return assigned(graphs, [*map(role_of, graphs)], file)


def assigned(graphs: Sequence[NamedGraph], does: Sequence[Role], file: str) -> dict[Role, int]:
    """Return the same, of graphs of which it is known what each does (`role_of`).

    Raises:
        BundleFormatError: As for `detect`.
    """
    found: dict[Role, list[int]] = {"infer": [], "init": [], "update": []}
    for index, (graph, role) in enumerate(zip(graphs, does, strict=True)):
        _check_name(graph, index, role, file)
        found[role].append(index)
    if len(found["infer"]) > 1 and not found["init"] and not found["update"]:
        return {}
    return {role: _one(role, at, graphs, file) for role, at in found.items() if at}


def _check_name(graph: NamedGraph, index: int, role: Role, file: str) -> None:
    said = _NAMES.get(graph.name)
    if said is not None and said != role:
        raise BundleFormatError(
            f"{file}: graph {index} is called {graph.name!r}, but with {len(graph.inputs)} inputs"
            f" and {len(graph.outputs)} outputs it looks like the {role} graph;"
            f" say which it is: roles={{{role!r}: {index}, ...}}"
        )


def _one(role: Role, at: list[int], graphs: Sequence[NamedGraph], file: str) -> int:
    named = [index for index in at if _NAMES.get(graphs[index].name) == role]
    candidates = named or at
    if len(candidates) == 1:
        return candidates[0]
    names = ", ".join(f"{index} ({graphs[index].name!r})" for index in candidates)
    raise BundleFormatError(
        f"{file}: graphs {names} could each be the {role} graph;"
        f" say which it is: roles={{{role!r}: {candidates[0]}, ...}}"
    )

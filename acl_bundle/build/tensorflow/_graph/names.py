"""What variables are called.

A variable has a name (``fc/W``, ``fc/W:0``), and in an object-based checkpoint
the way to it from the root (``layer/kernel/.ATTRIBUTES/VARIABLE_VALUE``). An
update takes any of them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from acl_bundle.build.tensorflow._graph.graph import Fragment, GraphVariable, outside
from acl_bundle.errors import WeightError

VALUE: Final = "/.ATTRIBUTES/VARIABLE_VALUE"
_COPIES: Final = "_all_variables/"

# What trainers keep beside the weights: steps, optimizers' slots, bookkeeping.
_SLOTS: Final = ("Adadelta", "Adagrad", "Adam", "AdamOptimizer", "Ftrl", "Momentum", "RMSProp")
_STEPS: Final = ("beta1_power", "beta2_power", "global_step")
UNUSED: Final = (
    "_CHECKPOINTABLE_OBJECT_GRAPH",
    f"save_counter{VALUE}",
    "*/.OPTIMIZER_SLOT/*",
    "*seed_generator_state",
    "*seed_generator_state:0",
    *(f"{root}optimizer/*" for root in ("", "*/", "_")),
    *(f"*/{slot}{end}" for slot in _SLOTS for end in ("", ":0", "_[0-9]", "_[0-9]:0")),
    *(f"{step}{end}" for step in _STEPS for end in ("", ":0", "_[0-9]", "_[0-9]:0")),
)


def variable(name: str, aliases: Iterable[str] = (), part: Fragment | None = None) -> GraphVariable:
    """Describe a variable; ``name:0`` is always an alias."""
    known = dict.fromkeys((f"{name}:0", *aliases))
    known.pop(name, None)
    return GraphVariable(name, tuple(known), part)


@dataclass
class Place:
    """A variable below a trackable object: its name, and its keys in a checkpoint of that."""

    name: str
    keys: list[str] = field(default_factory=list)


def of_handles(handles: Mapping[int, Any], places: Mapping[int, Place]) -> dict[int, GraphVariable]:
    """Name the variables that a function captures.

    Args:
        handles: The variables, by the identity of their handles.
        places: Where they stand in what was loaded, likewise.

    Raises:
        WeightError: Two share a name, and no way leads to one of them.
    """
    count = Counter(outside(one.name) for one in handles.values())
    named = {}
    for key, one in handles.items():
        own = outside(one.name)
        keys = places[key].keys if key in places else []
        if count[own] == 1:
            named[key] = variable(own, [*keys, *_copies(own, handles, places)])
        elif keys:
            named[key] = variable(keys[0].removesuffix(VALUE), keys)
        else:
            raise WeightError(
                f"{count[own]} variables are called {own!r} and nothing else tells them apart;"
                " give them names of their own"
            )
    return named


def _copies(name: str, captured: Container[int], places: Mapping[int, Place]) -> list[str]:
    """The keys of a variable's second copy: a model that Keras exports has all of them twice."""
    return [
        key
        for handle, one in places.items()
        if handle not in captured and one.name == name
        for key in one.keys
        if key.startswith(_COPIES)
    ]


def others(places: Mapping[int, Place], variables: Iterable[GraphVariable]) -> tuple[str, ...]:
    """The names and keys of the variables that are none of those given."""
    taken = {name for one in variables for name in (one.name, *one.aliases)}
    every = (name for one in places.values() for name in (one.name, f"{one.name}:0", *one.keys))
    return tuple(dict.fromkeys(name for name in every if name not in taken))


def also_below(variables: Mapping[str, GraphVariable], root: str) -> dict[str, GraphVariable]:
    """Take the name of the model before variables' names, and leave it out where it stands.

    Keras writes it or not, depending on whether a model was made or loaded.
    """
    found = {}
    for node, one in variables.items():
        short = one.name.removeprefix(f"{root}/")
        other = short if short != one.name else f"{root}/{one.name}"
        found[node] = GraphVariable(one.name, (*one.aliases, other, f"{other}:0"))
    return found


def settled(
    variables: Mapping[str, GraphVariable], ends: Container[str] = ()
) -> dict[str, GraphVariable]:
    """Give each variable names that are nothing else's.

    Args:
        variables: By any key.
        ends: What inputs and outputs are called: a variable of that name is ``name:0``.
    """
    renamed = {
        key: replace(one, name=f"{one.name}:0", aliases=(one.name, *one.aliases))
        if one.name in ends
        else one
        for key, one in variables.items()
    }
    names = {one.name for one in renamed.values()}
    count = Counter(alias for one in renamed.values() for alias in one.aliases)
    return {
        key: replace(one, aliases=tuple(a for a in one.aliases if count[a] == 1 and a not in names))
        for key, one in renamed.items()
    }


def places_in(tensorflow: Any, root: Any) -> dict[int, Place]:
    """Find every variable below a trackable object, by the identity of its handle.

    The ways to it are its keys in a checkpoint, the shortest first.
    """
    children = tensorflow.train.TrackableView.children
    found: dict[int, Place] = {}
    seen, left = {id(root)}, deque([("", root)])
    while left:
        before, parent = left.popleft()
        for name, child in children(parent).items():
            way = f"{before}{_escaped(name)}"
            inner = inner_variable(tensorflow, child)
            if inner is not None:
                place = found.setdefault(id(inner.handle), Place(outside(inner.name)))
                place.keys.append(f"{way}{VALUE}")
            elif id(child) not in seen:
                seen.add(id(child))
                left.append((f"{way}/", child))
    return found


def inner_variable(tensorflow: Any, one: Any) -> Any:
    """The TensorFlow variable that something is or, a Keras variable, has; else None."""
    inner = one if isinstance(one, tensorflow.Variable) else getattr(one, "value", None)
    return inner if isinstance(inner, tensorflow.Variable) and hasattr(inner, "handle") else None


def _escaped(name: str) -> str:
    return name.replace(".", "..").replace("/", ".S")

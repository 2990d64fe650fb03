"""What variables are called.

A variable has a name (``fc/W``, ``fc/W:0``), and in an object-based checkpoint
the way to it from the root (``layer/kernel/.ATTRIBUTES/VARIABLE_VALUE``). An
update takes any of them.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Any, Final

from acl_bundle.build.tensorflow.graph import Variable, outside
from acl_bundle.errors import WeightError

VALUE: Final = "/.ATTRIBUTES/VARIABLE_VALUE"

# What trainers keep beside the weights: steps, optimizers' slots, bookkeeping.
_SLOTS: Final = ("Adadelta", "Adagrad", "Adam", "AdamOptimizer", "Ftrl", "Momentum", "RMSProp")
_STEPS: Final = ("beta1_power", "beta2_power", "global_step")
UNUSED: Final = (
    "_CHECKPOINTABLE_OBJECT_GRAPH",
    f"save_counter{VALUE}",
    "*/.OPTIMIZER_SLOT/*",
    *(f"{root}optimizer/*" for root in ("", "*/", "_")),
    *(f"*/{slot}{end}" for slot in _SLOTS for end in ("", ":0", "_[0-9]", "_[0-9]:0")),
    *(f"{step}{end}" for step in _STEPS for end in ("", ":0", "_[0-9]", "_[0-9]:0")),
)


def variable(name: str, aliases: Iterable[str] = ()) -> Variable:
    """Describe a variable; ``name:0`` is always an alias."""
    known = dict.fromkeys((f"{name}:0", *aliases))
    known.pop(name, None)
    return Variable(name, tuple(known))


def of_handles(handles: Mapping[int, Any], ways: Mapping[int, list[str]]) -> dict[int, Variable]:
    """Name the variables that a function captures.

    Args:
        handles: The variables, by the identity of their handles.
        ways: The ways to them from the root of what was loaded, likewise.

    Raises:
        WeightError: Two share a name, and no way leads to one of them.
    """
    count = Counter(outside(one.name) for one in handles.values())
    named = {}
    for key, one in handles.items():
        own, keys = outside(one.name), [f"{way}{VALUE}" for way in ways.get(key, ())]
        if count[own] == 1:
            named[key] = variable(own, keys)
        elif keys:
            named[key] = variable(ways[key][0], keys)
        else:
            raise WeightError(
                f"{count[own]} variables are called {own!r} and nothing else tells them apart;"
                " give them names of their own"
            )
    return named


def also_below(variables: Mapping[str, Variable], root: str) -> dict[str, Variable]:
    """Take the name of the model before variables' names, and leave it out where it stands.

    Keras writes it or not, depending on whether a model was made or loaded.
    """
    found = {}
    for node, one in variables.items():
        short = one.name.removeprefix(f"{root}/")
        other = short if short != one.name else f"{root}/{one.name}"
        found[node] = Variable(one.name, (*one.aliases, other, f"{other}:0"))
    return found


def settled(variables: Mapping[str, Variable]) -> dict[str, Variable]:
    """Leave out aliases that could mean another variable as well."""
    names = {one.name for one in variables.values()}
    count = Counter(alias for one in variables.values() for alias in one.aliases)
    return {
        node: Variable(one.name, tuple(a for a in one.aliases if count[a] == 1 and a not in names))
        for node, one in variables.items()
    }


def ways_to(tensorflow: Any, root: Any) -> dict[int, list[str]]:
    """Find the ways to every variable below a trackable object, shortest first.

    Returns:
        The ways as a checkpoint writes them, by the identity of the variables' handles.
    """
    children = tensorflow.train.TrackableView.children
    found: dict[int, list[str]] = {}
    seen, left = {id(root)}, deque([("", root)])
    while left:
        before, parent = left.popleft()
        for name, child in children(parent).items():
            way = f"{before}{_escaped(name)}"
            handle = handle_of(tensorflow, child)
            if handle is not None:
                found.setdefault(id(handle), []).append(way)
            elif id(child) not in seen:
                seen.add(id(child))
                left.append((f"{way}/", child))
    return found


def handle_of(tensorflow: Any, one: Any) -> Any:
    """The handle of a variable of TensorFlow's or Keras's; None for anything else."""
    inner = one if isinstance(one, tensorflow.Variable) else getattr(one, "value", None)
    return getattr(inner, "handle", None) if isinstance(inner, tensorflow.Variable) else None


def _escaped(name: str) -> str:
    return name.replace(".", "..").replace("/", ".S")

"""Planning: what is given, compared with the graph's weights; touches nothing.

Names, dtypes, shapes and scalar values are checked for everything that is to
move. A weight whose token says that it is unchanged is not even fetched; one
that turns out to have the digest of last time is left out after it was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from acl_bundle._device.array import DeviceArray
from acl_bundle._names.aliases import is_unused
from acl_bundle._names.nearby import renaming
from acl_bundle._names.wrappers import advice, without_wrappers
from acl_bundle._plan.casts import COPIES, COPY
from acl_bundle._plan.options import Options
from acl_bundle._plan.plan import Plan
from acl_bundle._plan.table import WeightTable
from acl_bundle._plan.unchanged import Digest, Remembered, Seen, digest, digests
from acl_bundle._plan.value import check_value
from acl_bundle.errors import WeightError
from acl_bundle.om._bundle.names import explained

Array = NDArray[Any]


class _Watch:
    """Finds the weights that an update need not move, and what to remember of the others."""

    def __init__(self, plan: Plan, seen: Seen) -> None:
        options, names = plan.options, plan.weights.places
        self._facts, self._seen = plan.facts, seen
        self._tokens = {
            without_wrappers(name, names.__contains__): token
            for name, token in (options.tokens or {}).items()
        }
        self._digest = bool(options.skip_unchanged)
        self._threads = options.threads
        self._digests: dict[str, Digest] = {}

    def has_token(self, name: str) -> bool:
        """Whether the caller's token says that a weight is unchanged."""
        if name not in self._tokens:
            return False
        token = self._tokens[name]
        try:
            hash(token)
        except TypeError as error:
            raise TypeError(f"the token of weight {name!r} is not hashable: {token!r}") from error
        self._facts[name] = Remembered(token=(token,))
        known = self._seen[name].token
        return known is not None and bool(known[0] == token)

    def is_same(self, name: str, array: Any) -> bool:
        """Whether a value that was fetched is that of last time."""
        if not self._digest:
            return False
        array = _on_host(array)
        found = self._digests.pop(name, None) or digest(array)
        self._facts[name] = replace(self._facts.get(name, Remembered()), digest=found)
        return found == self._seen[name].digest

    def prepare(self, arrays: Mapping[str, Array]) -> None:
        """Hash arrays beforehand, all threads at work."""
        if self._digest:
            some = {name: one for name, one in arrays.items() if isinstance(one, np.ndarray)}
            self._digests = digests(some, self._threads)


def _on_host(array: Any) -> Array:
    """An array, or what one on the device holds."""
    return array.to_host() if isinstance(array, DeviceArray) else array


def _check_names(plan: Plan) -> None:
    """Find the names that the graph does not have; refuse them if that is asked."""
    known = plan.weights.places
    plan.ignored = tuple([name for name in plan.source if name not in known])
    wrong = [name for name in plan.ignored if not is_unused(name, plan.options.unused)]
    tokens = plan.options.tokens or ()
    strange = [name for name in tokens if without_wrappers(name, known.__contains__) not in known]
    for what, found in (("weight", wrong), ("weight for the token", strange)):
        if found and plan.options.unknown != "ignore":
            names = [*plan.weights.names]
            raise WeightError(
                f"{plan.label} has no {what} {', '.join(map(repr, found))};"
                f" it has {', '.join(names)}{renaming(found, names)}{advice(found)}"
                f"{explained(found, names)}"
            )


def make_plan(
    label: str,
    table: WeightTable,
    weights: Mapping[str, Any],
    options: Options,
    seen: Seen,
    pause: Callable[[], object] = tuple,
) -> Plan:
    """Compare what is given with what a graph takes; touches nothing, looks at nothing else.

    Args:
        label: The graph, for messages.
        table: Its weights.
        weights: The new values, by name.
        options: How to treat them.
        seen: What earlier updates were given.
        pause: Called between values of a lazy mapping, here and when they are staged.

    Raises:
        WeightError: A name, dtype, shape or scalar value does not fit.
        TypeError: Not a mapping, a value that is not an array, or a token that is not hashable.
        UnsupportedError: Digests are asked for and xxhash is not installed.
    """
    if not isinstance(weights, Mapping):
        raise TypeError(f"give the weights as a dict of name to array, not {type(weights)}")
    plan = Plan(label, options, pause, table, source=weights)
    if options.skip_unchanged or options.tokens is not None:
        _check_names(plan)
        _plan_watched(plan, _Watch(plan, seen))
    elif not isinstance(weights, dict):
        _check_names(plan)
        _plan_lazy(plan)
    else:
        _plan_dict(plan, weights)
    return plan


def _plan_lazy(plan: Plan) -> None:
    """Plan to move everything given, holding nothing of it."""
    for index in plan.weights.among(plan.source):
        plan.pause()
        spec = plan.weights.specs[index]
        plan.add(index, spec, plan.checked(spec), lazy=True)


def _plan_dict(plan: Plan, weights: dict[str, Any]) -> None:
    """Plan to move everything given.

    Most values are right as they are. Of thousands of small weights these few
    lines take as long as the copies do, so one test finds those.
    """
    ndarray, cast, specs = np.ndarray, plan.options.cast, plan.weights.specs
    take_index, take_spec, take_array = plan.indices.append, plan.specs.append, plan.arrays.append
    take_move, copy, nbytes = plan.moves.append, COPIES.get, 0
    found = plan.weights.among(weights)
    for index in found:
        spec = specs[index]
        value = weights[spec.name]
        if (
            type(value) is ndarray
            and value.dtype is spec.dtype
            and value.shape == spec.shape
            and value.ndim
            and value.flags.c_contiguous
        ):
            take_index(index)
            take_spec(spec)
            take_array(value)
            take_move(copy(value.dtype, COPY))
            nbytes += value.nbytes
        else:
            plan.add(index, spec, check_value(value, spec, cast), lazy=False)
    plan.nbytes += nbytes
    if len(found) < len(weights):
        _check_names(plan)


def _plan_watched(plan: Plan, watch: _Watch) -> None:
    """Plan to move what is given and not known to be unchanged."""
    weights, cast = plan.source, plan.options.cast
    lazy = not isinstance(weights, dict)
    given = [(index, plan.weights.specs[index]) for index in plan.weights.among(weights)]
    wanted = {spec.name for _, spec in given if not watch.has_token(spec.name)}
    checked = {}
    if not lazy:
        some = [spec for _, spec in given if spec.name in wanted]
        checked = {spec.name: check_value(weights[spec.name], spec, cast) for spec in some}
    watch.prepare(checked)
    for index, spec in given:
        name = spec.name
        if name not in wanted:
            plan.unchanged.append(name)
            continue
        plan.pause()
        array = plan.checked(spec) if lazy else checked[name]
        if watch.is_same(name, array):
            plan.unchanged.append(name)
        else:
            plan.add(index, spec, array, lazy)

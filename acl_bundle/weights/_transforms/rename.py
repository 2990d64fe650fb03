"""Other names for the weights, and fewer of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from acl_bundle._base.arrays import text
from acl_bundle._names.given import Given
from acl_bundle.errors import WeightError
from acl_bundle.weights._base.patterns import matching, unmatched
from acl_bundle.weights._base.report import Report
from acl_bundle.weights._base.spec import Array, Spec, fetch_as_it_is, mapping_of, spec_of
from acl_bundle.weights._base.view import Moved


class NameRow(NamedTuple):
    """A weight's old name and its new one; None when it was left out."""

    old: str
    new: str | None


class SelectRow(NamedTuple):
    """A weight, what it is, and whether it was kept."""

    name: str
    weight: Spec
    kept: bool


class _Untouched(Moved):
    """Weights of which no value is changed; those on a device stay there."""

    def __getitem__(self, name: str) -> Array:
        """Return a weight's values, a DeviceArray where they are on a device; see `View`."""
        found: Array = fetch_as_it_is(self._base, self._below(name))
        return found


class Renamed(_Untouched):
    """Weights under other names."""

    def report(self) -> Report[NameRow]:
        """List old names and new ones."""
        rows = tuple(NameRow(old, new) for new, old in self._names.items())
        changed = sum(row.old != row.new for row in rows)
        return Report(f"{changed} of {len(rows)} weights have another name", rows)


class Selected(_Untouched):
    """Some of the weights."""

    def report(self) -> Report[SelectRow]:
        """List what was kept and what was left out."""
        rows = tuple(SelectRow(n, spec_of(self._base, n), n in self) for n in self._base)
        return Report(f"{len(self)} of {len(rows)} weights are kept", rows)


def rename(
    weights: Given,
    names: Mapping[str, str] | Callable[[str], str] | None = None,
    *,
    regex: Iterable[tuple[str, str]] = (),
    strip_prefix: str = "",
    add_prefix: str = "",
) -> Renamed:
    """Give weights other names; those that nothing applies to keep theirs.

    In this order: ``strip_prefix`` is taken off names that have it, each pattern
    of ``regex`` is replaced wherever it occurs, ``names`` is looked up or
    called, and ``add_prefix`` is put before.

    Args:
        weights: What to rename.
        names: Old name -> new name, or a function that gives the new name.
        regex: Pairs of pattern and replacement, as for `re.sub`.
        strip_prefix: What to take off.
        add_prefix: What to put before.

    Returns:
        A view; ``report()`` lists the names.

    Raises:
        WeightError: Two weights would have one name, an entry of ``names`` or
            the prefix fits no weight, or a name is empty.
        ValueError: A pattern or replacement is no regular expression, or ``regex``
            holds something else than pairs.
    """
    weights = mapping_of(weights)
    look_up, rules = _function(names), _compiled(regex)
    text(strip_prefix, "strip_prefix")
    text(add_prefix, "add_prefix")
    if strip_prefix and not any(name.startswith(strip_prefix) for name in weights):
        raise WeightError(
            f"strip_prefix: no weight starts with {strip_prefix!r}; the first is"
            f" {next(iter(weights), None)!r}"
        )
    stripped = {old: _substituted(old.removeprefix(strip_prefix), rules) for old in weights}
    if isinstance(names, Mapping):
        known = set(stripped.values())
        for name in names:
            if name not in known:
                raise unmatched(name, known, "names")
    found: dict[str, str] = {}
    for old, name in stripped.items():
        new = look_up(name)
        if not isinstance(new, str) or not (new := add_prefix + new):
            raise WeightError(f"weight {old!r} would be called {new!r}; a name is right")
        if new in found:
            raise WeightError(f"weights {found[new]!r} and {old!r} would both be called {new!r}")
        found[new] = old
    return Renamed(weights, found)


def select(
    weights: Given, keep: Iterable[str] | None = None, *, drop: Iterable[str] = ()
) -> Selected:
    """Leave weights out.

    Args:
        weights: What to choose from.
        keep: Names or patterns (``*`` and ``?``) of what stays, None for all.
        drop: Names or patterns of what goes all the same.

    Returns:
        A view; ``report()`` lists what stays and what goes.

    Raises:
        WeightError: A name or pattern fits no weight.
        TypeError: A string was given for a list.
    """
    weights = mapping_of(weights)
    kept = set(weights) if keep is None else matching(weights, keep, "keep")
    kept -= matching(weights, drop, "drop")
    return Selected(weights, {name: name for name in weights if name in kept})


def _function(names: Mapping[str, str] | Callable[[str], str] | None) -> Callable[[str], str]:
    if names is None:
        return lambda name: name
    if isinstance(names, Mapping):
        return lambda name: names.get(name, name)
    if not callable(names):
        raise TypeError(
            f"names is {names!r:.80}; a mapping of old to new name, or a function, is right"
        )
    return names


def _rules(regex: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    if isinstance(regex, Iterable) and not isinstance(regex, str | bytes):
        with suppress(TypeError):  # an array without dims says that it can be iterated over
            return list(regex)
    raise TypeError(f"regex is {regex!r:.80}; a list of pairs of pattern and replacement is right")


def _compiled(regex: Iterable[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    rules = []
    for rule in _rules(regex):
        if not isinstance(rule, tuple | list) or len(rule) != 2:
            raise ValueError(f"regex holds {rule!r}; pairs of pattern and replacement are right")
        try:
            rules.append((re.compile(rule[0]), rule[1]))
        except (re.error, TypeError) as error:
            raise ValueError(f"regex {rule[0]!r} is no regular expression: {error}") from None
    return rules


def _substituted(name: str, rules: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in rules:
        try:
            name = pattern.sub(replacement, name)
        except (re.error, IndexError) as error:
            raise ValueError(
                f"regex {pattern.pattern!r}: {replacement!r} is no replacement: {error}"
            ) from None
    return name

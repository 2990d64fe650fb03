"""Options that go together, each written once: a dataclass whose fields are options."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Any, get_type_hints

__all__ = ["given", "grouped"]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of each of its parameters that is a group.

    A group is a frozen dataclass. Its fields become options at its place, and the command is
    called with the group.
    """
    groups: dict[str, type[Any]] = {}
    shown: list[Parameter] = []
    for one in signature(command, eval_str=True).parameters.values():
        if is_dataclass(one.annotation) and isinstance(one.annotation, type):
            groups[one.name] = one.annotation
            shown += _options(one.annotation)
        else:
            shown.append(one.replace(kind=Parameter.KEYWORD_ONLY))

    @wraps(command)
    def run(**given: Any) -> None:
        made = {
            name: group(**{one.name: given.pop(one.name) for one in fields(group)})
            for name, group in groups.items()
        }
        command(**made, **given)

    run.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in shown}
    return run


def _options(group: type[Any]) -> list[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        Parameter(one.name, Parameter.KEYWORD_ONLY, default=one.default, annotation=hints[one.name])
        for one in fields(group)
    ]


def given(group: Any) -> list[str]:
    """Return the options of a group that are not as they are without being said."""
    return [
        f"--{one.name.replace('_', '-')}"
        for one in fields(group)
        if getattr(group, one.name) not in (one.default, [])
    ]

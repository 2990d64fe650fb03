"""What is run: a path, the weights that go into it, and where inputs come from."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path

from acl_bundle.answers import OmOptions, Side, opened
from acl_bundle.cli.weights.inputs import Changes, pairs
from acl_bundle.cli.weights.options import ChangeOptions


@dataclass(frozen=True)
class SideWish:
    """One side, as a person typed it.

    Attributes:
        path: What answers.
        weights: A file of weights that go into it.
        changes: What becomes of them on their way.
        graph: Which graph.
        device: Index of the device.
    """

    path: str
    weights: Path | None
    changes: Changes
    graph: str = ""
    device: int = 0

    def open(self, stack: ExitStack) -> Side:
        """Open it, with its weights in place; the stack closes it.

        Raises:
            AclBundleError, ValueError, OSError: As for `opened` and `Changes`.
        """
        if self.weights is None:
            return opened(self.path, OmOptions(graph=self.graph, device=self.device), stack)
        source = stack.enter_context(self.changes.choice.open(self.weights))
        read, _, view = self.changes.of(source)
        options = OmOptions(view, str(self.weights), self.graph, self.device)
        with read.during("updating"):
            return opened(self.path, options, stack)


def check_used(change: ChangeOptions, option: str, *weights: Path | None) -> None:
    """Refuse options that say what becomes of weights where there are none.

    Raises:
        ValueError: There are such options, and no weights.
    """
    defaults = ChangeOptions()
    given = [
        one.name
        for one in fields(change)
        if getattr(change, one.name) and getattr(change, one.name) != getattr(defaults, one.name)
    ]
    if given and not any(weights):
        name = given[0].replace("_", "-")
        raise ValueError(f"--{name} says what becomes of weights on their way; give {option}")


def matched(texts: Sequence[str]) -> dict[str, str]:
    """Read ``A=B``.

    Raises:
        ValueError: A text is of another form, or says two things of one output.
    """
    found: dict[str, str] = {}
    for own, other in pairs(texts, "--match", "A=B"):
        if found.setdefault(own, other) != other:
            raise ValueError(f"--match says of {own!r} that it is {found[own]!r} and {other!r}")
    return found

"""What is run: a path, the weights that go into it, and where inputs come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from acl_bundle.answers import InputChoice, OmOptions, Side, opened
from acl_bundle.answers.kinds import kind_of
from acl_bundle.answers.side import Arrays
from acl_bundle.cli.compare.options import InputOptions, MatchOptions
from acl_bundle.cli.shell.groups import given
from acl_bundle.cli.weights.inputs import Changes, pairs
from acl_bundle.cli.weights.options import ChangeOptions
from acl_bundle.compare import Comparison, Tolerance, outputs


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
    said = given(change)
    if said and not any(weights):
        raise ValueError(f"{said[0]} says what becomes of weights on their way; give {option}")


def choice_of(options: InputOptions, sides: Sequence[str]) -> InputChoice:
    """Say where the inputs of both sides come from.

    Raises:
        ValueError: One side holds outputs, and nothing says of which inputs; or both do, and
            there are options of inputs; or a text of them is wrong.
        AclBundleError, OSError: As for `kind_of`.
    """
    saved = [one for one in sides if kind_of(one) not in ("om", "onnx")]
    if len(saved) == 1 and not options.inputs:
        raise ValueError(
            f"{saved[0]} holds outputs, and nothing says of which inputs; give --inputs, with which"
            " they were made: a file, or random:0 where none was said"
        )
    if len(saved) == 2 and given(options):
        raise ValueError(f"both sides are saved outputs, so nothing takes {given(options)[0]}")
    return InputChoice.parsed(options.inputs or (), options.shape or (), options.batch)


@dataclass(frozen=True)
class Agreement:
    """When two answers agree.

    Attributes:
        tolerance: How far outputs may be apart.
        match: Outputs with two names that belong together.
    """

    tolerance: Tolerance
    match: Mapping[str, str]

    @classmethod
    def asked(cls, options: MatchOptions) -> Agreement:
        """Take options as they came from the command line.

        Raises:
            ValueError: One of them is wrong.
        """
        return cls(Tolerance(options.rtol, options.atol), matched(options.match or ()))

    def compared(self, found: Arrays, expected: Arrays) -> Comparison:
        """Compare two answers; see `compare.outputs`."""
        rtol, atol = self.tolerance.rtol, self.tolerance.atol
        return outputs(found, expected, rtol=rtol, atol=atol, match=self.match)


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

"""What a search for the sources of constants gives, as something to review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from acl_bundle import weight_program
from acl_bundle._base.files import Path_
from acl_bundle.build._match.expr import told
from acl_bundle.spec import WeightSpec
from acl_bundle.weight_program import Step, WeightProgram


@dataclass(frozen=True, repr=False)
class Match:
    """Which constants of a model come from which sources.

    As text it is a table: a line for each constant that was found, then what was not.

    Attributes:
        program: How the constants that were found are made of the sources.
        unmatched: The floating-point constants that nothing was found for.
        ambiguous: By the constant's name: what it may be made of, as the table shows it.
            A choice of one of these is what ``choose`` of `match` takes.
        unused: The names of sources that no constant was found to need.
    """

    program: WeightProgram
    unmatched: tuple[WeightSpec, ...]
    ambiguous: Mapping[str, tuple[str, ...]]
    unused: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"<build.Match: {len(self.program.constants)} constants found,"
            f" {len(self.ambiguous)} ambiguous, {len(self.unmatched)} unmatched>"
        )

    def __str__(self) -> str:
        makers = {step.output: step for step in self.program.steps}
        lines = [
            f"{_told(one.value, makers, self.program.values)} -> {one.spec}"
            for one in self.program.constants
        ]
        lines += [f"ambiguous: {n}: {' | '.join(one)}" for n, one in self.ambiguous.items()]
        lines += [f"unmatched: {spec}" for spec in self.unmatched]
        lines += [f"unused: {name}" for name in self.unused]
        return "\n".join(lines)

    def save(self, path: Path_) -> Path:
        """Write the program to a file, which `build.from_onnx` and `Bundle.load` take.

        Raises:
            OSError: It cannot be written; what was there before still is.
        """
        return weight_program.save(self.program, path)

    def save_beside(self, bundle: Path_) -> Path:
        """Keep the program beside a bundle file, so that loading it takes the sources' names.

        Writes ``<bundle>.json``, its manifest, and ``<bundle>.program``; the bundle
        itself stays as it is. `Bundle.load` refuses the manifest when the bundle is
        replaced by another one.

        Args:
            bundle: A bundle of this model, whose weights are the model's constants by
                the model's names, or what its own weight program takes.

        Returns:
            Path of the manifest.

        Raises:
            WeightError: The bundle has not the constants, or in other dtypes or shapes;
                its manifest has a weight program already.
            RoleError: No graph of it takes weights.
            BundleFormatError: It is no bundle, or is damaged.
            OSError: A file cannot be read or written.
        """
        return weight_program.save_beside(self.program, bundle)


def _told(value: str, makers: Mapping[str, Step], fixed: Mapping[str, NDArray[Any]]) -> str:
    """Return a value of a program as text."""
    if value in fixed:
        return f"{float(fixed[value]):g}"
    if value not in makers:
        return value
    step = makers[value]
    return told(step.op, [_told(one, makers, fixed) for one in step.inputs], step.options)

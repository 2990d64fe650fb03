"""Names that exporters make for constants, and names that parameters have.

No trainer knows the first. Where a trainer's names of parameters are passed over and
the graph has constants with an exporter's names, these constants are most likely the
parameters, transposed or folded, and keep their old values.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Final

_MADE: Final = re.compile(
    r"""
    \d+                                  # torch's older exporter
    | onnx::.+_\d+                       # TorchScript: a parameter it has folded
    | /?(.*/)?Constant(_\d+)?_output_\d+   # TorchScript: a number in the code
    | _?val_\d+                          # torch.onnx.export(dynamo=True)
    | const_\d+ | .+_const_\d+
    | .*(const_fold_opt|const_starts|const_ends|const_axes|const_slice|new_shape|Const)__\d+
                                         # tf2onnx
    """,
    re.VERBOSE,
)
_PARAMETER: Final = re.compile(
    r"(?:.*[./_])?(?:weight|bias|kernel|gamma|beta|scale|embeddings?|running_mean|running_var"
    r"|moving_mean|moving_variance|weight_[ih]h_l\d+\w*|bias_[ih]h_l\d+\w*)(?::0)?"
)
_STATISTIC: Final = re.compile(
    r"(?P<scope>(?:.*[./])?)[^./]+[./](?:running_mean|running_var|moving_mean|moving_variance)(?::0)?"
)


def by_exporter(name: str) -> bool:
    """Say whether a constant's name is an exporter's own: ``onnx::MatMul_12``, ``val_0``."""
    return _MADE.fullmatch(name) is not None


class PassedOver:
    """Looks at names that were given and that a graph does not have.

    Args:
        names: Those that it has; they are gone through once, at the first suspicion.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = names

    @cached_property
    def _made(self) -> str | None:
        """One of its names that is an exporter's own, if there are any."""
        return next((one for one in self._names if by_exporter(one)), None)

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self._names)

    def suspicion(self, passed_over: Iterable[str]) -> str:
        """Say that parameters were passed over which the graph may have under other names.

        Returns:
            A text for people; "" where nothing is odd.
        """
        lost = [one for one in passed_over if isinstance(one, str) and _PARAMETER.fullmatch(one)]
        if not lost:
            return ""
        if self._made is None:
            return self._folded(lost)
        more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
        return (
            f"{lost[0]!r}{more} was passed over (unknown='ignore'), and the graph has constants"
            f" with names that an exporter made, such as {self._made!r}: those may be the same"
            " parameters, transposed or folded, with their old values. Export with names kept"
            " (torch.onnx.export(..., dynamo=True, optimize=False)), or give every name that it has"
        )

    def _folded(self, lost: Sequence[str]) -> str:
        """Say that statistics were passed over which a weight beside them may hold."""
        for one in lost:
            found = _STATISTIC.fullmatch(one)
            near = found and self._beginning(found["scope"])
            if near:
                return (
                    f"{one!r} was passed over (unknown='ignore'), and the graph has {near!r}:"
                    " where an exporter folded the BatchNorm into the layer before it, that layer"
                    " now has a weight without it. Export with the optimiser off"
                    " (torch.onnx.export(..., dynamo=True, optimize=False))"
                )
        return ""

    def _beginning(self, text: str) -> str | None:
        """One of its names that begins so, if there are any."""
        at = bisect_left(self._sorted, text)
        there = at < len(self._sorted) and self._sorted[at].startswith(text)
        return self._sorted[at] if there else None

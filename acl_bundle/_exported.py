"""Names that exporters make for constants, and names that parameters have.

Where a trainer's names of parameters are passed over and the graph has constants
with an exporter's names, these constants are most likely the parameters,
transposed or folded, and keep their old values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_EXPORTER = re.compile(
    r"onnx::\w+_\d+|val_\d+|(?:.*/)?Constant(?:_\d+)?_output_\d+|(?:.*/)?const_fold_opt__\d+"
)
_PARAMETER = re.compile(
    r"(?:.*[./_])?(?:weight|bias|kernel|gamma|beta|scale|embeddings?|running_mean|running_var"
    r"|moving_mean|moving_variance|weight_[ih]h_l\d+\w*|bias_[ih]h_l\d+\w*)(?::0)?"
)


def suspicion(passed_over: Iterable[str], names: Sequence[str]) -> str:
    """Say that parameters were passed over which the graph may have under other names.

    Args:
        passed_over: Names that were given and that the graph does not have.
        names: Those that it has.

    Returns:
        A text for people; "" where nothing is odd.
    """
    lost = [one for one in passed_over if isinstance(one, str) and _PARAMETER.fullmatch(one)]
    made = [one for one in names if _EXPORTER.fullmatch(one)]
    if not (lost and made):
        return ""
    more = f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    return (
        f"{lost[0]!r}{more} was passed over (unknown='ignore'), and the graph has constants with"
        f" names that an exporter made, such as {made[0]!r}: those may be the same parameters,"
        " transposed or folded, with their old values. Export with names kept"
        " (torch.onnx.export(..., dynamo=True, optimize=False)), or give every name that it has"
    )

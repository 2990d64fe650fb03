"""Names that an exporter made up, which no trainer knows."""

from __future__ import annotations

import re
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


def by_exporter(name: str) -> bool:
    """Say whether a constant's name is an exporter's own: ``onnx::MatMul_12``, ``val_0``."""
    return _MADE.fullmatch(name) is not None

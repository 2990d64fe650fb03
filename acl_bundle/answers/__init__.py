"""What answers to inputs: a bundle, an ONNX model, outputs that were saved.

1. A text says what answers (`kinds`): an .om file, an ONNX model, a file of arrays.
2. It is opened (`om`, `onnx`, `saved`) and tells what it takes.
3. Inputs are read from files or made up (`inputs`), for one side or for two.
4. It answers, and tells where it computed and how long each step took.

``acl-bundle run`` and ``acl-bundle compare`` are made of these.
"""

from __future__ import annotations

from acl_bundle.answers.inputs import InputChoice, given, made, made_up, merged, shared
from acl_bundle.answers.kinds import OmOptions, kind_of, opened
from acl_bundle.answers.side import Side
from acl_bundle.answers.summary import ArraySummary, summed_up
from acl_bundle.answers.where import Where, inferring, use

__all__ = [
    "ArraySummary",
    "InputChoice",
    "OmOptions",
    "Side",
    "Where",
    "given",
    "inferring",
    "kind_of",
    "made",
    "made_up",
    "merged",
    "opened",
    "shared",
    "summed_up",
    "use",
]

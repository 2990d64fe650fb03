"""Building bundle files from ONNX models, and from torch, TensorFlow and Keras through ONNX.

Mirrors what the graph compiler does (facts 4.1): named constants become
variables of the inference graph, and two more graphs set them. The file is a
genuine container that the fake can run.

    >>> build.from_onnx("policy.onnx", ["fc.weight", "fc.bias"]).save("policy.om")  # doctest: +SKIP

Needs ``onnx``; uses ``onnxruntime`` where it is installed. `from_torch` needs
``torch`` and ``onnxscript``, `from_tensorflow` needs ``tensorflow`` and ``tf2onnx``;
they are imported when one is called.
"""

from __future__ import annotations

from acl_bundle.build._match import Match, match
from acl_bundle.build.callback import callback
from acl_bundle.build.chip import Compiled, compile
from acl_bundle.build.convert import from_onnx, model
from acl_bundle.build.idle import null
from acl_bundle.build.result import Bundle, Model, WeightInfo
from acl_bundle.build.tensorflow.bundle import from_tensorflow
from acl_bundle.build.torch import from_torch

__all__ = [
    "Bundle",
    "Compiled",
    "Match",
    "Model",
    "WeightInfo",
    "callback",
    "compile",
    "from_onnx",
    "from_tensorflow",
    "from_torch",
    "match",
    "model",
    "null",
]

"""Other packages' sessions over a `Bundle`: for programs that were written against them.

>>> from acl_bundle.compat import InferSession           # doctest: +SKIP
>>> session = InferSession(0, "model.om")                # doctest: +SKIP
>>> (y,) = session.infer([x])                            # doctest: +SKIP
"""

from __future__ import annotations

from acl_bundle.compat.ais_bench import InferSession
from acl_bundle.compat.multi_device import MemorySummary, MultiDeviceSession
from acl_bundle.compat.tensors import Dtype, Summary, Tensor, TensorDesc

__all__ = [
    "Dtype",
    "InferSession",
    "MemorySummary",
    "MultiDeviceSession",
    "Summary",
    "Tensor",
    "TensorDesc",
]

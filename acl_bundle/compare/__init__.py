"""Answers side by side: how far two outputs are apart, where, and whether that is too far.

    >>> found = compare.outputs(bundle.infer.run(x), expected, rtol=1e-3)   # doctest: +SKIP
    >>> assert found.within, found

`outputs` compares sets of arrays by name, `arrays` compares two. Both take whatever
an update takes: numpy arrays, torch tensors, what has ``__dlpack__`` or ``__array__``.
No device and no library is needed. ``acl-bundle run --compare`` and ``acl-bundle
compare`` show what these say.
"""

from __future__ import annotations

from acl_bundle.compare.arrays import ComparedElement, ComparedOutput, Tolerance, arrays
from acl_bundle.compare.outputs import Comparison, outputs

__all__ = [
    "ComparedElement",
    "ComparedOutput",
    "Comparison",
    "Tolerance",
    "arrays",
    "outputs",
]

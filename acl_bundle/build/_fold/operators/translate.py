"""ONNX nodes as steps of a weight program.

Every shape, axis and bound is worked out here, for the values of a weight
program have fixed shapes; so the steps know nothing of ONNX's versions. A node
that has no translation stays in the graph.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from onnx import NodeProto

from acl_bundle.build._fold.operators import arithmetic, dtypes, moves
from acl_bundle.build._fold.operators.call import Call, Translation
from acl_bundle.build._fold.values import NotFoldableError, Values


def translate(node: NodeProto, values: Values, opset: int) -> None:
    """Bind a node's outputs to values.

    Raises:
        NotFoldableError: It has no translation.
    """
    translation = _TRANSLATIONS.get(node.op_type)
    if translation is None or node.domain not in ("", "ai.onnx"):
        raise NotFoldableError(node.op_type)
    for tensor, value in zip(node.output, translation(Call(node, values, opset)), strict=True):
        values.bind(tensor, value)


def is_translated(node: NodeProto) -> bool:
    """Whether there is a translation for a node of this type."""
    return node.op_type in _TRANSLATIONS and node.domain in ("", "ai.onnx")


_TRANSLATIONS: Final[Mapping[str, Translation]] = {
    **moves.TRANSLATIONS,
    **arithmetic.TRANSLATIONS,
    **dtypes.TRANSLATIONS,
}

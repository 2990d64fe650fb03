"""What a parsed model must have, so that the rest of the builder can take it as it is.

Protobuf parses what no exporter writes: it hands out a text that is not UTF-8 as
bytes, and knows nothing of how many ends a node has.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from onnx import ModelProto, NodeProto

_REMARKS: Final = {"doc_string", "metadata_props"}  # nobody reads them here, and they may be odd
_ENDS: Final = {"Constant": (0, 1), "Identity": (1, 1)}


def check(model: ModelProto) -> None:
    """Refuse names that are not text, and nodes that lack what they are read by.

    Raises:
        ValueError: The model has one.
    """
    for part in (model.graph, *model.functions, *model.opset_import):
        _check(part)


def _check(message: Any) -> None:
    if isinstance(message, NodeProto):
        _check_ends(message)
    for name, is_text, is_single in _fields(message.DESCRIPTOR):
        if is_single and not message.HasField(name):
            continue
        value = getattr(message, name)
        for one in (value,) if is_single else value:
            if not is_text:
                _check(one)
            elif isinstance(one, bytes):
                kind = type(message).__name__.removesuffix("Proto").lower()
                raise ValueError(
                    f"the model has a {kind} with the {name} {one!r}, which is not UTF-8; text is"
                    " right"
                )


@cache
def _fields(descriptor: Any) -> list[tuple[str, bool, bool]]:
    """The fields of text and messages: name, whether of text, whether there is one at most."""
    return [
        (one.name, one.type == one.TYPE_STRING, one.has_presence)
        for one in descriptor.fields
        if one.type in (one.TYPE_STRING, one.TYPE_MESSAGE) and one.name not in _REMARKS
    ]


def _check_ends(node: NodeProto) -> None:
    inputs, outputs = _ENDS.get(node.op_type, (0, 0))
    if node.domain in ("", "ai.onnx") and (len(node.input) < inputs or len(node.output) < outputs):
        raise ValueError(
            f"node {node.name!r} is a {node.op_type} with {len(node.input)} inputs and"
            f" {len(node.output)} outputs; {inputs} and {outputs} are right"
        )

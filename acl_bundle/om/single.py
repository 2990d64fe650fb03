"""A file of one model where a bundle is expected: a bundle of one.

Only a model that takes more than one shape is worth it: it has gears, or
dynamic shapes, and whoever runs it needs somebody to choose. A file that takes
one shape only is, where a bundle is expected, nearly always the wrong file:
nothing in it can be updated, and there is nothing to choose.
"""

from __future__ import annotations

from acl_bundle.om import header as headers
from acl_bundle.om._span import Span
from acl_bundle.om.bundle import Bundle
from acl_bundle.om.header import Header
from acl_bundle.om.model import Model
from acl_bundle.om.partition import Partition

WRAP = "om.write_bundle([om.open_model(path)], 0).save(other)"
"""How a plain model is made a bundle of one, for messages."""

_MODEL_TYPE_AT = 82


class Single(Bundle):
    """A plain model file that takes several shapes, as a bundle of one model.

    It has the attributes of a bundle: one model, no variables' memory, the
    partitions of the model.
    """

    def __init__(self, span: Span) -> None:
        """Read the model that fills ``span``.

        Raises:
            BundleFormatError: The bytes are no whole model, or one that takes
                a single shape, or that gives nothing.
        """
        self._span = span
        self.header: Header = headers.read(span)
        model = Model(span)
        _check(span, model)
        self.partitions: tuple[Partition, ...] = model.partitions
        self.variable_size: int = 0
        self.models: tuple[Model, ...] = (model,)

    def __repr__(self) -> str:
        return f"<om.Single {self.models[0].name} of {self._span.file}>"


def _check(span: Span, model: Model) -> None:
    if not _takes_several_shapes(model):
        raise span.error(
            _MODEL_TYPE_AT,
            f"this is a plain model ({model.name!r}) that takes one shape, not a bundle: nothing"
            " in it can be updated, so it is likely the wrong file. Compile it as a bundle, or"
            f" make it a bundle of one: {WRAP}",
        )
    if not model.outputs:
        raise span.error(
            _MODEL_TYPE_AT,
            f"this is a plain model ({model.name!r}) without outputs, not a bundle: a graph that"
            " gives nothing works on the variables of the bundle it belongs to",
        )


def _takes_several_shapes(model: Model) -> bool:
    """Whether it has gears, open dims, or is for the dynamic executor (facts 0.3)."""
    ends = (*model.inputs, *model.outputs)
    dims = (dim for end in ends for dim in end.shape)
    return model.header.is_dynamic or bool(model.gears) or any(dim < 0 for dim in dims)

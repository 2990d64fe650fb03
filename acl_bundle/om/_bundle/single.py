"""A file of one model where a bundle is expected: a bundle of one, without weights."""

from __future__ import annotations

from acl_bundle.om._bundle.bundle import Bundle
from acl_bundle.om._bundle.manifest import Manifest
from acl_bundle.om._bytes.span import Span
from acl_bundle.om._container import header as headers
from acl_bundle.om._container.header import Header
from acl_bundle.om._container.partition import Partition
from acl_bundle.om.model import Model

_MODEL_TYPE_AT = 82


class Single(Bundle):
    """A plain model file, as a bundle of one model.

    It has the attributes of a bundle: one model, no variables' memory, the
    partitions of the model.
    """

    def __init__(self, span: Span) -> None:
        """Read the model that fills ``span``.

        Raises:
            BundleFormatError: The bytes are no whole model, or one that gives nothing.
        """
        self._span = span
        self.manifest: Manifest | None = None
        self.header: Header = headers.read(span)
        model = Model(span)
        if not model.outputs:
            raise span.error(
                _MODEL_TYPE_AT,
                f"this is a plain model ({model.name!r}) without outputs, not a bundle: a graph"
                " that gives nothing works on the variables of the bundle it belongs to",
            )
        self.partitions: tuple[Partition, ...] = model.partitions
        self.variable_size: int = 0
        self.models: tuple[Model, ...] = (model,)

    def __repr__(self) -> str:
        return f"<om.Single {self.models[0].name} of {self._span.file}>"

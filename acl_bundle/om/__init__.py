"""The .om container: files are taken apart and put together, nothing is run.

Reads what compilers for the chip write as well as what this package writes,
with numpy alone and without copying: a file is mapped, views stay valid as
long as anybody holds one, and parts are decoded when they are asked for.

    >>> bundle = om.open_bundle("policy.om")            # doctest: +SKIP
    >>> [model.name for model in bundle.models]         # doctest: +SKIP
    ['var_infer_graph', 'var_init_graph', 'var_update_graph']
    >>> infer, init, update = bundle.models             # doctest: +SKIP
    >>> reordered = om.write_bundle([infer, update, init], bundle.variable_size)  # doctest: +SKIP
    >>> reordered.save("other_order.om")                # doctest: +SKIP

Whatever is wrong with a file is a :class:`~acl_bundle.errors.BundleFormatError`
that names the file, the offset, the value and what would be right.
"""

from __future__ import annotations

import os as _os

from acl_bundle.om._bundle import manifest as _manifest
from acl_bundle.om._bundle.bundle import Bundle
from acl_bundle.om._bundle.manifest import Manifest, ManifestWeight
from acl_bundle.om._bundle.roles import Role, detect, role_of
from acl_bundle.om._bundle.single import Single
from acl_bundle.om._bundle.variables import Variable, layout
from acl_bundle.om._bytes.source import Source
from acl_bundle.om._bytes.source import read as _read
from acl_bundle.om._bytes.span import Span as _Span
from acl_bundle.om._container import header as _header
from acl_bundle.om._container.gears import Gears
from acl_bundle.om._container.header import Header
from acl_bundle.om._container.inout import TensorInfo
from acl_bundle.om._container.partition import Partition, PartitionType
from acl_bundle.om._modeldef.graph import Graph, ModelDef, Node
from acl_bundle.om._modeldef.tensor import Tensor, TensorDesc
from acl_bundle.om.model import Model
from acl_bundle.om.write import Chunks, write_bundle, write_model

__all__ = [
    "Bundle",
    "Chunks",
    "Gears",
    "Graph",
    "Header",
    "Manifest",
    "ManifestWeight",
    "Model",
    "ModelDef",
    "Node",
    "Partition",
    "PartitionType",
    "Role",
    "Single",
    "Source",
    "Tensor",
    "TensorDesc",
    "TensorInfo",
    "Variable",
    "detect",
    "layout",
    "open",
    "open_bundle",
    "open_loadable",
    "open_model",
    "role_of",
    "write_bundle",
    "write_model",
]


def open(source: Source) -> Bundle | Model:
    """Read a file or buffer, whichever of the two it holds.

    Args:
        source: A path, which is mapped, or bytes or a contiguous buffer,
            which is borrowed and must not change meanwhile.

    Raises:
        BundleFormatError: It is neither a bundle nor a model, or it is cut
            short or corrupt.
        OSError: The file cannot be opened.
    """
    span = _read(source)
    header = _header.read(span)
    return _bundle(span, header, source) if header.is_bundle else Model(span)


def open_bundle(source: Source) -> Bundle:
    """Read a bundle.

    Args:
        source: As for :func:`open`.

    Raises:
        BundleFormatError: It is a plain model, or no readable bundle.
        OSError: The file cannot be opened.
    """
    span = _read(source)
    return _bundle(span, _header.read(span), source)


def _bundle(span: _Span, header: Header, source: Source | None) -> Bundle:
    """Read a bundle, and the manifest beside it where the source is a path."""
    if not header.is_bundle and header.magic == _header.MAGIC:
        raise span.error(
            82,
            f"this is a plain model ({header.name!r}, modeltype {header.modeltype}), not a bundle"
            f" (modeltype {_header.BUNDLE}): open_model reads it, and open_loadable both",
        )
    if not header.is_bundle:
        raise span.error(
            82,
            f"this is no bundle: modeltype is {header.modeltype}, where a bundle has"
            f" {_header.BUNDLE}, and the magic number is no model's either",
        )
    path = source if isinstance(source, str | _os.PathLike) else None
    return Bundle(span, header, None if path is None else _manifest.beside(path))


def open_loadable(source: Source, *, name: str | None = None) -> Bundle:
    """Read what can be loaded as a bundle: one, or a plain model.

    Args:
        source: As for :func:`open`.
        name: Where a buffer comes from, for messages and for the manifest beside it.

    Returns:
        The bundle; for a plain model a :class:`Single`.

    Raises:
        BundleFormatError: It is a plain model that gives nothing, or is neither
            a model nor a bundle, or is damaged.
        OSError: The file cannot be opened.
    """
    span = _read(source, name)
    header = _header.read(span)
    if not header.is_bundle and header.magic == _header.MAGIC:
        return Single(span)
    return _bundle(span, header, source if name is None else name)


def open_model(source: Source) -> Model:
    """Read a file that holds a single model.

    Args:
        source: As for :func:`open`.

    Raises:
        BundleFormatError: It is a bundle, or no readable model.
        OSError: The file cannot be opened.
    """
    span = _read(source)
    header = _header.read(span)
    if header.is_bundle:
        raise span.error(82, f"this is a bundle of {header.model_num} models, not a single model")
    return Model(span)

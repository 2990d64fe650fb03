"""What a bundle is built from: an ONNX model, and what is asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from acl_bundle.aipp import AippSource
from acl_bundle.build._onnx.load import Source
from acl_bundle.build._origin.selection import Choice
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build._shapes.ranges import Bounds
from acl_bundle.build._shapes.shapes import Shapes
from acl_bundle.weight_program import Given


@dataclass(frozen=True)
class Origin:
    """An ONNX model and the options of `build.from_onnx` that a chip's file has as well.

    Attributes:
        model: It, as it was given: it is read when it is needed.
    """

    model: Source
    weights: Choice | None = None
    program: Given | None = None
    input_shapes: Shapes | None = None
    dynamic_batch: Sequence[int] | None = None
    dynamic_hw: Sequence[tuple[int, int]] | None = None
    dynamic_dims: DimGears | None = None
    dynamic_shape: bool | Bounds = False
    fold: bool = True
    aliases: Mapping[str, str] | None = None
    unused: Sequence[str] = ()
    aipp: AippSource | None = None

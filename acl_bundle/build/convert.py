"""From an ONNX model to a bundle, or to a plain model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from acl_bundle import om
from acl_bundle._base.arrays import text
from acl_bundle.aipp import AippSource
from acl_bundle.build import _fold as folding
from acl_bundle.build._graphs import infer, refresh
from acl_bundle.build._graphs.infer import InferencePlan, OutputNames
from acl_bundle.build._graphs.refresh import Weight
from acl_bundle.build._onnx import gather, walk
from acl_bundle.build._onnx.load import Source, load
from acl_bundle.build._origin import exporters, selection
from acl_bundle.build._origin import precision as precisions
from acl_bundle.build._origin.origin import Origin
from acl_bundle.build._origin.precision import Precision
from acl_bundle.build._origin.selection import Choice
from acl_bundle.build._shapes import flexible
from acl_bundle.build._shapes.gears import DimGears
from acl_bundle.build._shapes.ranges import Bounds
from acl_bundle.build._shapes.shapes import Shapes
from acl_bundle.build.result import Bundle, Model, WeightInfo
from acl_bundle.om._bundle.roles import INFER_NAME, INIT_NAME, UPDATE_NAME
from acl_bundle.om._modeldef.define import Desc
from acl_bundle.weight_program import Given, WeightProgram, opened


def from_onnx(
    model: Source,
    weights: Choice | None = None,
    *,
    program: Given | None = None,
    input_shapes: Shapes | None = None,
    dynamic_batch: Sequence[int] | None = None,
    dynamic_hw: Sequence[tuple[int, int]] | None = None,
    dynamic_dims: DimGears | None = None,
    dynamic_shape: bool | Bounds = False,
    output_names: OutputNames = "onnx",
    precision: Precision | None = None,
    keep_float32: Sequence[str] = (),
    keep_float32_layers: Sequence[str] = (),
    init: bool = True,
    fold: bool = True,
    aliases: Mapping[str, str] | None = None,
    unused: Sequence[str] = (),
    aipp: AippSource | None = None,
) -> Bundle:
    """Build a bundle whose weights can be refreshed while it is loaded.

    The graphs stand in the order infer, init, update. The model is read and
    never changed; it may be larger than 2 GB when its tensors lie beside it.
    Where ONNX Runtime is installed the inference graph is tried on it. What an
    update by a trainer's names would miss, because an exporter folded it and made
    up a name for it, is warned of (UserWarning).

    Args:
        model: Path, bytes or ``ModelProto`` of an ONNX model.
        weights: Names of the constants that become refreshable, in the order
            an update takes them; initializers and outputs of ``Constant``
            nodes alike. ``"all"`` takes every floating-point constant of rank
            1 or more that is read as data, inner graphs' own left out. A name with
            ``*``, ``?`` or ``[`` is a pattern (`fnmatch`) and takes those of them that
            it matches, in the graph's order.
        program: Instead of ``weights``: what makes constants of the model of a
            trainer's weights: what `build.match` gives, its program, or the path of
            the program's file. Those constants become refreshable, ``fold``,
            ``aliases`` and ``unused`` are the program's matter.
        input_shapes: Shapes for inputs, at least for those with open dims
            that no other option leaves open: by name, or as a text as ``atc --input_shape``
            takes it, ``"image:-1,3,224,224"``. -1 leaves a dim open.
        dynamic_batch: As for :func:`model`, for the inference graph.
        dynamic_hw: As for :func:`model`.
        dynamic_dims: As for :func:`model`.
        dynamic_shape: As for :func:`model`.
        output_names: ``"onnx"`` keeps the model's names, ``"ge"`` writes
            ``<node>:<output>`` as a compiler for the chip does. Inputs have
            the model's names on a chip as well.
        precision: ``"float16"`` or ``"bfloat16"`` to compute in; weights, inputs and
            outputs keep their dtypes, and an update converts. None for the model's own.
            All the model's tensors come into memory.
        keep_float32: Names or patterns of constants that are computed with in float32
            all the same, because half precision costs too much there.
        keep_float32_layers: Names or patterns of nodes that compute in float32 all the same,
            as `acl_bundle.precision.find_layers` finds them; one without a name is called as
            GE does, by its type and a count of such.
        init: Whether the bundle has an init graph, which holds the weights'
            first values.
        fold: Whether what depends on weights alone (a transposed matrix, joined
            gates, a BatchNormalization behind a convolution) is worked out at each
            update instead of at each inference. The weights keep their names
            and layouts; see `acl_bundle.weight_program`.
        aliases: Other names of weights, such as those of tied parameters: the
            name, and the weight that it is. An update takes either.
        unused: Names, or patterns, of what the trainer has and the model does not
            need, such as ``"*.num_batches_tracked"``: an update passes over them.
        aipp: As for :func:`model`, for the inference graph.

    Raises:
        WeightError: A name in ``weights`` or ``aliases`` is wrong; the message
            lists right ones. The program does not fit the model.
        ValueError: The model, a shape or an option does not fit.
        OSError: The model cannot be read.
    """
    _check_names(output_names)
    precisions.check(precision, keep_float32, keep_float32_layers)
    if precision is not None and program is not None:
        raise ValueError("precision goes with weights, not with a program of other graphs")
    loaded = load(model)
    folding.check_one(program, weights, aliases, unused)
    if precision is not None:
        half, weights = precisions.in_half(
            loaded, precision, weights or [], keep_float32, keep_float32_layers
        )
        loaded = load(half)
    constants = gather.gather(loaded)
    asked = (dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape)
    uses = walk.uses(loaded.model.graph)
    takes = flexible.pin(loaded.model.graph, input_shapes, *asked)
    if program is not None:
        own = opened(program)
        names = [one.name for one in own.constants]
        noted = exporters.Noted((), exporters.shared(names, uses))
        folded = folding.given(own, constants.own, loaded.model.graph, init=init)
    else:
        chosen = selection.choose(weights or [], constants.own, loaded.model.graph)
        noted = exporters.noted(weights or [], chosen, constants.own, uses, loaded.fused)
        folded = folding.fold(
            loaded.model, constants.own, chosen,
            passes=fold, init=init, aliases=aliases or {}, unused=unused,
        )  # fmt: skip
    placed, variable_size = refresh.place(
        [(one.name, Desc(one.dtype, one.dims), one.data) for one in folded.constants]
    )
    every = {**constants.own, **constants.lifted, **{one.name: one for one in folded.constants}}
    plan = InferencePlan(
        INFER_NAME, loaded.model, every, placed, variable_size, output_names, takes, aipp
    )
    built = bundle(infer.infer_model(plan), placed, variable_size, folded.program, init=init)
    origin = Origin(model, weights, program, input_shapes, *asked, fold, aliases, unused, aipp)
    return replace(built, exporter_made=noted.made_up, shared=noted.shared, origin=origin)


def model(
    source: Source,
    *,
    input_shapes: Shapes | None = None,
    dynamic_batch: Sequence[int] | None = None,
    dynamic_hw: Sequence[tuple[int, int]] | None = None,
    dynamic_dims: DimGears | None = None,
    dynamic_shape: bool | Bounds = False,
    output_names: OutputNames = "onnx",
    name: str = "",
    aipp: AippSource | None = None,
) -> Model:
    """Build a plain model file, all constants fixed.

    At most one of the ``dynamic_*`` options says which shapes it takes. With
    the first three it is a static model with gears, which has one input more,
    ``ascend_mbatch_shape_data``; with ``dynamic_shape`` it is a dynamic model.

    Args:
        source: Path, bytes or ``ModelProto`` of an ONNX model.
        input_shapes: Shapes for inputs, at least for those with open dims
            that no other option leaves open.
        dynamic_batch: Batch sizes, such as ``[1, 4, 8]``: what the open first
            dim of the inputs may be.
        dynamic_hw: ``[(224, 224), (448, 448)]``: what the two open dims of
            each image may be, height before width.
        dynamic_dims: For each input with open dims its shape in every gear:
            ``{"ids": [(1, 64), (4, 128)], "mask": [(1, 64), (4, 128)]}`` has
            two gears. Names of inputs that CANN's own reader of a file fails
            on, because they are very short, are warned of (UserWarning).
        dynamic_shape: True for any shape that fits the open dims, from 1; or
            their bounds, ``{"x": [(1, 8), 3, (16, -1)]}`` for 1 to 8, a dim
            that is 3, and 16 or more.
        output_names: As for :func:`from_onnx`.
        name: What the header calls it, the ONNX graph's name by default.
        aipp: What is done to images before the graph sees them, as ATC's ``--insert_op_conf``
            has it: its text, the path of a file with it, or a mapping with its names. The input
            is then the image's, of uint8. Open shapes go with it as ``dynamic_batch``, and with
            dynamic AIPP also as ``dynamic_hw``.

    Raises:
        ValueError: The model, a shape or an option does not fit.
        OSError: The model cannot be read.
    """
    _check_names(output_names)
    text(name, "name")
    loaded = load(source)
    constants = gather.gather(loaded)
    asked = (dynamic_batch, dynamic_hw, dynamic_dims, dynamic_shape)
    takes = flexible.pin(loaded.model.graph, input_shapes, *asked)
    every = {**constants.own, **constants.lifted}
    called = name or loaded.model.graph.name or "model"
    plan = InferencePlan(called, loaded.model, every, (), 0, output_names, takes, aipp)
    made = infer.infer_model(plan)
    return Model(made.inputs, made.outputs, {}, made.image)


def bundle(
    made: infer.Inference,
    weights: tuple[Weight, ...],
    variable_size: int,
    program: WeightProgram,
    *,
    init: bool,
) -> Bundle:
    """Add the graphs that refresh the weights to an inference graph."""
    images = [made.image]
    if weights and init:
        images.append(refresh.init_model(weights, variable_size))
    if weights:
        images.append(refresh.update_model(weights, variable_size, program))
    return Bundle(
        made.inputs,
        made.outputs,
        {
            one.name: WeightInfo(one.name, one.dtype, one.shape or (), one.nbytes or 0)
            for one in program.sources
        },
        om.write_bundle(images, variable_size),
        _names(len(images), init),
        variable_size,
        program,
    )


def _names(count: int, init: bool) -> tuple[str, ...]:
    names = (INFER_NAME, INIT_NAME, UPDATE_NAME)
    return names[:1] if count == 1 else names if init else (names[0], names[2])


def _check_names(style: str) -> None:
    if style not in get_args(OutputNames):
        raise ValueError(f'output_names is {style!r}; "onnx" or "ge" is right')

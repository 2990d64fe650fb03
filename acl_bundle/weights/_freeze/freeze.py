"""Baking weights into a model file: a new file, the same model with other constants.

Into a bundle: what its init graph assigns. Into a plain ``.om``: its constants.
Both keep everything else byte for byte, as weights have a fixed place there.
Into ONNX: initializers and the values of Constant nodes. Into a graph of
TensorFlow's: its variables, which become constants.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from acl_bundle._base.atomic import check_apart
from acl_bundle._base.files import Path_
from acl_bundle._names.aliases import is_unused, names_for
from acl_bundle._names.given import Given
from acl_bundle._names.nearby import renaming
from acl_bundle.errors import BundleFormatError, WeightError, WeightsFormatError
from acl_bundle.weights._base.file import bad, check_path
from acl_bundle.weights._base.report import Report, listed
from acl_bundle.weights._base.spec import Spec, Weights, mapping_of, spec_of
from acl_bundle.weights._base.view import View, files_of
from acl_bundle.weights._freeze.graph import freeze_graph, is_graph
from acl_bundle.weights._freeze.om import freeze_om
from acl_bundle.weights._freeze.onnx import freeze_onnx
from acl_bundle.weights._sources.detect import detect
from acl_bundle.weights._sources.om import OmWeights, sources
from acl_bundle.weights._sources.onnx.model import Onnx


class FreezeRow(NamedTuple):
    """A constant of the model, and whether it was replaced."""

    name: str
    constant: Spec
    replaced: bool


def freeze(
    weights: Given,
    model: Path_,
    out: Path_,
    *,
    inputs: Sequence[str] | None = None,
    outputs: Sequence[str] | None = None,
) -> Report[FreezeRow]:
    """Write a copy of a model file that starts with other weights.

    Each weight is fetched once and written before the next one is.

    Args:
        weights: The new values, any part of the model's constants; the others
            stay. Of a bundle with a weight program, its sources; what the program calls
            unused is passed over, as `bundle.update` does.
        model: A bundle with an init graph, a plain ``.om``, an ONNX model; or a model of
            TensorFlow's or Keras's, as for `acl_bundle.build.from_tensorflow`, of which
            ``out`` becomes a frozen graph (``.pb``) or an ONNX model (``.onnx``).
        out: Where the copy goes; a file of that name is replaced in one step.
            An ONNX model beyond 1.9 GB keeps its tensors in a file beside it.
        inputs: For a model of TensorFlow's: names of the tensors that are fed.
        outputs: Likewise: names of those that are asked for.

    Returns:
        A row per constant.

    Raises:
        WeightError: A weight is no constant of the model, or has another shape
            or dtype. Nothing was written.
        WeightsFormatError: The model is damaged, or of another format.
        ValueError: ``out`` is the model, or the file the weights are read from; or a
            name or a kind of file does not fit.
        TypeError: ``model`` or ``out`` is no path, or ``weights`` no mapping of arrays.
        UnsupportedError: A library is not installed, or a graph still trains.
        OSError: A file cannot be read or written; what was there still is.
    """
    weights = mapping_of(weights)
    check_path(model)
    check_path(out)
    if is_graph(model, out):
        check_apart(out, model, *files_of(weights))
        return _report(
            FreezeRow(*row) for row in freeze_graph(weights, model, out, inputs, outputs)
        )
    if inputs is not None or outputs is not None:
        raise ValueError(
            f"inputs and outputs are for a model of TensorFlow's that becomes a .pb or .onnx file,"
            f" and {os.fspath(out)} is neither"
        )
    reader, _ = detect(model)
    if reader not in (OmWeights, Onnx):
        raise bad(os.fspath(model), "it is no bundle, no .om and no ONNX model, so it has no graph")
    with reader(model) as constants:
        check_apart(out, *constants.files, *files_of(weights))
        program = constants.program if isinstance(constants, OmWeights) else None
        tied = {} if program is None else program.aliases
        specs = {n: constants.spec(n) for n in constants} if program is None else sources(program)
        unused = () if program is None else program.unused
    names = names_for(weights, tied, specs, os.fspath(model)) or {name: name for name in weights}
    used = {own: n for own, n in names.items() if own in specs or not is_unused(own, unused)}
    new = View(weights, used)
    _check(new, specs, os.fspath(model))
    try:
        (freeze_om if reader is OmWeights else freeze_onnx)(new, model, out)
    except BundleFormatError as error:
        raise WeightsFormatError(str(error)) from None
    return _report(FreezeRow(name, spec, name in new) for name, spec in specs.items())


def _report(found: Iterable[FreezeRow]) -> Report[FreezeRow]:
    rows = tuple(found)
    replaced = sum(row.replaced for row in rows)
    return Report(f"{replaced} of {len(rows)} constants are replaced", rows)


def _check(weights: Weights, specs: dict[str, Spec], model: str) -> None:
    unknown = [name for name in weights if name not in specs]
    if unknown:
        raise WeightError(
            f"{model} has no constant {listed(unknown)}; it has {listed(list(specs), 10)}"
            f"{renaming(unknown, specs)}"
        )
    for name in weights:
        given = spec_of(weights, name)
        if given != specs[name]:
            raise WeightError(f"weight {name!r} is {given}, but {model} has {specs[name]} there")

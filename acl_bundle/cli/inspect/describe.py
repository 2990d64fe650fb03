"""What a file says about itself, as data.

`describe` reads with `acl_bundle.om` alone, so it needs no library and no
device. What a file leaves in doubt (whose role a graph has, which shape a
weight has) is part of the description and not an error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from acl_bundle import aipp, dtypes, om
from acl_bundle.cli.inspect.partitions import rows_of
from acl_bundle.errors import BundleFormatError
from acl_bundle.weight_program import from_bytes

Data = dict[str, Any]
_PLAIN = (int, float, str)


def _header(header: om.Header) -> Data:
    """Every field; bytes as hexadecimal digits without the zeros at the end."""
    return {
        name: value.rstrip(b"\0").hex() if isinstance(value, bytes) else value
        for name, value in header._asdict().items()
    }


def _tensor(info: om.TensorInfo) -> Data:
    return {
        "name": info.name,
        "dtype": dtypes.short_name(info.dtype),
        "shape": list(info.dims),
        "format": dtypes.format_name(info.format),
        "nbytes": info.nbytes,
    }


def _gears(model: om.Model) -> list[Data]:
    """The gears, each with its values and the outputs' shapes."""
    if model.gears is None:
        return []
    return [
        {
            "gear": at,
            model.gears.kind: list(values),
            "outputs": [
                None if dims is None else list(dims)
                for dims in (model.gears.output_dims(at, i) for i in range(len(model.outputs)))
            ],
        }
        for at, values in enumerate(model.gears.values)
    ]


def _aipp(model: om.Model) -> list[Data]:
    """What is done to images: mode, format, and what ATC's text would have to say beside."""
    rows: list[Data] = []
    for one in model.aipp:
        fields = aipp.said(one.fields)
        mode, layout = fields.pop("aipp_mode"), fields.pop("input_format")
        kept = {name: value if isinstance(value, _PLAIN) else str(value)
                for name, value in fields.items()}  # fmt: skip
        rows.append({"input": one.input, "mode": mode, "format": layout,
                     "parameters": one.parameters, "fields": kept})  # fmt: skip
    return rows


def _constants(model: om.Model) -> list[Data]:
    return [
        {
            "name": name,
            "dtype": array.dtype.name,
            "shape": list(array.shape),
            "nbytes": array.nbytes,
        }
        for name, array in model.weights.items()
    ]


def _model(model: om.Model) -> Data:
    return {
        "name": model.name,
        "runs_on": "a chip" if model.is_compiled_for_chip else "the fake",
        "dynamic": model.header.is_dynamic,
        "inputs": [_tensor(info) for info in model.inputs],
        "outputs": [_tensor(info) for info in model.outputs],
        "aipp": _aipp(model),
        "gears": _gears(model),
        "constants": _constants(model),
        "partitions": rows_of(model),
        "header": _header(model.header),
    }


def _variables(bundle: om.Bundle) -> list[Data]:
    return [
        {
            "name": variable.name,
            "in_graph": variable.in_graph,
            "dtype": dtypes.short_name(variable.dtype),
            "shape": None if variable.shape is None else list(variable.shape),
            "nbytes": variable.nbytes,
        }
        for variable in bundle.variables.values()
    ]


def _program(bundle: om.Bundle, roles: dict[int, str], doubts: list[str]) -> list[str]:
    """How the weights are made of a trainer's, where the file says it: a line for each."""
    for index, role in roles.items():
        found = bundle.program_of(bundle.models[index]) if role == "update" else None
        if found is not None:
            try:
                return [str(piece) for piece in from_bytes(found).pieces]
            except ValueError as error:
                doubts.append(f"the weight program: {error}")
    return []


def _bundle(bundle: om.Bundle) -> Data:
    doubts: list[str] = []
    roles: dict[int, str] = {}
    weights: list[Data] = []
    try:
        roles = {index: role for role, index in bundle.roles.items()}
    except BundleFormatError as error:
        doubts.append(str(error))
    try:
        weights = _variables(bundle)
    except BundleFormatError as error:
        doubts.append(str(error))
    return {
        "variable_size": bundle.variable_size,
        "external_weights": bundle.has_external_weights,
        "weights": weights,
        "program": _program(bundle, roles, doubts),
        "doubts": doubts,
        "graphs": [
            {"index": index, "role": roles.get(index), **_model(model)}
            for index, model in enumerate(bundle.models)
        ],
        "partitions": rows_of(bundle),
        "header": _header(bundle.header),
    }


def describe(path: Path) -> Data:
    """Read a file and return what it says, as values that JSON can hold.

    Raises:
        BundleFormatError: It is neither a bundle nor a model, or is damaged.
        OSError: It cannot be read.
    """
    file = om.open(path)
    bundle = isinstance(file, om.Bundle)
    said = _bundle(file) if isinstance(file, om.Bundle) else {"graphs": [_model(file)]}
    kind = "bundle" if bundle else "model"
    return {"file": str(path), "kind": kind, "nbytes": path.stat().st_size, **said}

"""Containers made by hand, byte by byte as facts 5 lays them out.

Nothing here uses the writer under test.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from acl_bundle.om._modeldef import define

Parts = Sequence[tuple[int, bytes]]


def model_header(promised: int, **fields: int | bytes) -> bytes:
    """A model's header (facts 5.1)."""
    data = bytearray(256)
    struct.pack_into("<III", data, 0, 0x444F4D49, 256, 0x20000000)
    struct.pack_into("<I", data, 156, 1)
    struct.pack_into("<Q", data, 184, promised)
    places = {"name": 84, "is_encrypt": 80, "modeltype": 82, "is_unknow_model": 193}
    for field, value in fields.items():
        if isinstance(value, bytes):
            data[places[field] : places[field] + len(value)] = value
        elif field == "model_num":
            struct.pack_into("<I", data, 156, value)
        elif field == "length":
            struct.pack_into("<I", data, 76, value)
        else:
            data[places[field]] = value
    return bytes(data)


def group(parts: Parts) -> bytes:
    """A table and its pieces (facts 5.3)."""
    rows, at = b"", 0
    for kind, data in parts:
        rows += struct.pack("<I4xQQ", kind, at, len(data))
        at += len(data)
    return struct.pack("<I4x", len(parts)) + rows + b"".join(data for _, data in parts)


def model(*groups: Parts, **fields: int | bytes) -> bytes:
    """A model of one group, or a dynamic one of several."""
    body = b"".join(map(group, groups))
    if len(groups) > 1:
        fields.setdefault("model_num", len(groups))
    return model_header(len(body), **fields) + body


def bundle(models: Sequence[bytes], size: int | None = 0, extra: Parts = ()) -> bytes:
    """A bundle (facts 5.1); size None leaves the variables' size out."""
    parts = [] if size is None else [(25, struct.pack("<Q", size))]
    parts += [*extra, *((24, one) for one in models)]
    body = group(parts)
    head = bytearray(256)
    head[82] = 5
    struct.pack_into("<I", head, 156, len(models))
    struct.pack_into("<Q", head, 184, 256 + len(body))
    return bytes(head) + body


def tensor_info(
    name: bytes, dims: Sequence[int], *, nbytes: int = 0, layout: int = 2, dtype: int = 0,
    ranges: Sequence[int] = (),
) -> bytes:  # fmt: skip
    """One tensor of MODEL_INOUT_INFO (facts 5.4)."""
    raw = struct.pack(f"<{len(dims)}q", *dims)
    bounds = struct.pack(f"<{len(ranges)}q", *ranges)
    head = struct.pack(
        "<QiiIIII", nbytes, layout, dtype, len(name), len(raw), len(raw), len(bounds)
    )
    return head + name + raw + raw + bounds


def inout(inputs: Sequence[bytes], outputs: Sequence[bytes], more: bytes = b"") -> bytes:
    """MODEL_INOUT_INFO (facts 5.4)."""
    data = more
    for kind, tensors in ((0, inputs), (1, outputs)):
        if tensors:
            body = struct.pack("<I", len(tensors)) + b"".join(tensors)
            data += struct.pack("<II", kind, len(body)) + body
    return data


class Bytes:
    """The functions above, for tests."""

    model = staticmethod(model)
    header = staticmethod(model_header)
    bundle = staticmethod(bundle)
    group = staticmethod(group)
    tensor = staticmethod(tensor_info)
    inout = staticmethod(inout)


@pytest.fixture(name="made")
def _made() -> type[Bytes]:
    """Makes containers from parts."""
    return Bytes


@pytest.fixture(name="refreshable")
def _refreshable() -> Callable[..., bytes]:
    """Makes a bundle of init, update and infer graph for one weight w of shape (2, 3)."""

    def make(**shapes: tuple[int, ...]) -> bytes:
        said = {"then": (2, 3), "variable": (2, 3), "const": (2, 3)} | shapes
        desc = {place: define.Desc(0, shape) for place, shape in said.items()}
        const = define.Desc(0, said["const"], data_offset=0)
        then = define.Op("w_var_then_data", "Data", output_descs=[desc["then"]])
        variable = define.Op("w_var", "Variable", output_descs=[desc["variable"]])
        value = define.Op("w", "Const", attrs={"value": define.ConstValue(const)})
        data = np.arange(6, dtype="f4").tobytes()
        update = [(8, inout([tensor_info(b"w_var_data", [-2])], [])), _definition([then])]
        infer = [
            (8, inout([tensor_info(b"x", [1])], [tensor_info(b"y", [1])])),
            _definition([variable]),
        ]
        return bundle(
            [
                model([_definition([variable, value]), (1, data)], name=b"var_init_graph"),
                model(update, name=b"var_update_graph", is_unknow_model=1),
                model(infer, name=b"var_infer_graph"),
            ],
            1536,
        )

    return make


def _definition(ops: Sequence[define.Op]) -> tuple[int, bytes]:
    return 0, define.model_def("m", [define.GraphValue("g", ops)], {})

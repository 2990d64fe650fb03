"""The table of limits in docs/weights.md says what the code does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from acl_bundle._base import json
from acl_bundle.follow._sources import redis
from acl_bundle.follow._versions import order
from acl_bundle.om._bundle import manifest
from acl_bundle.om._container import partition
from acl_bundle.om._modeldef import tables
from acl_bundle.om._proto import wire
from acl_bundle.weights._sources import archive, npy
from acl_bundle.weights._sources.safetensors import header as safetensors_header

PAGE: Final = (Path(__file__).parents[3] / "docs" / "weights.md").read_text(encoding="utf-8")
LIMITS: Final[dict[str, tuple[int, ...]]] = {
    "safetensors: the header": (safetensors_header.HEADER_MAX,),
    "safetensors: tensors": (safetensors_header.COUNT_MAX, safetensors_header.BYTES_MIN),
    "JSON beside weights: commas, brackets and braces": (json.SIGNS_FREE, json.SIGN_BYTES),
    "JSON beside a bundle: the same": (json.SIGNS_FREE, manifest.SIGN_BYTES),
    ".npy: the header": (npy.HEAD_MAX,),
    f".npz, torch: a compressed member above {archive._BOMB_SIZE:,} bytes": (archive._BOMB_RATIO,),
    "ONNX, GraphDef, .om: fields of one kind in a message": (
        wire.SPANS_FREE,
        wire.SPAN_BYTES,
    ),
    "the same: numbers in a list that is a shape or an attribute": (wire.NUMBERS_MAX,),
    ".om: nodes": (tables.FREE, tables.NODE_BYTES),
    ".om: tensors that are read (of weights, constants, inputs, outputs)": (
        tables.FREE,
        tables.TENSOR_BYTES,
    ),
    ".om: dims of tensors, pairs of a range": (
        tables.FREE,
        tables.NUMBER_BYTES,
        tables.PAIR_BYTES,
    ),
    ".om: models of a bundle": (partition.BUNDLE_TABLE_MAX,),
    "a name in `LATEST`, a version's name": (order.NAME_MAX,),
    "Redis: the list of versions": (redis.NAMES_READ, redis.NAMES_BYTES),
    "Redis: a value": (redis.VALUE_BYTES,),
}


def test_the_table_has_each_limit_and_its_numbers() -> None:
    section = PAGE.partition("\n## Limits\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", section, re.MULTILINE)[1:]
    told = {
        name: tuple(int(one.replace(",", "")) for one in re.findall(r"\d[\d,]*\d|\d+", text))
        for name, text in rows
        if set(name) != {"-"}
    }
    assert told == LIMITS

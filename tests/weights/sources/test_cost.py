"""What hostile headers and JSON cost: ten times their bytes and few calls, or a refusal."""

from __future__ import annotations

import json
import struct
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import weights
from acl_bundle.errors import WeightError, WeightsFormatError

SIZE = 1 << 20
A = np.ones((1, 3), np.float32)
ENTRY = b'{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'


def _file(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


def _repeated(piece: bytes) -> bytes:
    return piece * (SIZE // len(piece))


HOSTILE = {
    "lists": b'{"a":[' + _repeated(b"[],") + b"[]]}",
    "objects": b'{"a":[' + _repeated(b"{},") + b"{}]}",
    "strings": b'{"a":[' + _repeated(b'"ab",') + b'"ab"]}',
    "nesting": b'{"a":' + b"[" * SIZE,
    "members": b'{"a":{' + b",".join(b'"%x":0' % i for i in range(SIZE // 9)) + b"}}",
    "metadata": b'{"__metadata__":{'
    + b",".join(b'"%x":"ab"' % i for i in range(SIZE // 12))
    + b"}}",
    "tensors": b"{" + b",".join(b'"%x":%s' % (i, ENTRY) for i in range(SIZE // 56)) + b"}",
    "spaces": b"{" + b" , ".join(b'"%x" : %s' % (i, ENTRY) for i in range(SIZE // 60)) + b"}",
    "dims": b"{"
    + b",".join(
        b'"%x":%s' % (i, ENTRY.replace(b"[0]", b"[" + b"0," * 63 + b"0]"))
        for i in range(SIZE // 180)
    )
    + b"}",
    "wide letters": b"{"
    + b",".join(b'"%s%x":%s' % (b"\xf0\x9f\x98\x80" * 9, i, ENTRY) for i in range(SIZE // 92))
    + b"}",
}


@pytest.mark.parametrize("header", HOSTILE.values(), ids=HOSTILE)
def test_a_header_takes_at_most_ten_times_its_bytes(header: bytes) -> None:
    file = _file(header)
    tracemalloc.start()
    try:
        weights.Safetensors(file)
    except WeightsFormatError:
        pass
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10 * len(file)


def test_a_header_takes_few_calls_for_each_tensor() -> None:
    """A call takes 0.1 us and more, and 10 MB hold 100,000 tensors."""
    header = b"{" + b" , ".join(b'"w%d" : %s' % (i, ENTRY) for i in range(5_000)) + b"}"
    count = 0

    def note(_frame: object, event: str, _: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        weights.Safetensors(_file(header))
    finally:
        sys.setprofile(None)
    assert count < 45 * 5_000


JSON: dict[str, bytes] = {
    "lists": b'{"weight_map":[' + _repeated(b"[],") + b"[]]}",
    "objects": b'{"a":[' + _repeated(b"{},") + b"{}]}",
    "strings": b'{"a":[' + _repeated(b'"ab",') + b'"ab"]}',
    "nesting": _repeated(b'{"a":'),
    "short names": b'{"weight_map":{"z":"a"'
    + b"".join(b',"%07x%s":"a%s"' % (i, b"n" * 14, b"b" * 12) for i in range(SIZE // 41))
    + b"}}",
    "digits": b'{"a":' + b"1" * SIZE + b"}",
    "wide letters": b'{"a":"' + _repeated(b"\xf0\x9f\x98\x80") + b'"}',
}


@pytest.mark.parametrize("name", ["x.safetensors.index.json", "adapter_config.json"])
@pytest.mark.parametrize("text", JSON.values(), ids=JSON)
def test_json_takes_at_most_ten_times_its_bytes(text: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(text)
    read: Callable[[], object] = lambda: weights.open(tmp_path / name)  # noqa: E731
    if name.startswith("adapter"):
        weights.save({"a.lora_A.weight": A, "a.lora_B.weight": A.T}, tmp_path / "a.safetensors")
        read = lambda: weights.merge_lora({"a.weight": A.T @ A}, tmp_path)  # noqa: E731
        (tmp_path / name).rename(tmp_path / "kept")
        read()  # what is loaded once
        (tmp_path / "kept").rename(tmp_path / name)
    tracemalloc.start()
    try:
        with pytest.raises((WeightsFormatError, WeightError), match=name.replace(".", r"\.")):
            read()
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 10 * len(text)


def test_an_index_of_100_000_weights_is_read(tmp_path: Path) -> None:
    """Of the largest models with experts, as their makers publish them."""
    names = [f"model.layers.{i // 999}.mlp.experts.{i % 999}.gate.weight" for i in range(100_000)]
    index = {"weight_map": dict.fromkeys(names, "model-00001-of-00163.safetensors")}
    path = tmp_path / "model.safetensors.index.json"
    path.write_text(json.dumps(index))
    with pytest.raises(WeightsFormatError, match=r"the file is 'model-00001-of-00163"):
        weights.open(path)  # it was read, and its files are not there


def test_more_signs_than_the_bytes_pay_for_are_told_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors.index.json"
    path.write_bytes(JSON["lists"])
    said = r"the index has \d+ commas, brackets and braces in \d+ bytes; at most \d+ are read"
    with pytest.raises(WeightsFormatError, match=said):
        weights.open(path)


def test_more_tensors_than_the_header_pays_for_are_refused() -> None:
    header = b"{" + b",".join(b'"%x":%s' % (i, ENTRY) for i in range(60_000)) + b"}"
    with pytest.raises(WeightsFormatError, match=r"has more than \d+ tensors"):
        weights.Safetensors(_file(header))


def test_twenty_thousand_tensors_are_read() -> None:
    header = b"{" + b",".join(b'"w%d":%s' % (i, ENTRY) for i in range(20_000)) + b"}"
    assert len(weights.Safetensors(_file(header))) == 20_000

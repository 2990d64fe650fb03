"""Where the fake is safer than CANN: the table in docs/violations.md, row by row."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from .. import codes, files
from ..face import ROOT, Acl
from ..programs import DEFINITION, NULL, Linear, Tensor, bundle, model, null_model, onnx_program
from ..programs import program as tasks

X, Y = Tensor("x", (-1,)), Tensor("y", (-1,))
OPEN = model(onnx_program([("Neg", "x", "y")], [X], [Y]), [X], [Y], dynamic=True)


def init(acl: Acl, folder: Path, content: str) -> int:
    path = folder / "acl.json"
    path.write_text(content, encoding="utf-8")
    return int(acl.aclInit(os.fsencode(path)))


def null_path(acl: Acl, folder: Path) -> int:
    acl.reset()
    assert init(acl, folder, "{}") == acl.aclFinalize() == codes.SUCCESS
    return int(acl.aclInit(acl.NULL))


def event_mode(acl: Acl, folder: Path) -> int:
    acl.reset()
    return init(acl, folder, '{"acl_graph": {"event_mode": 1}}')


def nested(acl: Acl, folder: Path) -> int:
    acl.reset()
    return init(acl, folder, '{"}":' * 1000 + "1" + "}" * 1000)


def fifo(acl: Acl, folder: Path) -> int:
    os.mkfifo(folder / "fifo")
    return int(acl.aclmdlLoadFromFile(os.fsencode(folder / "fifo"), acl.new("uint32_t *")))


def short_variables(acl: Acl, folder: Path) -> int:
    data = files.container([(25, bytes(7))], bundle(null_model())[:256])
    return files.LOADS["aclmdlBundleLoadFromMem"](acl, data, folder)


def long_name(acl: Acl, _: Path) -> int:
    listed = struct.pack("<III", 0, 36, 1) + struct.pack("<QiiIIII", 0, 2, 0, 1 << 30, 0, 0, 0)
    parts = [(8, listed), (0, DEFINITION), (2, tasks(NULL))]
    data = files.resized(files.container(parts, null_model()[:256]))
    return int(acl.aclmdlGetDescFromMem(acl.aclmdlCreateDesc(), acl.hold(data), len(data)))


def open_dims(acl: Acl, _: Path) -> int:
    inputs, outputs = acl.dataset(16), acl.dataset(16)
    return int(acl.aclmdlExecute(acl.load_model(OPEN), inputs.handle, outputs.handle))


def surplus(acl: Acl, _: Path) -> int:
    inputs, outputs = acl.dataset(16), acl.dataset(16, None)
    inputs.describe(0, (4,))
    return int(acl.aclmdlExecute(acl.load_model(OPEN), inputs.handle, outputs.handle))


def chip(acl: Acl, _: Path) -> int:
    data = files.resized(files.container([(2, b"\x0a\x04chip")], null_model()[:256]))
    size = acl.new("size_t *")
    return int(acl.aclmdlQuerySizeFromMem(acl.hold(data), len(data), size, size))


def wrong_shape(acl: Acl, _: Path) -> int:
    linear = Linear()
    _, (_, _, update) = acl.load_bundle(linear.to_bytes())
    inputs = acl.dataset(4096, 4096)
    for index in range(2):
        inputs.describe(index, (1, 1, 1))
    return int(acl.aclmdlExecute(update, inputs.handle, acl.dataset().handle))


def freed(acl: Acl, _: Path) -> int:
    stream = acl.new("aclrtStream *")
    assert acl.aclrtCreateStream(stream) == codes.SUCCESS
    pointer = acl.malloc(64)
    assert acl.aclrtMemsetAsync(pointer, 64, 0, 64, stream[0]) == codes.SUCCESS
    return int(acl.aclrtFree(pointer))


ROWS: dict[str, Callable[[Acl, Path], int]] = {
    "`aclInit(NULL)` after another configuration": null_path,
    "`acl_graph.event_mode` of aclInit is no text": event_mode,
    "a configuration nests 1000 values, hidden from the count by braces in texts": nested,
    "a FIFO where a model is expected": fifo,
    "a bundle's VAR_INFO partition has less than 8 bytes": short_variables,
    "names in MODEL_INOUT_INFO reach past its end, in aclmdlGetDescFromMem": long_name,
    "open dims, or none, at the run of a dynamic model": open_dims,
    "a dynamic model, a surplus output without memory": surplus,
    "aclmdlQuerySize of a file whose TASK_INFO is a chip's": chip,
    "the shape of an update weight is another's": wrong_shape,
    "memory is freed that a stream may still be using": freed,
}


def documented() -> dict[str, str]:
    """The page's rows: what happens here, by case."""
    page = (ROOT / "docs" / "violations.md").read_text(encoding="utf-8")
    table = page.partition("## Where the fake is safer than CANN")[2]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return {row[0]: row[2] for row in rows if len(row) == 3 and not set(row[0]) <= set("-")}


def test_the_page_has_these_rows() -> None:
    assert [*documented()] == ["case", *ROWS]


@pytest.mark.parametrize("case", ROWS)
def test_what_the_page_says_happens_here(ready: Acl, tmp_path: Path, case: str) -> None:
    says = documented()[case]
    status = ROWS[case](ready, tmp_path)
    assert str(status) == re.findall(r"\d{6}", says)[0]
    assert ready.violations() == re.findall(r"AB-[A-Z]+-\d{4}", says)

"""Buffers of one execution that lie over each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from .. import codes
from ..face import Acl
from ..programs import Linear, Tensor, model, onnx_program, places
from ..streams import NEG, new_stream

X, X2, Y, Y2 = (Tensor(name, (4,)) for name in ("x", "x2", "y", "y2"))
TWICE = model(
    onnx_program([("Add", "x x2", "y"), ("Sub", "x x2", "y2")], [X, X2], [Y, Y2]),
    [X, X2], [Y, Y2],
)  # fmt: skip
OPEN, OPEN_Y = (Tensor(name, (-1,), ranges=((1, 8),)) for name in "xy")
DYNAMIC = model(onnx_program([("Neg", "x", "y")], [OPEN], [OPEN_Y]), [OPEN], [OPEN_Y], dynamic=True)
WAYS = ["aclmdlExecute", "aclmdlExecuteAsync", "aclmdlExecuteV2", "timeout"]


def dataset(acl: Acl, *addresses: Any, size: int = 16) -> Any:
    """A dataset over these addresses."""
    made = acl.aclmdlCreateDataset()
    for address in addresses:
        acl.aclmdlAddDatasetBuffer(made, acl.aclCreateDataBuffer(address, size))
    return made


def execute(acl: Acl, way: str, loaded: int, inputs: Any, outputs: Any) -> int:
    """One execution; what the stream says counts as well."""
    if way == "aclmdlExecute":
        return int(acl.aclmdlExecute(loaded, inputs, outputs))
    stream, config = new_stream(acl), acl.aclmdlCreateExecConfigHandle()
    if way == "aclmdlExecuteV2":
        return int(acl.aclmdlExecuteV2(loaded, inputs, outputs, stream, config))
    if way == "timeout":
        value = acl.new("int32_t *", 5000)
        assert acl.aclmdlSetExecConfigOpt(config, 0, value, 4) == codes.SUCCESS
        return int(acl.aclmdlExecuteV2(loaded, inputs, outputs, acl.NULL, config))
    status = int(acl.aclmdlExecuteAsync(loaded, inputs, outputs, stream))
    waited = int(acl.aclrtSynchronizeStream(stream))
    return status or waited


def area(acl: Acl, size: int = 256) -> Any:
    """Memory with ones in it."""
    pointer = acl.on_device(np.ones(size // 4, np.float32).tobytes())
    return acl.ffi.cast("char *", pointer)


@pytest.mark.parametrize("way", WAYS[:3])
@pytest.mark.parametrize(
    ("places_of", "told"),
    [
        ((0, 64, 128, 192), []),
        ((0, 0, 128, 192), []),  # inputs may share
        ((0, 8, 128, 192), []),
        ((0, 64, 128, 128), ["AB-MDL-0016"]),  # outputs may not
        ((0, 64, 128, 136), ["AB-MDL-0016"]),
        ((0, 64, 8, 192), ["AB-MDL-0016"]),  # an output over the end of an input
        ((8, 64, 0, 192), ["AB-MDL-0016"]),  # and over its start
        ((0, 64, 0, 192), ["AB-MDL-0017"]),  # in place
        ((0, 64, 16, 192), []),  # side by side
    ],
)
def test_where_buffers_lie(
    ready: Acl, way: str, places_of: tuple[int, ...], told: list[str]
) -> None:
    base, loaded = area(ready), ready.load_model(TWICE)
    x, x2, y, y2 = (base + offset for offset in places_of)
    status = execute(ready, way, loaded, dataset(ready, x, x2), dataset(ready, y, y2))
    severities = {one["severity"] for one in ready.read("violations")}
    assert ready.violations() == told
    assert (status == codes.SUCCESS) == (told != ["AB-MDL-0016"])
    assert severities <= ({"warning"} if told == ["AB-MDL-0017"] else {"error"})
    if told != ["AB-MDL-0016"]:
        assert ready.download(y, 16) == np.full(4, 2, np.float32).tobytes()


def test_a_message_names_both(ready: Acl) -> None:
    base, loaded = area(ready), ready.load_model(NEG)
    assert execute(ready, WAYS[0], loaded, dataset(ready, base), dataset(ready, base + 4))
    message = ready.read("violations")[0]["message"]
    assert "input 0 at" in message
    assert "output 0 at" in message
    assert ready.violations() == ["AB-MDL-0016"]


def test_faithful_mode_carries_it_out(ready: Acl) -> None:
    ready.set("mode", "faithful")
    base, loaded = area(ready), ready.load_model(NEG)
    status = execute(ready, WAYS[0], loaded, dataset(ready, base), dataset(ready, base + 4))
    assert status == codes.SUCCESS
    assert ready.violations() == ["AB-MDL-0016"]


@pytest.mark.parametrize("way", WAYS[:2])
@pytest.mark.parametrize(("rows", "told"), [(2, []), (3, ["AB-MDL-0016"])])
def test_what_a_shape_needs_counts(ready: Acl, way: str, rows: int, told: list[str]) -> None:
    """The buffers overlap; the tensors may not."""
    base, loaded = area(ready), ready.load_model(DYNAMIC)
    inputs = dataset(ready, base, size=32)
    desc = ready.tensor_desc((rows,))
    assert ready.aclmdlSetDatasetTensorDesc(inputs, desc, 0) == codes.SUCCESS
    status = execute(ready, way, loaded, inputs, dataset(ready, base + 8, size=32))
    assert ready.violations() == told
    assert (status == codes.SUCCESS) == (not told)


class Over:
    """The linear bundle over memory of the test's, with everything set."""

    def __init__(self, acl: Acl) -> None:
        linear = Linear()
        self.offsets, size = places(linear.variables)
        self.memory = area(acl, size)
        made = acl.init_bundle(linear.to_bytes(), self.memory, size)
        self.infer, self.init, self.update = (acl.load_model_of(made, k) for k in range(3))
        self.weight = [self.memory + offset for offset in self.offsets]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shift", [0, 4, -8])
def test_an_output_in_the_variables(ready: Acl, way: str, shift: int) -> None:
    over = Over(ready)
    outputs = dataset(ready, over.weight[1] + shift)
    status = execute(ready, way, over.infer, dataset(ready, area(ready), size=24), outputs)
    assert status == codes.GE_FAILURE
    assert ready.violations() == ["AB-MDL-0016"]


def test_an_input_in_the_variables(ready: Acl) -> None:
    """Both are read."""
    over = Over(ready)
    inputs = dataset(ready, over.weight[0], size=24)
    status = execute(ready, WAYS[0], over.infer, inputs, dataset(ready, area(ready)))
    assert status == codes.SUCCESS


@pytest.mark.parametrize("way", WAYS[:2])
@pytest.mark.parametrize(("keeps", "told"), [(False, ["AB-MDL-0016"]), (True, [])])
def test_an_update_input_in_the_variables(
    ready: Acl, way: str, keeps: bool, told: list[str]
) -> None:
    """An input that keeps its weight is not read."""
    over = Over(ready)
    inputs = dataset(ready, over.weight[0] + 4, area(ready), size=24)
    ready.aclmdlSetDatasetTensorDesc(inputs, ready.tensor_desc((0,) if keeps else (3, 2)), 0)
    ready.aclmdlSetDatasetTensorDesc(inputs, ready.tensor_desc((2,)), 1)
    status = execute(ready, way, over.update, inputs, ready.aclmdlCreateDataset())
    assert ready.violations() == told
    assert (status == codes.SUCCESS) == (not told)


def test_update_inputs_that_share(ready: Acl) -> None:
    over, pool = Over(ready), area(ready)
    inputs = dataset(ready, pool, pool + 8, size=24)
    ready.aclmdlSetDatasetTensorDesc(inputs, ready.tensor_desc((3, 2)), 0)
    ready.aclmdlSetDatasetTensorDesc(inputs, ready.tensor_desc((2,)), 1)
    status = execute(ready, WAYS[0], over.update, inputs, ready.aclmdlCreateDataset())
    assert status == codes.SUCCESS

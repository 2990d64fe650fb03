"""A user of onnxruntime-cann: each model given, on the CANN provider in graph mode and on the CPU.

It runs in an environment of its own, without acl_bundle. Prints a line of JSON for each model.
"""

import json
import sys

import numpy as np
import onnxruntime

CANN, CPU = "CANNExecutionProvider", "CPUExecutionProvider"
OPEN = {"N": 3}  # what an open dim is here


def session(path, name, **options):
    made = onnxruntime.InferenceSession(path, providers=[(name, options)])
    assert made.get_providers()[0] == name
    return made


def feeds(inputs, rng):
    made = {}
    for one in inputs:
        shape = [OPEN.get(dim, dim) for dim in one.shape]
        if one.type == "tensor(int64)":
            made[one.name] = rng.integers(0, 7, shape)
        else:
            made[one.name] = rng.standard_normal(shape).astype(np.float32)
    return made


for path in sys.argv[1:]:
    chip, host = session(path, CANN, device_id=0, enable_cann_graph=True), session(path, CPU)
    rng, worst = np.random.default_rng(5), 0.0
    for _ in range(3):
        given = feeds(host.get_inputs(), rng)
        for got, want in zip(chip.run(None, given), host.run(None, given), strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            worst = max(worst, float(np.abs(got - want).max() / np.abs(want).max()))
    print(json.dumps({"model": path, "worst": worst, "onnxruntime": onnxruntime.__version__}))

"""What a load and a close leave behind on the heap, and whose it is.

``python tests/soak/loads.py [LIVES [BEFORE]]`` prints for each kind of life the bytes that malloc
still counts for one of them, by its own books: nothing depends on when pages go back to the
system. BEFORE as many are led first that all that is remembered of the dead is full.

- *package and fake*: `Bundle.load` and `close` of graphs that a C function computes;
- *with ONNX Runtime*: the same of graphs that ONNX Runtime computes, and one inference;
- *ONNX Runtime alone*: a session of its own made and dropped, with nothing of ours in it.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

import numpy as np
import onnxruntime as ort
from soak_bundles import X, bundle, graph

import acl_bundle as ab
from acl_bundle import fake


class Usage(ctypes.Structure):
    """struct mallinfo2."""

    _fields_ = [(name, ctypes.c_size_t) for name in
                ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks",
                 "uordblks", "fordblks", "keepcost")]  # fmt: skip


def in_use() -> int:
    """Bytes that malloc has handed out."""
    gc.collect()
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Usage
    usage = mallinfo()
    return int(usage.uordblks + usage.hblkhd)


def computed_in_c() -> Callable[[], object]:
    data = bundle("callback")

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    def compute(_: object, __: object) -> int:
        return 0

    library = ctypes.CDLL(str(fake.library_path()))
    library.aclfakeCallback.argtypes = [ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p]
    assert library.aclfakeCallback(1, ctypes.cast(compute, ctypes.c_void_p), None) == 0
    kept.append(compute)
    return lambda: ab.Bundle.load(data).close()


def computed_by_onnx_runtime() -> Callable[[], object]:
    data, x = bundle("onnx"), np.ones(X.dims, np.float32)

    def life() -> None:
        with ab.Bundle.load(data) as loaded:
            loaded.init()
            loaded.infer(x)

    return life


def a_session() -> Callable[[], object]:
    options, data = ort.SessionOptions(), graph()
    options.intra_op_num_threads = 1
    return lambda: ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])


kept: list[object] = []
KINDS = {
    "package and fake": computed_in_c,
    "with ONNX Runtime": computed_by_onnx_runtime,
    "ONNX Runtime alone": a_session,
}


def main(lives: int = 2000, before_that: int = 1500) -> None:
    fake.activate()
    for name, kind in KINDS.items():
        life = kind()
        for _ in range(before_that):
            life()
        before = in_use()
        for _ in range(lives):
            life()
        print(f"{name:20}{(in_use() - before) / lives:8.1f} bytes for each of {lives}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

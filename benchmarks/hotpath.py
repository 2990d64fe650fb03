"""What one inference costs in Python, on top of the calls it is made of.

    python -m benchmarks.hotpath

The reference is a C loop that makes the same ACL calls on the same library
(reference.c), on a graph that computes nothing, with one input and one output
of 4 KB. What Python adds is given in units of one call of ``def f(a, b, c):
pass``. More inputs and outputs, gears and open shapes are given as ratios to one
input, one output and one shape. All variants take turns within each round, so that
a slow moment of the machine hits all of them; figures are medians over the rounds.
"""

from __future__ import annotations

import ctypes
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import timeit
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import acl_bundle as ab
from acl_bundle import build, fake, pyacl

SHAPE = (1, 1024)
ROUNDS = 120
CALLS = 400
PAGE = 4096
ROOT = Path(__file__).parent


def mid_page() -> np.ndarray:
    """Zeros whose address is in the middle of a page.

    Device memory begins where a page begins. A copy between addresses that end in nearly
    the same 12 bits can take twice as long, and where malloc puts an array is chance.
    """
    nbytes = int(np.prod(SHAPE)) * 4
    raw = np.zeros(nbytes + 2 * PAGE, np.uint8)
    start = PAGE // 2 - raw.ctypes.data % PAGE + PAGE
    return raw[start : start + nbytes].view(np.float32).reshape(SHAPE)


class Reference:
    """reference.c, compiled and opened on a bundle, with the arrays x and y."""

    def __init__(self, folder: Path, bundle: Path, x: np.ndarray, y: np.ndarray) -> None:
        library = folder / "reference.so"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", f"-I{ROOT.parent / 'csrc'}",
             str(ROOT / "reference.c"), "-o", str(library), "-ldl"],
            check=True,
        )  # fmt: skip
        self._c = ctypes.CDLL(str(library))
        self._c.reference_open.argtypes = [
            ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._c.reference_run.restype = ctypes.c_double
        self._c.reference_execute.restype = ctypes.c_double
        status = self._c.reference_open(
            str(fake.library_path()).encode(), str(bundle).encode(), x.nbytes, x.ctypes.data,
            y.ctypes.data,
        )  # fmt: skip
        if status:
            raise RuntimeError(f"the C reference could not load {bundle}: {status}")

    def run(self, count: int) -> float:
        """Nanoseconds per inference."""
        return float(self._c.reference_run(count))

    def execute(self, count: int) -> float:
        """Nanoseconds per aclmdlExecute alone."""
        return float(self._c.reference_execute(count))

    def arguments(self) -> list[int]:
        """Model, input and output of that aclmdlExecute."""
        found = (ctypes.c_uint64 * 3)()
        self._c.reference_arguments(found)
        return list(found)

    def close(self) -> None:
        self._c.reference_close()


def identity_session() -> onnxruntime.InferenceSession:
    """An Identity model of the same size, on onnxruntime's Python API."""
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, SHAPE) for n in ("x", "y")]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "id", value[:1], value[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def sampler(call: Callable[[], object]) -> Callable[[], float]:
    """Time CALLS calls; nanoseconds each, without the loop itself."""
    timer = timeit.Timer("call()", globals={"call": call})
    return lambda: timer.timeit(CALLS) / CALLS * 1e9


def statement(code: str, **names: object) -> Callable[[], float]:
    """Time a statement over local names; nanoseconds each."""
    setup = "\n".join(f"{name} = _{name}" for name in names)
    timer = timeit.Timer(code, setup, globals={f"_{name}": value for name, value in names.items()})
    return lambda: timer.timeit(CALLS) / CALLS * 1e9


def medians(samplers: dict[str, Callable[[], float]]) -> dict[str, float]:
    """Let all take turns for ROUNDS rounds."""
    samples: dict[str, list[float]] = {name: [] for name in samplers}
    for _ in range(ROUNDS):
        for name, sample in samplers.items():
            samples[name].append(sample())
    return {name: statistics.median(values) for name, values in samples.items()}


def costs(bundle: ab.Bundle, reference: Reference, x: np.ndarray, y: np.ndarray) -> None:
    """Print what bind, run and run(out=) add to the C loop."""
    infer = bundle.infer
    given, taken = {"x": x}, {"y": y}
    bound = infer.bind(given, taken)
    seen, made = ab.to_device(x), ab.empty(SHAPE, "float32")
    there = infer.bind({"x": seen}, {"y": made})
    session = identity_session()

    def f(a: object, b: object, c: object) -> None:
        pass

    ns = medians({
        "C loop": lambda: reference.run(CALLS),
        "f(a, b, c)": statement("f(1, 2, 3)", f=f),
        "bound()": statement("bound()", bound=bound),
        "bound(), on the device": statement("there()", there=there),
        "run(x, out=y)": statement("run(x, out=y)", run=infer.run, x=given, y=taken),
        "run(x)": statement("run(given)", run=infer.run, given=given),
        "infer(x)": statement("infer(x)", infer=infer, x=x),
        "onnxruntime run(None, x)": statement("run(None, given)", run=session.run, given=given),
    })  # fmt: skip
    unit = ns["f(a, b, c)"]
    print(f"C loop {ns['C loop']:.0f} ns, one Python call {unit:.1f} ns\n")
    print(f"{'':24}{'ns':>9}{'added, in calls':>18}{'goal':>8}")
    for name, goal in (("bound()", 5), ("run(x, out=y)", 45), ("run(x)", 50), ("infer(x)", None)):
        added = (ns[name] - ns["C loop"]) / unit
        print(f"{name:24}{ns[name]:9.0f}{added:18.1f}{f'<= {goal}' if goal else '':>8}")
    on_device = ns["bound(), on the device"]
    print(f"{'bound(), on the device':24}{on_device:9.0f}")
    print(f"\nbound() on the device / bound(): {on_device / ns['bound()']:.2f}x (goal <= 1x)")
    ratio = ns["onnxruntime run(None, x)"] / ns["run(x)"]
    print(f"{'onnxruntime run(None, x)':24}{ns['onnxruntime run(None, x)']:9.0f}")
    print(f"\nonnxruntime / run(x): {ratio:.1f}x (goal >= 4x)")


def pyacl_costs(reference: Reference) -> None:
    """Print what acl.mdl.execute adds to a C loop of aclmdlExecute."""
    model, given, taken = reference.arguments()

    def f(a: object, b: object, c: object) -> None:
        pass

    ns = medians({
        "C": lambda: reference.execute(CALLS),
        "f(a, b, c)": statement("f(1, 2, 3)", f=f),
        "execute": statement(
            "execute(m, x, y)", execute=pyacl.module().mdl.execute, m=model, x=given, y=taken
        ),
    })  # fmt: skip
    added = (ns["execute"] - ns["C"]) / ns["f(a, b, c)"]
    print(f"\npyACL: C loop of aclmdlExecute {ns['C']:.0f} ns")
    print(f"{'acl.mdl.execute':24}{ns['execute']:9.0f}{added:18.1f}{'<= 6':>8}")


def several(folder: Path) -> None:
    """Print what more inputs and outputs, and gears, cost beside one of each and one shape."""
    ends = [f"x{i}" for i in range(4)], ["y0", "y1"]
    value = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n", SHAPE[1]]) for n in "xy"]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "id", value[:1], value[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    files = {
        "one": build.null({"x": ("float32", SHAPE)}, {"y": ("float32", SHAPE)}),
        "many": build.null(*(dict.fromkeys(side, ("float32", SHAPE)) for side in ends)),
        "plain": build.model(model, input_shapes={"x": SHAPE}),
        "geared": build.model(model, dynamic_batch=[4, 2, 1]),
        "open": build.model(model, dynamic_shape=True),
    }
    with ExitStack() as stack:
        samplers = {}
        for name, file in files.items():
            (folder / name).write_bytes(file.to_bytes())
            infer = stack.enter_context(ab.Bundle.load(folder / name)).infer
            names = ends if name == "many" else (["x"], ["y"])
            given, taken = ({n: mid_page() for n in side} for side in names)
            bound = infer.bind(given, taken)
            samplers |= {
                f"{name}: run(dict, out)": statement("f(x, out=y)", f=infer.run, x=given, y=taken),
                f"{name}: run(dict)": statement("f(x)", f=infer.run, x=given),
                f"{name}: infer(*arrays)": statement("f(*x)", f=infer, x=list(given.values())),
                f"{name}: bound()": statement("f()", f=bound),
            }
        ns = medians(samplers)
    bases = {"many": "one", "geared": "plain", "open": "plain"}
    goals = {"many: run(dict, out)": "<= 2", "geared: run(dict, out)": "<= 1.5"}
    print(f"\n{'4 in, 2 out; gears; open':28}{'ns':>9}{'ratio':>9}{'goal':>8}")
    for label, cost in ns.items():
        name, way = label.split(": ")
        ratio = f"{cost / ns[f'{bases[name]}: {way}']:.2f}" if name in bases else ""
        print(f"{label:28}{cost:9.0f}{ratio:>9}{goals.get(label, ''):>8}")


def contention(bundle: ab.Bundle) -> None:
    """Print what an inference costs beside a busy Python thread, in switch intervals."""
    x = {"x": np.zeros(SHAPE, np.float32)}
    fake.latency("aclrtMemcpy", 15e-6)
    fake.latency("aclmdlExecute", 70e-6)
    stop = threading.Event()

    def busy() -> None:
        while not stop.is_set():
            sum(range(100))

    def typical() -> float:
        samples = []
        for _ in range(60):
            start = time.perf_counter()
            bundle.infer.run(x)
            samples.append(time.perf_counter() - start)
        return statistics.median(samples)

    alone = typical()
    thread = threading.Thread(target=busy)
    thread.start()
    beside = typical()
    stop.set()
    thread.join()
    fake.latency("aclrtMemcpy", 0)
    fake.latency("aclmdlExecute", 0)
    ratio = beside / sys.getswitchinterval()
    print(f"\nbeside a busy thread: {beside * 1e3:.2f} ms, alone {alone * 1e3:.3f} ms")
    print(f"in switch intervals: {ratio:.2f} (goal <= 1.3)")


def steady_state(bundle: ab.Bundle) -> None:
    """Print the library calls of one inference."""
    x = {"x": np.zeros(SHAPE, np.float32)}
    bundle.infer.run(x)
    before = fake.calls()
    for _ in range(100):
        bundle.infer.run(x)
    after = fake.calls()
    per_run = {name: (after[name] - before.get(name, 0)) / 100 for name in after}
    print("\ncalls per inference:", {name: n for name, n in per_run.items() if n})


def importing() -> None:
    """Print what importing the package adds to importing numpy."""
    code = (
        "import time, numpy; start = time.perf_counter(); import acl_bundle;"
        "print(time.perf_counter() - start)"
    )
    runs = [
        float(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
        for _ in range(11)
    ]
    print(f"import acl_bundle: {statistics.median(runs) * 1e3:.1f} ms on top of numpy (goal <= 30)")


def main() -> None:
    fake.activate()
    fake.reset()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "null.om"
        build.null({"x": ("float32", SHAPE)}, {"y": ("float32", SHAPE)}).save(path)
        x, y = mid_page(), mid_page()
        reference = Reference(Path(folder), path, x, y)
        with ab.Bundle.load(path) as bundle:
            costs(bundle, reference, x, y)
            pyacl_costs(reference)
            contention(bundle)
            steady_state(bundle)
        several(Path(folder))
        reference.close()
    importing()


if __name__ == "__main__":
    main()

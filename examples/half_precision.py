"""A pretrained model in half precision: what it does to the weights, answers and times.

The model is magika's, which tells a file's type from its bytes; it comes with the
wheel of that name (pip install magika).

1. A report tells, for every weight, how many values overflow, vanish or lose
   precision in float16, and the largest error.
2. The float16 model is built beside the float32 one, and both answer for the files
   of this package. Its weights are refreshable; float32 values from a trainer are
   converted on their way in.
3. A table shows latency by batch, float16 beside float32, and the files' sizes.

Runs on the fake AscendCL, whose times are no device's: python examples/half_precision.py
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import bench, build, fake, weights
from acl_bundle.build.half import halved

Array = NDArray[Any]
LENGTH = 2048


def pretrained() -> Path:
    """The model file inside magika's wheel."""
    spec = find_spec("magika")
    if spec is None or spec.origin is None:
        raise SystemExit("this example needs a pretrained model: pip install magika")
    return next(Path(spec.origin).parent.rglob("model.onnx"))


def files() -> tuple[list[str], Array]:
    """Some files of this package, and their first bytes as the model takes them."""
    paths = sorted(Path(ab.__file__).parent.glob("*.py"))[:4]
    rows = [np.frombuffer(one.read_bytes()[:LENGTH].ljust(LENGTH), np.uint8) for one in paths]
    return [one.name for one in paths], np.stack(rows).astype(np.int32)


def report(path: Path) -> dict[str, Array]:
    """Print what float16 does to each weight, and return the float32 values."""
    with weights.open(path) as source:
        names = [name for name in source if source.spec(name).dtype == np.float32]
        values = {name: source[name] for name in names if source.spec(name).size > 1}
    print(weights.cast(values, "float16", on_overflow="inf").report())
    return values


def answers(path: Path, values: dict[str, Array]) -> None:
    """Compare the two models' answers, before and after an update."""
    names, x = files()
    proto = onnx.load(path)
    shapes = {"bytes": x.shape}
    made = [
        build.from_onnx(one, weights=list(values), input_shapes=shapes).to_bytes()
        for one in (proto, halved(proto, "float16"))
    ]
    with ab.Bundle.load(made[0]) as full, ab.Bundle.load(made[1]) as half:
        for bundle in (full, half):
            bundle.init()
        print(f"\nlargest difference of a probability, for {', '.join(names)}:")
        print(f"  {np.abs(full.infer(x) - half.infer(x)).max():.2g}")
        trained = {name: value * np.float32(0.9) for name, value in values.items()}
        full.update(trained)
        done = half.update(trained, cast="same_kind")
        print("after an update with float32 values, converted on their way into the second:")
        print(f"  {np.abs(full.infer(x) - half.infer(x)).max():.2g}, {done.nbytes:,} bytes sent")


def table(path: Path, batches: str = "batch=1,4", rounds: int = 5) -> None:
    """Measure both by batch size, and print times and sizes."""
    model = bench.open(path)
    print(f"\nlatency in ms; {bench.use(model)}")
    print(f"{'batch':>6}{'float32':>10}{'p99':>10}{'float16':>10}{'p99':>10}{'speed-up':>10}")
    for cell in bench.cells(model, [bench.parse(batches)], ["float32", "float16"]):
        for _ in bench.measure(model, cell, bench.Effort(rounds, warmup=1)):
            pass
        times = [f"{ms:10.2f}" for one in cell.timings for ms in (one.mean_ms, one.p99_ms)]
        speedup = cell.speedup(cell.timings[1])
        print(f"{cell.sizes['batch']:6}{''.join(times)}{speedup:10.2f}")
    full, half = (one.nbytes for one in cell.timings)
    print(f"size on disk: float32 {full:,} bytes, float16 {half:,} bytes")


def main() -> None:
    """Tell the story."""
    path = pretrained()
    print(f"{path.name} of {path.parent.name}")
    answers(path, report(path))
    table(path)


if __name__ == "__main__":
    fake.activate()
    main()
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")

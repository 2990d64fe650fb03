"""A pretrained model in half precision: what it does to the weights, answers and times.

The model is PP-OCRv4's recogniser, convolutions and a small transformer that read
a line of text; it comes with a wheel (pip install rapidocr-onnxruntime).

1. A report tells, for every weight, how many values overflow, vanish or lose
   precision in float16, and the largest error.
2. The float16 model is built beside the float32 one, and both read the same line.
   Their weights are refreshable; float32 values from a trainer are converted on
   their way in.
3. A table shows latency by batch and width, float16 beside float32, and the sizes.

Runs on the fake AscendCL, whose times are no device's: python examples/half_precision.py
"""

from __future__ import annotations

from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

import acl_bundle as ab
from acl_bundle import bench, build, fake, weights
from acl_bundle.build.half import halved

Array = NDArray[Any]
TEXT = "weights come and go"
HEIGHT, WIDTH = 48, 400


def pretrained() -> Path:
    """The model file inside the wheel."""
    spec = find_spec("rapidocr_onnxruntime")
    if spec is None or spec.origin is None:
        raise SystemExit("this example needs a pretrained model: pip install rapidocr-onnxruntime")
    return next(Path(spec.origin).parent.glob("models/*_rec_*.onnx"))


def line(text: str) -> Array:
    """A picture of a line of text as the model takes it: [1, 3, 48, 400], from -1 to 1."""
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415

    picture = Image.new("RGB", (WIDTH, HEIGHT), "white")
    ImageDraw.Draw(picture).text((6, 2), text, "black", ImageFont.load_default(36))
    return (np.asarray(picture, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1).copy()


def read(probabilities: Array, characters: list[str]) -> str:
    """The text: the likeliest symbol of each column, repeats and blanks left out."""
    best = [0, *probabilities[0].argmax(-1).tolist()]
    return "".join(
        characters[symbol - 1] for before, symbol in pairwise(best) if symbol not in (0, before)
    )


def report(path: Path) -> dict[str, Array]:
    """Print what float16 does to each weight, and return the float32 values."""
    with weights.open(path) as source:
        names = [name for name in source if source.spec(name).dtype == np.float32]
        values = {name: source[name] for name in names if source.spec(name).size > 1}
    print(weights.cast(values, "float16", on_overflow="inf").report())
    return values


def answers(path: Path, values: dict[str, Array]) -> None:
    """Compare the two models' answers, before and after an update."""
    proto, x = onnx.load(path), line(TEXT)
    characters = [*next(p.value for p in proto.metadata_props if p.key == "character").split("\n")]
    characters.append(" ")
    made = [
        build.from_onnx(one, weights=list(values), input_shapes={"x": x.shape}).to_bytes()
        for one in (proto, halved(proto, "float16"))
    ]
    with ab.Bundle.load(made[0]) as full, ab.Bundle.load(made[1]) as half:
        for bundle in (full, half):
            bundle.init()
        y, narrow = full.infer(x), half.infer(x)
        print(f"\nfloat32 reads {read(y, characters)!r}, float16 {read(narrow, characters)!r};")
        print(f"  the largest difference of a probability is {np.abs(y - narrow).max():.2g}")
        trained = {name: value * np.float32(0.999) for name, value in values.items()}
        full.update(trained)
        done = half.update(trained, cast="same_kind")
        print("after an update with float32 values, converted on their way into the second:")
        y, narrow = full.infer(x), half.infer(x)
        print(f"  {np.abs(y - narrow).max():.2g}, {done.nbytes:,} bytes sent")


def table(path: Path, batches: str = "1,4", widths: str = "160,320", rounds: int = 3) -> None:
    """Measure both by batch size and width, and print times and sizes."""
    model = bench.open(path)
    axes = [bench.parse(one) for one in (f"batch={batches}", f"x[2]={HEIGHT}", f"x[3]={widths}")]
    print(f"\nlatency in ms; {bench.use(model)}")
    print(
        f"{'batch':>6}{'width':>7}{'float32':>10}{'p99':>10}{'float16':>10}{'p99':>10}{'speed-up':>10}"
    )
    for cell in bench.cells(model, axes, ["float32", "float16"]):
        for _ in bench.measure(model, cell, bench.Effort(rounds, warmup=1)):
            pass
        times = [f"{ms:10.2f}" for one in cell.timings for ms in (one.mean_ms, one.p99_ms)]
        speedup = cell.speedup(cell.timings[1])
        sizes = f"{cell.sizes['batch']:6}{cell.sizes['x[3]']:7}"
        print(f"{sizes}{''.join(times)}{speedup:10.2f}")
    full, half = (one.nbytes for one in cell.timings)
    print(f"size on disk: float32 {full:,} bytes, float16 {half:,} bytes")


def main() -> None:
    """Tell the story."""
    path = pretrained()
    print(path.name)
    answers(path, report(path))
    table(path)


if __name__ == "__main__":
    fake.activate()
    main()
    print(f"unloaded; live objects: {fake.live()}, violations: {fake.violations()}")

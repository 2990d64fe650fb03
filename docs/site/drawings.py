"""Draws the pictures of the manual, each from a run on this machine: docs/pictures.

    python docs/site/drawings.py [transaction] [latency] [demo] [half_precision]

The last is drawn from the table in docs/guides/half_precision.md, which a run printed. A drawing
says what it was run on. Times of the fake are not a device's: with the profile `atlas-300i` calls
take as long as that card's copies and launches, as far as they are known.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import onnx.parser
from matplotlib import pyplot
from onnx import numpy_helper

import acl_bundle as ab
from acl_bundle import build, fake
from acl_bundle.cli.demo import show

PICTURES = Path(__file__).parents[1] / "pictures"
PAGE = PICTURES.parent / "guides" / "half_precision.md"
RAN_ON = "fake, profile atlas-300i: not a device's times"
WIDE = 512
WEIGHTS = ("w0", "w1", "w2", "w3")
COLOURS = {
    "aclmdlExecute": "#4477aa",
    "aclrtMemcpy, host to device": "#ee6677",
    "aclrtMemcpy, device to host": "#ccbb44",
    "aclrtMemcpy, within the device": "#aa3377",
    "other calls": "#bbbbbb",
}
DIRECTIONS = {"1": "host to device", "2": "device to host", "3": "within the device"}


def weights(seed: int) -> dict[str, Any]:
    """Values for each weight of the model, WIDE x WIDE of float32."""
    rng = np.random.default_rng(seed)
    scale = WIDE**-0.5
    return {name: rng.standard_normal((WIDE, WIDE), np.float32) * scale for name in WEIGHTS}


def model() -> onnx.ModelProto:
    """Four layers, as wide as WIDE."""
    made = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["": 17]>
        policy (float[1, {WIDE}] x) => (float[1, {WIDE}] y) {{
            a = MatMul(x, w0) b = Tanh(a) c = MatMul(b, w1) d = Tanh(c)
            e = MatMul(d, w2) f = Tanh(e) y = MatMul(f, w3)
        }}""")
    made.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in weights(0).items()
    )
    return made


@contextmanager
def inferring(bundle: ab.Bundle) -> Iterator[list[tuple[float, float]]]:
    """Infer in a thread of its own; each inference's start and seconds are noted."""
    noted: list[tuple[float, float]] = []
    x, end = np.ones((1, WIDE), np.float32), threading.Event()

    def infer() -> None:
        while not end.is_set():
            start = time.perf_counter()
            bundle.infer(x)
            noted.append((start, time.perf_counter() - start))

    thread = threading.Thread(target=infer, name="infer")
    thread.start()
    time.sleep(0.2)
    try:
        yield noted
    finally:
        end.set()
        thread.join()


def loaded() -> ab.Bundle:
    """The model on the fake, with first weights."""
    fake.set("profile", "atlas-300i")
    bundle = ab.Bundle.load(build.from_onnx(model(), weights=list(WEIGHTS)).to_bytes())
    bundle.init()
    return bundle


def save(figure: Any, name: str) -> None:
    """Write a drawing as SVG whose text is text."""
    PICTURES.mkdir(exist_ok=True)
    place = PICTURES / f"{name}.svg"
    figure.savefig(place, bbox_inches="tight", dpi=200, metadata={"Date": None})
    text = place.read_text(encoding="utf-8")
    place.write_text(re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE), encoding="utf-8")


def legend(row: dict[str, Any]) -> str:
    """What a call is called beside the drawing: copies by their direction."""
    kind = re.search(r"kind=(\d)", row["args"]) if row["function"] == "aclrtMemcpy" else None
    name = f"aclrtMemcpy, {DIRECTIONS[kind[1]]}" if kind else row["function"]
    return name if name in COLOURS else "other calls"


def transaction() -> None:
    """The calls of one update beside the calls of a thread that infers."""
    with loaded() as bundle:
        bundle.update(weights(1))  # what is made once is made
        ready = weights(2)
        with inferring(bundle):
            fake.set("trace", "on")
            time.sleep(0.004)
            bundle.update(ready, version=2)
            time.sleep(0.004)
            rows = fake.trace()
            fake.set("trace", "off")
    mine = threading.get_native_id()
    begin = min(row["start_ns"] for row in rows if row["thread"] == mine)
    figure, axes = pyplot.subplots(figsize=(9, 2.6))
    for row in rows:
        lane = 0 if row["thread"] == mine else 1
        axes.broken_barh(
            [((row["start_ns"] - begin) / 1e6, max(row["ns"] / 1e6, 0.004))],
            (lane + 0.1, 0.8),
            color=COLOURS[legend(row)],
        )
    end = max(row["start_ns"] + row["ns"] for row in rows if row["thread"] == mine)
    axes.set_xlim(-1.5, (end - begin) / 1e6 + 1.5)
    axes.set_yticks([0.5, 1.5], ["update", "infer"])
    axes.set_xlabel("milliseconds since the update began")
    size = sum(one.nbytes for one in ready.values()) / 2**20
    axes.set_title(
        f"Every call of one update of {size:.0f} MiB, beside inferences\n({RAN_ON})", fontsize=10
    )
    shown = {legend(row) for row in rows}
    axes.legend(
        handles=[
            mpl.patches.Patch(color=colour, label=name)
            for name, colour in COLOURS.items()
            if name in shown
        ],
        ncols=3, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.3),
    )  # fmt: skip
    save(figure, "transaction")


def latency() -> None:
    """How long each inference took while updates came every 0.1 seconds."""
    updates, ready = [], [weights(number) for number in range(1, 11)]
    with loaded() as bundle, inferring(bundle) as noted:
        begin = time.perf_counter()
        for number, values in enumerate(ready, 1):
            start = time.perf_counter()
            bundle.update(values, version=number)
            updates.append((start, time.perf_counter()))
            time.sleep(0.1)
    figure, axes = pyplot.subplots(figsize=(9, 3))
    for start, end in updates:
        axes.axvspan(start - begin, end - begin, color="#ee6677", alpha=0.35, linewidth=0)
    kept = [(at - begin, 1e3 * took) for at, took in noted if at >= begin]
    axes.plot(*zip(*kept, strict=True), ".", markersize=2, color="#4477aa", rasterized=True)
    took = np.array([one for _, one in kept])
    axes.axhline(np.percentile(took, 50), color="#222222", linewidth=0.7)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("seconds")
    axes.set_ylabel("milliseconds for one inference")
    size = sum(one.nbytes for one in weights(0).values()) / 2**20
    axes.set_title(
        f"{len(kept)} inferences beside 10 updates of {size:.0f} MiB (red); the line is p50,"
        f" {np.percentile(took, 50):.2f} ms; p99 {np.percentile(took, 99):.2f} ms\n({RAN_ON})",
        fontsize=10,
    )
    save(figure, "latency")


def half_precision() -> None:
    """The guide's table: what float16 costs in accuracy, by length and batch."""
    guide = PAGE.read_text(encoding="utf-8")
    lines = re.findall(r"^ +(\d+) +(\d+) +[\d.]+ +([\d.]+) .*$", guide, re.MULTILINE)
    table = [(int(batch), int(length), float(error)) for batch, length, error in lines]
    figure, axes = pyplot.subplots(figsize=(7, 3))
    for batch, mark in zip(sorted({one[0] for one in table}), "os", strict=True):
        row = [(length, 100 * error) for of, length, error in table if of == batch]
        axes.plot(*zip(*row, strict=True), f"{mark}-", label=f"batch {batch}")
    axes.set_xticks(sorted({one[1] for one in table}))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("length")
    axes.set_ylabel("largest error, % of the\nlargest answer")
    axes.set_title("float16 beside float32, the table of the guide (fake)", fontsize=10)
    axes.legend()
    save(figure, "half_precision")


def demo() -> None:
    """What `make demo` prints, as rich draws it."""
    recorded = show.Console()
    recorded.record, recorded.width = True, 70
    show.Console = lambda: recorded  # type: ignore[assignment, misc]
    assert show.run(None) == 0
    text = recorded.export_svg(title="make demo", unique_id="demo")
    PICTURES.mkdir(exist_ok=True)
    text = re.sub(r"@font-face \{.*?\}\s*", "", text, flags=re.DOTALL)  # they lie elsewhere
    text = text.replace("Fira Code, monospace", "monospace")
    (PICTURES / "demo.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    mpl.use("Agg")
    mpl.rcParams["svg.fonttype"] = "none"
    mpl.rcParams["svg.hashsalt"] = "acl_bundle"
    fake.activate()
    drawn = (transaction, latency, demo, half_precision)
    for wanted in sys.argv[1:] or [one.__name__ for one in drawn]:
        {one.__name__: one for one in drawn}[wanted]()

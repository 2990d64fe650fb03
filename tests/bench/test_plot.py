"""The picture: ticks, units, two percentiles a line, and nothing outside or on top of another."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from acl_bundle.bench import Cell, Timing
from acl_bundle.bench.plot import figure

FAKE = (
    "not device numbers: the fake computes on this machine's processor, by ONNX Runtime"
    " (/usr/lib/python3/dist-packages/acl_bundle/fake/lib/libascendcl.so)"
)


def cells(
    axes: dict[str, Sequence[int]],
    dtypes: Sequence[str],
    ms: Callable[..., float],
    count: int = 100,
) -> list[Cell]:
    found = []
    for sizes in itertools.product(*axes.values()):
        samples = [int(ms(*sizes) * 1e6 * (1 + at / count)) for at in range(count)]
        timings = [Timing(samples, sum(samples), dtype=one) for one in dtypes]
        found.append(Cell(dict(zip(axes, sizes, strict=True)), {}, timings))
    return found


HALF = ["float32", "float16"]
CASES = {
    "one cell": ({}, HALF, lambda: 1.0),
    "sizes of a log range": ({"batch": [1, 1000, 10**6]}, HALF, lambda n: n / 1000),
    "many": ({"batch": range(1, 31), "length": range(8, 40, 8)}, [*HALF, "bf"], lambda n, _: n),
    "long names": ({"W" * 120: [1, 20_000_000], "l" * 90: [1, 2]}, ["as it is"], lambda *_: 1.0),
    "markup": ({"$a_{": [1, 2], "$b$\x1b": [1, 2]}, HALF, lambda *_: 0.001),
}


def drawn(case: Any, title: str = FAKE) -> tuple[Figure, Any]:
    made = figure(cells(*case), title)
    canvas = FigureCanvasAgg(made)
    canvas.draw()
    return made, canvas.get_renderer()


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_cut_off_or_on_top_of_another(name: str) -> None:
    made, renderer = drawn(CASES[name], f"{'W' * 200}.onnx: {FAKE}")
    tight: Any = made.get_tightbbox(renderer)
    inches = made.get_size_inches()
    assert tight.x0 >= -0.01
    assert tight.y0 >= -0.01
    assert tight.x1 <= inches[0] + 0.01
    assert tight.y1 <= inches[1] + 0.01
    (axes,), (legend,) = made.axes, made.legends
    texts = [axes.title, axes.xaxis.label, axes.yaxis.label, legend]
    ticks = [axes.get_xticklabels(), axes.get_yticklabels()]
    for group in (texts, *ticks):
        boxes = [one.get_window_extent(renderer) for one in group]
        for a, b in itertools.combinations(boxes, 2):
            assert not Bbox.intersection(a, b) or Bbox.intersection(a, b).size.min() < 1


def test_swept_sizes_are_the_ticks_and_axes_have_units() -> None:
    made, _ = drawn(({"batch": [1, 8, 100]}, ["float32"], lambda n: n))
    (axes,) = made.axes
    assert [one.get_text() for one in axes.get_xticklabels()] == ["1", "8", "100"]
    assert axes.get_xlabel() == "batch"
    assert axes.get_ylabel() == "latency in ms, from arrays to arrays"
    assert axes.get_yscale() == "log"
    shown = [one.get_text() for one in axes.get_yticklabels()]
    assert len(set(shown)) == len(shown), "no number stands twice"


def test_p50_and_p99_are_drawn_and_the_fake_is_named() -> None:
    made, _ = drawn(({"batch": [1, 2]}, ["float32"], lambda n: n))
    (axes,) = made.axes
    p50, p99 = (list(line.get_ydata()) for line in axes.lines)
    assert p50 == pytest.approx([1.49, 2.98])
    assert p99 == pytest.approx([1.98, 3.96])
    title = " ".join(axes.get_title().split())
    assert "not device numbers: the fake" in title
    assert title.endswith("solid: p50, dashed: p99")
    few = figure(cells({}, ["float32"], lambda: 1.0, count=5), FAKE)
    assert "the largest of 5 samples" in few.axes[0].get_title()

"""What it costs to find by digest that nothing has changed."""

from __future__ import annotations

from benchmarks.rounds import bundle_of, medians, memcpy, normal, seconds, warm


def main(nbytes: int) -> None:
    """Print the rate of the check, and of a memcpy of the same bytes."""
    weights = normal(nbytes)
    to = warm(weights)
    with bundle_of(weights) as bundle:
        bundle.update(weights, skip_unchanged=True)

        def check(threads: int) -> float:
            report = bundle.update.plan(weights, skip_unchanged=True, threads=threads)
            assert not report.changed
            return 0.0

        figures = medians({
            "memcpy": lambda: seconds(lambda: memcpy(to, weights)),
            "1 thread": lambda: seconds(lambda: check(1)),
            "2 threads": lambda: seconds(lambda: check(2)),
        })  # fmt: skip
    for name, value in figures.items():
        goal = "(goal >= 8)" if name == "1 thread" else ""
        print(f"{name:12}{nbytes / value / 1e9:8.1f} GB/s {goal}")
    share = figures["1 thread"] / figures["memcpy"]
    print(f"hashing pays when more than {share:.0%} of the bytes are unchanged")

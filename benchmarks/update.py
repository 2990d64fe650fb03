"""What an update costs, as ratios to a memcpy of the same bytes.

    python -m benchmarks.update [--size MIB] [section ...]

Everything runs on the fake, whose device is memory of this machine: there an
update is as fast as memory allows, and what we add shows. The reference is one
`memcpy` of the weights, on one thread, into a buffer that was written before;
for weights from files, one read of the file into such a buffer.
Within a section all variants take turns, so that a slow moment of the machine
hits all of them; figures are medians over the rounds, the first of which (the
first update of the process) is left out.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from acl_bundle import fake
from benchmarks import (
    derived,
    device,
    digest,
    ipc,
    memory,
    partial,
    pause,
    serving,
    small,
    sources,
    staged,
    staging,
)

SECTIONS: dict[str, Callable[[int], None]] = {
    "staging": staging.main,
    "sources": sources.main,
    "small": small.main,
    "partial": partial.main,
    "device": device.main,
    "digest": digest.main,
    "derived": derived.main,
    "memory": memory.main,
    "pause": pause.main,
    "staged": staged.main,
    "serving": serving.main,
    "ipc": ipc.main,
}


def main() -> None:
    """Run the sections that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=1024, help="MiB of weights; 1024 by default")
    parser.add_argument("section", nargs="*", help=f"any of {', '.join(SECTIONS)}")
    options = parser.parse_args()
    unknown = [name for name in options.section if name not in SECTIONS]
    if unknown:
        parser.error(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    fake.activate()
    fake.reset()
    for name in options.section or SECTIONS:
        print(f"\n--- {name}\n", flush=True)
        SECTIONS[name](options.size << 20)


if __name__ == "__main__":
    main()

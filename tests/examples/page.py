"""What the pages of docs/ show of a program's output."""

from __future__ import annotations

import re
from pathlib import Path

PAGES = sorted((Path(__file__).parents[2] / "docs").glob("*.md"))
BLOCK = re.compile(r"^```console\n\$ python examples/(\w+\.py)\n(.*?)^```$", re.M | re.S)
SHOWN: dict[str, str] = {
    name: text for page in PAGES for name, text in BLOCK.findall(page.read_text("utf-8"))
}


def check_shown(name: str, printed: str) -> None:
    """Find what stands between ``...`` in what was printed, in order; numbers may differ."""
    rest = _loose(printed)
    for part in filter(None, SHOWN[name].split("...\n")):
        _, found, rest = rest.partition(_loose(part))
        assert found, f"the page shows {part!r}; printed was {printed!r}"


def _loose(text: str) -> str:
    """Without what differs from run to run: numbers, and the blanks before them."""
    return re.sub(r"[ \t]*-?\d[\d,.]*(e[+-]?\d+)?", " 0", text)

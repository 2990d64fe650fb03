"""Every number that code or tests cite is in docs/facts.md's pages or in docs/design.md.

"facts 1.8, 1.11", "facts 6.10-6.15" and "design 5" are citations, and so is the end of a test's
name: test_..._facts_1_5_8 cites facts 1.5 and facts 8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    "facts": sorted((ROOT / "docs" / "facts").glob("*.md")),
    "design": [ROOT / "docs" / "design.md"],
}
FOLDERS = "acl_bundle", "benchmarks", "csrc", "docs", "examples", "fakes", "tests"
SUFFIXES = {".c", ".cc", ".h", ".md", ".py", ".pyi", ".toml"}

NUMBER = re.compile(r"^#+ (\d+(?:\.\d+)?) |^- \*\*(\d+\.\d+)\*\*", re.MULTILINE)
COMMENT = re.compile(r"\n\s*(?:\*|#|//)?\s*")  # a citation may go on behind it
ONE = r"\d+(?:\.\d+)?"
TEXT = re.compile(rf"\b(facts|design)\s({ONE}(?:(?:,\s|-|\sand\s){ONE})*)", re.IGNORECASE)
NAME = re.compile(r"\bdef test_\w*?_(facts|design)((?:_\d+)+)\b")
ELSEWHERE = re.compile(
    r"differential[_ ]\d|fact\s+sheet|\b(?:device|compile)\s+facts|[_(]issue[_ ]\d"
)


def known(kind: str) -> list[str]:
    """The numbers of all headings and items, in order."""
    texts = (page.read_text(encoding="utf-8") for page in PAGES[kind])
    return [one or other for text in texts for one, other in NUMBER.findall(text)]


def in_name(digits: str) -> Iterator[str]:
    """Sections are pairs of numbers; a last number alone is a chapter."""
    parts = digits.strip("_").split("_")
    for at in range(0, len(parts), 2):
        yield ".".join(parts[at : at + 2])


def cited(text: str) -> Iterator[tuple[str, str]]:
    """Each citation of a file: (facts or design, number)."""
    for kind, numbers in TEXT.findall(COMMENT.sub(" ", text)):
        yield from ((kind.lower(), one) for one in re.findall(ONE, numbers))
    for kind, digits in NAME.findall(text):
        yield from ((kind, one) for one in in_name(digits))


def test_every_cited_number_exists() -> None:
    numbers = {kind: known(kind) for kind in PAGES}
    for kind, listed in numbers.items():
        assert len(listed) == len({*listed}) > 5, f"a number of {kind} stands twice"
    count, wrong = 0, []
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    for path in sorted(path for path in files if path.suffix in SUFFIXES):
        text = path.read_text(encoding="utf-8")
        found = list(cited(text))
        count += len(found)
        wrong += [f"{path}: {kind} {n}" for kind, n in found if n not in numbers[kind]]
        wrong += [f"{path}: {one}" for one in ELSEWHERE.findall(text)]
    assert wrong == []
    assert count > 500, "the patterns find no citations any more"


def test_the_forms_of_a_citation() -> None:
    text = '"""Of all (facts 1.8,\n# 1.11; Design 5)."""\ndef test_it_facts_1_5_8() -> None:'
    kinds = [("facts", n) for n in ("1.8", "1.11")]
    assert list(cited(text)) == [*kinds, ("design", "5"), ("facts", "1.5"), ("facts", "8")]
    assert "9.99" not in known("facts")

"""docs/violations.md is fakes/call/violations.h for people: every id, in order, nothing else.

``python -m tests.laws.test_violations`` writes the page anew.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from acl_bundle import fake

from .ways_of_statuses import WAYS as WAYS_OF_STATUSES
from .ways_of_violations import WAYS

ROOT = Path(__file__).parents[2]
HEADER = ROOT / "fakes/call/violations.h"
PAGE = ROOT / "docs" / "violations.md"
GAP = r"\s*\\?\s*"  # a line of a macro may end here
ENTRY = re.compile(rf'VIOLATION\((\w+), "([^"]+)", "([^"]+)",{GAP}((?:"[^"]*"{GAP})+)\)')

# tests/contract/call/test_safer.py holds what follows.
TAIL = "\n## Where the fake is safer than CANN\n"

HEAD = """\
# What the fake calls a violation

Where a device would corrupt memory, hang, or compute with the wrong bytes, the fake keeps a
violation. The call also returns a status, ACL's own or, where ACL has none, 107000 from `aclrt*`,
500002 from `aclmdl*` and 100000 from `acldvpp*`; but a program that ignores the status is found
out all the same: `acl_bundle.fake.violations()`, `aclfakeRead("violations")`, and [stderr at the
end of the process](testing_c.md). A message says which argument it was, what is wrong, and who made
and who ended the object, by function and number of the call. Ids are stable; a number is never used
again.

- **error**: the call was refused, or would have been in strict mode. In faithful mode a copy or an
  update that does not fit is clipped. AB-MDL-0018 alone is carried out in both modes: a device
  computes with whatever lies there, and nothing but the result is wrong.
- **warning**: the call was carried out, also in strict mode. Programs that ship do this and run;
  the interface's rules say otherwise. So is AB-STR-0009 where it is about host memory.
- **leak**: something was alive at `aclFinalize`; no call failed. What is alive at the end of the
  process is told there, whether that function was called or not.

This page is written from `fakes/call/violations.h`; a test keeps it complete.

| id | severity | what happened | way out |
|---|---|---|---|
"""


class Violation(NamedTuple):
    """One entry of the header's list."""

    name: str
    id: str
    severity: str
    sentence: str


def violations() -> list[Violation]:
    """The entries in the header's order."""
    found = ENTRY.findall(HEADER.read_text(encoding="utf-8"))
    return [Violation(*row[:3], "".join(re.findall('"([^"]*)"', row[3]))) for row in found]


def page() -> str:
    """The page as it should be: sorted by id, the runtime's first."""
    families = ("RT", "STR", "MDL", "DVPP")
    listed = sorted(violations(), key=lambda one: (families.index(one.id.split("-")[1]), one.id))
    rows = (f"| {one.id} | {one.severity} | {one.sentence} | {WAYS[one.id]} |" for one in listed)
    return HEAD + "".join(f"{row}\n" for row in rows)


def test_the_page_is_the_header() -> None:
    assert PAGE.read_text(encoding="utf-8").partition(TAIL)[0] == page(), (
        f"run python -m {__name__}"
    )


def test_every_violation_has_a_way_out_and_nothing_else_has() -> None:
    assert sorted(WAYS) == sorted(one.id for one in violations())


def test_every_function_that_a_way_out_names_exists() -> None:
    headers = "".join(path.read_text(encoding="utf-8") for path in fake.include_path().rglob("*.h"))
    told = " ".join((*WAYS.values(), *WAYS_OF_STATUSES.values()))
    named = {*re.findall(r"`(acl[a-z]*[A-Z]\w+)`", told)}
    assert len(named) > 20
    assert [one for one in sorted(named) if not re.search(rf"\b{one}\b", headers)] == []


def test_no_entry_escapes_the_pattern() -> None:
    text = HEADER.read_text(encoding="utf-8")
    assert len(violations()) == text.count('"AB-') > 30


def test_ids_are_unique_and_without_gaps() -> None:
    ids = [one.id for one in violations()]
    assert len({*ids}) == len(ids)
    for family in ("AB-RT-", "AB-STR-", "AB-MDL-", "AB-DVPP-"):
        numbers = [int(one.removeprefix(family)) for one in ids if one.startswith(family)]
        assert sorted(numbers) == [*range(1, len(numbers) + 1)]


def test_severities_are_three() -> None:
    assert {one.severity for one in violations()} == {"error", "warning", "leak"}


def test_the_library_raises_each_of_them() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "fakes").glob("*/*.c"))
    missing = [one.id for one in violations() if not re.search(rf"\bV_{one.name}\b", sources)]
    assert missing == []


def test_a_contract_test_provokes_each_of_them() -> None:
    tests = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "contract").rglob("*.py")
    )
    assert [one.id for one in violations() if one.id not in tests] == []


if __name__ == "__main__":
    _, mark, tail = PAGE.read_text(encoding="utf-8").partition(TAIL)
    PAGE.write_text(page() + mark + tail, encoding="utf-8")

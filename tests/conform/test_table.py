"""The rows as text: each is read whole, cites facts that exist, and is harmless."""

from __future__ import annotations

import pytest

from acl_bundle.conform import kit, table
from acl_bundle.conform.terms import (
    AnswerPlace,
    Name,
    Number,
    NumberList,
    OfFile,
    RowCall,
    Text,
    parse,
)
from tests.laws.test_citations import known

HARMFUL = {"aclrtResetDeviceForce", "aclrtDestroyStreamForce", "aclrtDeviceTaskAbort"}


def test_every_row_cites_facts() -> None:
    numbers = {*known("facts")}
    assert len(table.rows()) > 150
    assert {fact for row in table.rows() for fact in row.facts} <= numbers


def test_ids_are_unique_and_digests_tell_rows_apart() -> None:
    found = table.rows()
    assert len({row.id for row in found}) == len(found)
    assert len({row.digest for row in found}) == len(found)


def test_rows_name_files_of_the_kit_alone() -> None:
    files = {"empty", "small", "noise", "zip", "folder", "nowhere", *kit.MODELS}
    assert {file for row in table.rows() for file in row.files} == files


def test_no_row_harms_what_others_do_on_the_device() -> None:
    """Nothing that ends others' work, and little memory."""
    for row in table.rows():
        assert not {*row.functions} & HARMFUL, row.id
        for line in row.lines:
            if isinstance(line.what, RowCall) and line.what.function.startswith("aclrtMalloc"):
                size, small = line.what.arguments[1], {100000, 107002}
                right = {term.value for term in line.right if isinstance(term, Number)}
                assert isinstance(size, Number)
                assert size.value <= 4096 or right <= small, f"{row.id}: {line.text}"


def test_a_line() -> None:
    found = parse(
        'T2: d := aclA(&p, &y:float[4], q+32, [1, -2], float[1.5], "a\\n", data:zip) = 0x10'
    )
    assert found.thread == "T2"
    assert found.into == "d"
    assert found.right == (Number(16),)
    assert found.what == RowCall(
        "aclA",
        (
            AnswerPlace("p"), AnswerPlace("y", "float[4]"), Name("q", (), 32), NumberList((1, -2)),
            NumberList((1.5,), "float"), Text(b"a\n"), OfFile("data", "zip"),
        ),
    )  # fmt: skip


def test_what_is_right() -> None:
    assert parse("aclA() = 1 | NULL").right == (Number(1), Name("NULL"))
    assert parse("aclA() != 0").inverted
    assert parse("dims.dims[0] = 4").what == Name("dims", ("dims", 0))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", "the end stands where more is wanted"),
        ("aclA(", "the end stands where"),
        ("aclA(1 2)", "2 stands where , is wanted"),
        ("aclA() = ", "the end stands where"),
        ("aclA() = 1 2", "nothing may stand behind it, but '2' does"),
        ("aclA() = ?", "'?' is no number, text or sign"),
        ("x", "a value alone says nothing"),
    ],
)
def test_what_is_no_line(line: str, text: str) -> None:
    with pytest.raises(ValueError, match=text.replace("?", r"\?")):
        parse(line)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        ("aclA() = 0", "is no head of a row"),
        ("[a] facts 1.1, somewhere\naclA() = 0", "needs somewhere"),
        ("[a] facts 1.1, context twice\naclA() = 0", "needs context twice"),
    ],
)
def test_what_is_no_row(block: str, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        table.read(block, "mine")


def test_lists_of_words_are_rows() -> None:
    text = "# of two\n[a] facts 1.1, init alone\nx: 1 2\ny: 3\naclA({x}, {y}) = 0\n\n"
    text += "[b] facts 1.1, init\naclB()"
    found = table.read(text, "mine")
    assert [row.id for row in found] == ["mine: a 1 3", "mine: a 2 3", "mine: b"]
    assert found[1].lines[0].text == "aclA(2, 3) = 0"
    assert [row.is_alone for row in found] == [True, True, False]

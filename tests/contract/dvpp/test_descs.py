"""Every description begins empty, keeps what it is given, and ends once (facts 11.3, 11.4,
11.17)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ..face import ROOT, Acl
from .media import Media

TEXT = (ROOT / "csrc/acl/acl_dvpp.h").read_text(encoding="utf-8")
PAIR = re.compile(r"^aclError (acl\w+)Set(\w+)\((acl\w+) \*\w+, ([\w ]+?[ *])\w+\);", re.MULTILINE)
PAIRS = [
    pytest.param(*match, id=f"{match[0]}Get{match[1]}")
    for match in PAIR.findall(TEXT)
    if f"{match[0]}Get{match[1]}(" in TEXT
]
MAKERS = {
    "acldvppPicDesc": "acldvppCreatePicDesc",
    "acldvppStreamDesc": "acldvppCreateStreamDesc",
    "acldvppResizeConfig": "acldvppCreateResizeConfig",
    "acldvppJpegeConfig": "acldvppCreateJpegeConfig",
    "acldvppBorderConfig": "acldvppCreateBorderConfig",
    "aclvdecChannelDesc": "aclvdecCreateChannelDesc",
    "aclvencChannelDesc": "aclvencCreateChannelDesc",
    "aclvencFrameConfig": "aclvencCreateFrameConfig",
}
DESTROYERS = [
    name
    for name in re.findall(r"^aclError (acl\w+Destroy\w+)\(", TEXT, re.MULTILINE)
    if not name.endswith("DestroyChannel")
]


def test_the_lists_are_long() -> None:
    assert len(PAIRS) > 40
    assert len(DESTROYERS) == 14


@pytest.mark.parametrize(("family", "field", "owner", "kind"), PAIRS)
def test_a_getter_gives_what_its_setter_was_given_facts_11_4(
    ready: Acl, family: str, field: str, owner: str, kind: str
) -> None:
    setter, getter = (getattr(ready, f"{family}{way}{field}") for way in ("Set", "Get"))
    desc = getattr(ready, MAKERS[owner])()
    assert desc != ready.NULL
    pointer = "*" in kind or kind.strip().endswith("Callback")
    zero, value = (ready.ffi.cast(kind.strip(), number) for number in (0, 2))
    assert getter(desc) == (zero if pointer else 0)
    assert setter(desc, value) == 0
    assert getter(desc) == (value if pointer else 2)
    assert setter(ready.NULL, value) == 100000
    assert getter(ready.NULL) == (zero if pointer else 0)
    assert "is NULL" in (ready.message() or "")
    other = ready.acldvppCreateRoiConfig(0, 1, 0, 1)
    wrong = ready.ffi.cast(f"{owner} *", other)
    assert setter(wrong, value) == 100000
    assert getter(wrong) == (zero if pointer else 0)
    assert ready.violations() == ["AB-RT-0003"] * 2
    ready.message()


@pytest.mark.parametrize("name", DESTROYERS)
def test_null_is_destroyed_without_a_word_and_nothing_twice_facts_11_3(
    ready: Acl, name: str
) -> None:
    destroy: Any = getattr(ready, name)
    before = ready.live()
    assert destroy(ready.NULL) == 0
    make = getattr(ready, name.replace("Destroy", "Create"))
    made = make(*{"BatchPicDesc": [2], "RoiConfig": [0, 1, 0, 1]}.get(name[14:], []))
    assert made != ready.NULL
    assert len(ready.live()) > len(before)
    assert destroy(made) == 0
    assert ready.live() == before
    assert destroy(made) == 100000
    assert ready.violations() == ["AB-RT-0004"]
    ready.message()


def test_a_batch_owns_its_descriptions_facts_11_14(ready: Acl) -> None:
    batch = ready.acldvppCreateBatchPicDesc(3)
    one = ready.acldvppGetPicDesc(batch, 2)
    assert ready.acldvppSetPicDescWidth(one, 5) == 0
    assert ready.acldvppGetPicDesc(batch, 3) == ready.NULL
    assert ready.acldvppDestroyPicDesc(one) == 100000
    assert ready.acldvppDestroyBatchPicDesc(batch) == 0
    assert ready.acldvppGetPicDescWidth(one) == 0
    assert ready.violations() == ["AB-RT-0005", "AB-RT-0002"]
    for count in (0, 257):
        assert ready.acldvppCreateBatchPicDesc(count) == ready.NULL
    ready.message()


def test_tables_are_data_facts_11_15(ready: Acl) -> None:
    table, hist = ready.acldvppCreateLutMap(), ready.acldvppCreateHist()
    data, length = ready.new("uint8_t **"), ready.new("uint32_t *")
    assert ready.acldvppGetLutMapDims(table) == 3
    assert ready.acldvppGetLutMapData(table, 1, data, length) == 0
    assert length[0] == 256
    data[0][255] = 7
    assert ready.acldvppGetLutMapData(table, 3, data, length) == 100000
    counts, size = ready.new("uint32_t **"), ready.new("uint16_t *")
    assert ready.acldvppGetHistDims(hist) == 3
    assert ready.acldvppGetHistData(hist, 2, counts, size) == 0
    counts[0][9] = 5
    assert ready.acldvppClearHist(hist) == 0
    assert (counts[0][9], size[0], ready.acldvppGetHistRetCode(hist)) == (0, 256, 0)
    ready.message()


def test_parameters_of_an_encoder_are_its_fields_facts_11_17(ready: Acl) -> None:
    desc, size = ready.aclvencCreateChannelDesc(), ready.new("size_t *")
    value, got = ready.new("uint32_t *", 1080), ready.new("uint32_t *")
    assert ready.aclvencSetChannelDescParam(desc, 5, 4, value) == 0
    assert ready.aclvencGetChannelDescPicHeight(desc) == 1080
    assert ready.aclvencGetChannelDescParam(desc, 5, 4, size, got) == 0
    assert (got[0], size[0]) == (1080, 4)
    assert ready.aclvencSetChannelDescParam(desc, 0, 4, value) == 100000
    assert ready.aclvencSetChannelDescParam(desc, 13, 4, value) == 100000
    assert ready.aclvdecSetChannelDescChannelId(ready.aclvdecCreateChannelDesc(), 32) == 100000
    ready.message()


def test_video_channels_are_not_simulated_facts_11_17(ready: Acl) -> None:
    for name in ("aclvdecCreateChannel", "aclvencCreateChannel"):
        desc = getattr(ready, f"{name}Desc")()
        assert getattr(ready, name)(desc) == 200001
        assert f"{name} is not simulated" in (ready.message() or "")


def test_a_channel_needs_a_context_facts_11_3(acl: Acl) -> None:
    assert acl.acldvppCreateChannelDesc() == acl.NULL
    assert acl.message()


def test_channels_have_numbers_facts_11_3(media: Media) -> None:
    other = media.acl.acldvppCreateChannelDesc()
    ids = [media.acl.acldvppGetChannelDescChannelId(one) for one in (media.channel, other)]
    assert ids[0] > 0
    assert ids[1] == ids[0] + 1

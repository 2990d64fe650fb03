"""What aclInit makes of its configuration (facts 7.1)."""

from __future__ import annotations

import json
import math
import os
import random
from pathlib import Path

import pytest

from .. import codes
from ..face import Acl
from ..threads import elsewhere

DEEP = '{"a":' * 10 + "1" + "}" * 10
WIDE = "[" * 10 + "]" * 10


def init(acl: Acl, folder: Path, content: str | bytes) -> int:
    path = folder / "acl.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return int(acl.aclInit(os.fsencode(path)))


@pytest.mark.parametrize(
    "content",
    [
        "", "{}", "[]", "5", "-0.5e+3", "null", "true", '"x"', b"\xef\xbb\xbf{}", " {} \r\n\t",
        "{}\0 what stands behind is not read", '{"a": "\\u00e9\\ud83d\\ude00 \\n"}', DEEP, WIDE,
        '{"err_msg_modes": "x", "a": {"err_msg_mode": "x"}}',
        '{"err_msg_mode": "x", "err_msg_mode": "1"}', '{"err\\u005fmsg_mode": "0"}',
        '[{"err_msg_mode": 7}]',
    ],
)  # fmt: skip
def test_any_json_will_do_facts_7_1(acl: Acl, tmp_path: Path, content: str | bytes) -> None:
    """Only members of the top object are looked for, and of two of one name the last counts."""
    assert init(acl, tmp_path, content) == codes.SUCCESS


@pytest.mark.parametrize(
    "content",
    [
        "{", "}", "{}}", "[1", "{'a'}", '{"a" 1}', '{"a": 1,}', "[1,]", "01", "1.", "+1", ".5",
        "1e", "-", "tru", "NaN", '"', '"\t"', '"\\x"', '"\\u12"', '"\\ud800"',
        '"\\udc00x"', "1e999",
        b'"\xff"', b'"\xed\xa0\x80"', b"\xef\xbb{}", "// c\n{}", " ",
    ],
)  # fmt: skip
def test_what_is_no_json_facts_7_1(acl: Acl, tmp_path: Path, content: str | bytes) -> None:
    """json_parser.cpp hands it to nlohmann::json."""
    assert init(acl, tmp_path, content) == codes.PARSE_FILE
    assert acl.aclInit(acl.NULL) == codes.SUCCESS, "the failed one is not remembered"


SEEDS = [
    r'{"a": "x\u00e9\n", "b": [1, -2.5e+3, true, null], "a": {"c": "\ud83d\ude00"}}',
    r'"\"\\"', "[[[]],{}]", "-0.0", '{"a":"é😀"}', "1.5e10",
]  # fmt: skip
PIECES = [bytes([one]) for one in b'{}[]",:\\u01dD8.eE+- ntx\n\xff\xc3\xed\x80']


def mutated(choose: random.Random) -> bytes:
    data = bytearray(choose.choice(SEEDS).encode())
    for _ in range(choose.randint(0, 3)):
        at = choose.randrange(len(data))
        data[at : at + choose.randrange(3)] = choose.choice(PIECES)
    return bytes(data)


def no_number(text: str) -> float:
    raise ValueError(text)


def finite(text: str) -> float:
    return float(text) if math.isfinite(float(text)) else no_number(text)


def is_json(data: bytes) -> bool:
    """Python's opinion, with the strictness of CANN's parser: characters that UTF-8 has, finite."""
    try:
        value = json.loads(data.decode(), parse_constant=no_number, parse_float=finite)
        return bool(json.dumps(value, ensure_ascii=False).encode())
    except ValueError:
        return False


def test_json_is_what_python_takes_facts_7_1(acl: Acl, tmp_path: Path) -> None:
    choose, good = random.Random(9), 0
    for data in (mutated(choose) for _ in range(1000)):
        acl.reset()
        right = is_json(data)
        expected = codes.SUCCESS if right or not data else codes.PARSE_FILE
        assert init(acl, tmp_path, data) == expected, data
        good += right
    assert 100 < good < 900


@pytest.mark.parametrize("content", [f'{{"a": {DEEP}}}', f"[{WIDE}]", '{"a": "' + "{" * 10 + '"}'])
def test_ten_braces_or_brackets_are_the_most_facts_7_1(
    acl: Acl, tmp_path: Path, content: str
) -> None:
    """json_parser.cpp:63-65, 150-: those inside texts count."""
    assert init(acl, tmp_path, content) == codes.PARSE_FILE
    assert "10 of each" in (acl.message() or "")


def test_braces_that_close_in_texts_count_too_facts_7_1(acl: Acl, tmp_path: Path) -> None:
    """The texts hide the depth from the count, and nothing else limits it to 10."""
    assert init(acl, tmp_path, '{"}":' * 20 + "1" + "}" * 20) == codes.SUCCESS


def test_a_large_file_facts_7_1(acl: Acl, tmp_path: Path) -> None:
    size = 10 << 20
    assert init(acl, tmp_path, b"{}" + b" " * (size - 1)) == codes.INVALID_FILE
    assert init(acl, tmp_path, b"{}" + b" " * (size - 2)) == codes.SUCCESS


def test_what_is_no_file_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path, tmp_path / "fifo", tmp_path / "gone", Path("/dev/null")):
        assert acl.aclInit(os.fsencode(path)) == codes.INVALID_FILE


ENTRIES: dict[str, tuple[str, int]] = {
    "mode 0": ('{"err_msg_mode": "0"}', codes.SUCCESS),
    "mode 1": ('{"err_msg_mode": "1"}', codes.SUCCESS),
    "a number as mode": ('{"err_msg_mode": 1}', codes.INVALID_PARAM),
    "another mode": ('{"err_msg_mode": "2"}', codes.INVALID_PARAM),
    "no mode": ('{"err_msg_mode": null}', codes.INVALID_PARAM),
    "event mode 1": ('{"acl_graph": {"event_mode": "1"}}', codes.SUCCESS),
    "event mode 2": ('{"acl_graph": {"event_mode": "2"}}', codes.INVALID_PARAM),
    "no graph": ('{"acl_graph": 1}', codes.SUCCESS),
    "stack size": ('{"StackSize": {"aicore_stack_size": 32768}}', codes.SUCCESS),
    "a text as stack size": ('{"StackSize": {"aicore_stack_size": "1"}}', codes.FAILURE),
    "no simt stack size": ('{"StackSize": {"simt_stack_size": true}}', codes.FAILURE),
    "no stack size": ('{"StackSize": []}', codes.SUCCESS),
    "fifo size": ('{"simt_printf_fifo_size": 1024}', codes.SUCCESS),
    "a text as fifo size": ('{"simt_printf_fifo_size": "1024"}', codes.FAILURE),
    "no fifo size": ('{"simd_printf_fifo_size_per_core": 0}', codes.FAILURE),
    "profiler": ('{"profiler": {"switch": "on", "output": "/proc/nowhere"}}', codes.SUCCESS),
}


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_facts_7_1(acl: Acl, tmp_path: Path, name: str) -> None:
    """acl.cpp and json_parser.cpp; the profiler's block is the profiler's business."""
    content, code = ENTRIES[name]
    assert init(acl, tmp_path, content) == code


@pytest.mark.parametrize("mode", ["1", "true", "{}", "null"])
def test_an_event_mode_that_is_no_text_ends_a_process_facts_7_1(
    acl: Acl, tmp_path: Path, mode: str
) -> None:
    """nlohmann's exception is not caught there."""
    status = init(acl, tmp_path, f'{{"acl_graph": {{"event_mode": {mode}}}}}')
    assert status == codes.INVALID_PARAM
    assert acl.violations() == ["AB-RT-0020"]


def device(value: str) -> str:
    return f'{{"defaultDevice": {{"default_device": {value}}}}}'


def test_default_device_facts_3(acl: Acl, tmp_path: Path) -> None:
    """The exception to the thread rule: every thread has that device without asking."""
    acl.set("devices", 2)
    assert init(acl, tmp_path, device('"1"')) == codes.SUCCESS
    number = acl.new("int32_t *")
    assert acl.aclrtGetDevice(number) == codes.SUCCESS
    assert number[0] == 1
    assert elsewhere(lambda: acl.aclrtGetDevice(acl.new("int32_t *"))) == codes.SUCCESS
    assert acl.aclrtFree(acl.malloc(16)) == codes.SUCCESS


@pytest.mark.parametrize(
    "value", ["1", "0", "null", '""', '"x"', '"-1"', '"0x1"', '"01"', '" 1"', '"1 "', '"1.0"']
)
def test_a_default_device_that_is_no_text_of_a_number_facts_7_1(
    acl: Acl, tmp_path: Path, value: str
) -> None:
    """acl.cpp:340-343."""
    assert init(acl, tmp_path, device(value)) == codes.FAILURE
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL


def test_a_default_device_that_is_not_there_facts_7_1(acl: Acl, tmp_path: Path) -> None:
    """The runtime's own code passes through (acl.cpp:347); ours is 107001."""
    assert init(acl, tmp_path, device('"99"')) == codes.RT_INVALID_DEVICEID
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL


def test_a_refused_configuration_leaves_no_default_device_facts_1_1(
    acl: Acl, tmp_path: Path
) -> None:
    content = device('"0"')[:-1] + ', "acl_graph": {"event_mode": "2"}}'
    assert init(acl, tmp_path, content) == codes.INVALID_PARAM
    assert acl.aclrtGetDevice(acl.new("int32_t *")) == codes.RT_CONTEXT_NULL


GOOD_DUMPS = [
    '"dump_path": "%s"', '"dump_path": "%s", "dump_mode": "all", "dump_list": []',
    '"dump_path": "%s", "dump_step": "3|5-10", "dump_data": "stats", "dump_level": "op"',
    '"dump_path": "%s", "dump_debug": "on"', '"dump_scene": "lite_exception"',
    '"dump_path": "%s", "dump_scene": "watcher"', '"dump_path": "127.0.0.1:/nowhere"',
    '"dump_path": "/no/such/folder"',
    '"dump_path": "%s", "dump_op_switch": "off", "unknown": 1',
]  # fmt: skip
BAD_DUMPS = [
    "", '"dump_path": ""', '"dump_path": 1',
    '"dump_path": "/%s"' % ("x" * 512),
    '"dump_path": "%s", "dump_mode": "nothing"', '"dump_path": "%s", "dump_mode": 1',
    '"dump_path": "%s", "dump_data": "x"', '"dump_path": "%s", "dump_level": "x"',
    '"dump_path": "%s", "dump_op_switch": "x"', '"dump_path": "%s", "dump_step": "3|x"',
    '"dump_path": "%s", "dump_step": "' + "1|" * 100 + '1"',
    '"dump_path": "%s", "dump_step": "5-3"', '"dump_path": "%s", "dump_step": "1-2-3"',
    '"dump_path": "%s", "dump_step": 3', '"dump_scene": "x"', '"dump_scene": "watcher"',
    '"dump_path": "%s", "dump_scene": "watcher", "dump_mode": "all"',
    '"dump_scene": "lite_exception", "dump_debug": "on"',
    '"dump_scene": "lite_exception", "dump_op_switch": "on"',
    '"dump_path": "%s", "dump_debug": "on", "dump_op_switch": "on"',
]  # fmt: skip


def dump(folder: Path, block: str) -> str:
    return '{"dump": {' + block.replace("%s", str(folder)) + "}}"


@pytest.mark.parametrize("block", GOOD_DUMPS)
def test_the_dump_block_facts_1_1(acl: Acl, tmp_path: Path, block: str) -> None:
    """DumpConfigConverter::IsValidDumpConfig of the runtime; nothing is written here."""
    assert init(acl, tmp_path, dump(tmp_path, block)) == codes.SUCCESS
    assert [one.name for one in tmp_path.iterdir()] == ["acl.json"]


@pytest.mark.parametrize("block", BAD_DUMPS)
def test_a_dump_block_that_is_refused_facts_1_1(acl: Acl, tmp_path: Path, block: str) -> None:
    assert init(acl, tmp_path, dump(tmp_path, block)) == codes.INVALID_DUMP_CONFIG
    assert "dump" in (acl.message() or "")


def test_a_dump_that_is_no_block_facts_1_1(acl: Acl, tmp_path: Path) -> None:
    assert init(acl, tmp_path, '{"dump": "on"}') == codes.INVALID_DUMP_CONFIG


@pytest.mark.parametrize("block", ['"on"', "[]", '{"switch": 1}', '{"output": "/no/such/folder"}'])
def test_the_profilers_block_is_nobodys_business(acl: Acl, tmp_path: Path, block: str) -> None:
    assert init(acl, tmp_path, '{"profiler": ' + block + "}") == codes.SUCCESS

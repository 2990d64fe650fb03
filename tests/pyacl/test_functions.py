"""Each function is there, with pyACL's arguments and the form of its answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from acl_bundle import pyacl
from acl_bundle.pyacl.table import rows

HERE = Path(__file__).parent
NAMES = {"op": 32, "blas": 12, "fv": 22}  # how many pyACL has there
WORDS: dict[str, Any] = {"s": "no such file", "f": 0.0}


def lines(file: str) -> list[list[str]]:
    text = (HERE / file).read_text(encoding="utf-8")
    return [line.split(" ", 1) for line in text.splitlines() if not line.startswith("#")]


class Function(NamedTuple):
    """A line of functions.txt."""

    name: str
    codes: str
    answer: str
    failed: str

    @property
    def taken(self) -> str:
        """The code of each argument."""
        return self.codes.replace("?", "").replace("-", "")


def read(name: str, rest: str) -> Function:
    codes, answer, *text = rest.split(" ", 2)
    plain = f"acl.{name} args parse failed"
    return Function(name, codes, answer, {"": plain, "!": f"{plain}!"}.get("".join(text), *text))


FUNCTIONS = [read(name, rest) for name, rest in lines("functions.txt")]
EACH = pytest.mark.parametrize("one", FUNCTIONS, ids=[one.name for one in FUNCTIONS])
UNSIMULATED = lines("unsimulated.txt")


def function(name: str) -> Any:
    found: Any = pyacl.module()
    for part in name.split("."):
        found = getattr(found, part)
    return found


def zeros(one: Function) -> list[Any]:
    """Arguments of the right types that mean nothing."""
    row = next(row for row in rows() if row.full == f"acl.{one.name}")
    given = [WORDS.get(code, 0) for code in one.taken]
    for at, kind in enumerate(row.how[1:]):
        if kind in "ldo?":
            given[at] = {"l": [], "d": {}}.get(kind)
    return given


def test_the_table_has_the_functions_of_pyacl_and_no_other() -> None:
    """Facts 2 to 5 of pyACL; its families that no program uses are counted by their names."""
    made = {row.full.removeprefix("acl.") for row in rows() if not row.how.startswith("!")}
    assert made == {one.name for one in FUNCTIONS}
    told = {name for name, _ in UNSIMULATED if not name.startswith(("media.", "himpi."))}
    unsimulated = {row.full.removeprefix("acl.") for row in rows() if row.how.startswith("!")}
    assert told <= unsimulated
    for module, count in NAMES.items():
        assert sum(name.startswith(f"{module}.") for name in unsimulated) == count, module
    assert sum("." not in name for name in made) == 47
    assert sum(name.startswith("util.") for name in made) == 7
    assert sum(name.startswith("prof.") for name in made) == 36


@EACH
def test_arguments_are_counted_and_have_no_names(one: Function) -> None:
    """Facts 1 of pyACL: positional only, and a function of nothing passes over what it is given."""
    most, failed = len(one.taken), re.escape(one.failed)
    least, call = most - one.codes.count("?"), function(one.name)
    assert call.__name__ == one.name.rpartition(".")[2]
    if most:
        with pytest.raises(TypeError, match=f"^{failed}$"):
            call(*[0] * (most + 1))
    if least:
        with pytest.raises(TypeError, match=f"^{failed}$"):
            call(*[0] * (least - 1))
    with pytest.raises(TypeError, match="keyword argument"):
        call(anything=1)


NO_INTEGER = (None, 1.0, "1", b"1", np.float32(1))
REFUSED: dict[str, tuple[Any, ...]] = {
    "k": (*NO_INTEGER, np.int64(1)),
    "I": NO_INTEGER,
    "B": NO_INTEGER,
    "H": NO_INTEGER,
    "l": (*NO_INTEGER, 1 << 63, -(1 << 63) - 1),
    "i": (*NO_INTEGER, 1 << 31, -(1 << 31) - 1),
    "h": (*NO_INTEGER, 1 << 15, -(1 << 15) - 1),
    "b": (*NO_INTEGER, -1, 256),
    "f": (None, "1", b"1", [1.0], np.zeros(2)),
    "s": (None, b"path", Path("path"), "a\0b", "\ud800", 1),
}
"""What PyArg_ParseTuple does not take: k takes ints alone, others what has an __index__."""


@EACH
def test_what_is_no_argument_is_refused(one: Function) -> None:
    """Facts 1 of pyACL: its text takes the place of CPython's, of an OverflowError's, too."""
    for at, code in enumerate(one.taken):
        for refused in REFUSED.get(code, ()):
            given = zeros(one)
            given[at] = refused
            with pytest.raises(TypeError, match=f"^{re.escape(one.failed)}$"):
                function(one.name)(*given)


TAKEN: dict[str, tuple[Any, ...]] = {
    "k": (True, -1, (1 << 64) - 1, 1 << 70),
    "I": (True, -1, 1 << 40, np.int64(5)),
    "B": (True, -1, 300, np.int64(5)),
    "H": (True, -1, 1 << 20, np.int64(5)),
    "l": (True, -(1 << 63), np.int64(5)),
    "i": (True, -(1 << 31), np.int64(5)),
    "h": (True, -(1 << 15), np.int16(5)),
    "b": (True, 255, np.uint8(5)),
    "f": (True, 1, np.float32(0.5)),
}
UNCALLED = {"util.ptr_to_numpy", "util.numpy_to_ptr", "util.numpy_contiguous_to_ptr",
            "util.bytes_to_ptr", "util.start_thread", "rt.launch_callback", "init", "finalize",
            "mdl.set_config_opt", "mdl.set_input_dynamic_dims"}  # fmt: skip
ZEROS_ONLY = {"util.ptr_to_bytes", "rt.process_report", "prof.create_subscribe_config"}
"""These read where a pointer leads, wait, or keep a descriptor."""


def variations(one: Function) -> Iterator[list[Any]]:
    """Arguments that are taken: zeros, and each of them once another number."""
    yield zeros(one)
    for at, code in enumerate(one.taken if one.name not in ZEROS_ONLY else ""):
        for taken in TAKEN.get(code, ()):
            yield [*zeros(one)[:at], taken, *zeros(one)[at + 1 :]]


def has_form(got: object, answer: str) -> bool:
    if answer == "0":
        return got is None
    if answer == "1":
        return not isinstance(got, tuple)
    return isinstance(got, tuple) and len(got) == int(answer) and isinstance(got[-1], int)


@pytest.mark.acl(leaks="ignore", violations="ignore")
@pytest.mark.usefixtures("fake_acl")
@EACH
def test_the_answer_has_its_form_whatever_is_passed(
    one: Function, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is raised for a bad ret, outputs are there on error, too, and what is not checked
    wraps (facts 1).
    """
    if one.name in UNCALLED or "_batch_crop" in one.name:
        pytest.skip("its arguments are looked at in Python")
    monkeypatch.chdir(tmp_path)  # acl.prof.init makes the folder that it is given
    acl = pyacl.module()
    assert acl.init() == 0
    for given in variations(one):
        assert has_form(function(one.name)(*given), one.answer), given


@pytest.mark.parametrize(("name", "answer"), UNSIMULATED)
def test_what_is_not_simulated_says_so(fake_acl: Any, name: str, answer: str) -> None:
    acl = fake_acl.pyacl
    assert repr(function(name)(1, 2, "three")) == answer
    assert acl.get_recent_err_msg() == f"acl.{name} is not simulated by the fake"
    assert acl.get_recent_err_msg() is None


def test_what_is_misspelt_is_not_there() -> None:
    acl = pyacl.module()
    for module, name in (("rt", "destory_context"), ("media", "create"), ("himpi", "dvp_malloc")):
        with pytest.raises(AttributeError, match=f"module 'acl.{module}' has no attribute"):
            getattr(getattr(acl, module), name)
    assert not [name for name in dir(acl) if name.isupper()]  # pyACL has no constants

"""Each function is there, with pyACL's arguments and the form of its answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import pyacl
from acl_bundle.pyacl.table import rows

HERE = Path(__file__).parent
NAMES = {"op": 32, "blas": 12, "fv": 22}  # how many pyACL has there
WORDS: dict[str, Any] = {"s": "no such file", "S": "no such file", "l": [], "d": {}, "o": None}


def lines(file: str) -> list[list[str]]:
    text = (HERE / file).read_text(encoding="utf-8")
    return [line.split(" ", 1) for line in text.splitlines() if not line.startswith("#")]


FUNCTIONS = [(name, *rest.split()) for name, rest in lines("functions.txt")]
UNSIMULATED = lines("unsimulated.txt")


def function(name: str) -> Any:
    found: Any = pyacl.module()
    for part in name.split("."):
        found = getattr(found, part)
    return found


def zeros(name: str) -> list[Any]:
    """Arguments of the right types that mean nothing."""
    row = next(row for row in rows() if row.full == f"acl.{name}")
    if row.how:
        codes = row.how[1:].replace("?", "")
    else:
        pattern = re.sub(r"{.*}", "", row.pattern.partition(">")[0])
        codes = "".join(code for code in pattern if code not in "PQUDFS")
    return [WORDS.get(code, 0) for code in codes]


def test_the_table_has_the_functions_of_pyacl_and_no_other() -> None:
    """Facts 2 to 5 of pyACL; its families that no program uses are counted by their names."""
    made = {row.full.removeprefix("acl.") for row in rows() if not row.how.startswith("!")}
    assert made == {name for name, *_ in FUNCTIONS}
    told = {name for name, _ in UNSIMULATED if not name.startswith(("media.", "himpi."))}
    unsimulated = {row.full.removeprefix("acl.") for row in rows() if row.how.startswith("!")}
    assert told <= unsimulated
    for module, count in NAMES.items():
        assert sum(name.startswith(f"{module}.") for name in unsimulated) == count, module
    assert sum("." not in name for name in made) == 47
    assert sum(name.startswith("util.") for name in made) == 7
    assert sum(name.startswith("prof.") for name in made) == 36


@pytest.mark.parametrize(("name", "arguments", "answer"), FUNCTIONS)
def test_arguments_are_counted_and_have_no_names(name: str, arguments: str, answer: str) -> None:
    least, _, most = arguments.partition("-")
    call, failed = function(name), re.escape(f"acl.{name} args parse failed")
    assert call.__name__ == name.rpartition(".")[2]
    if int(most or least):
        with pytest.raises(TypeError, match=f"^{failed}$"):
            call(*[0] * (int(most or least) + 1))
    if int(least):
        with pytest.raises(TypeError, match=f"^{failed}$"):
            call(*[0] * (int(least) - 1))
    with pytest.raises(TypeError, match="keyword argument"):
        call(anything=1)


UNCALLED = {"util.ptr_to_numpy", "util.numpy_to_ptr", "util.numpy_contiguous_to_ptr",
            "util.bytes_to_ptr", "util.start_thread", "rt.launch_callback", "init", "finalize",
            "prof.create_config", "mdl.set_config_opt", "mdl.set_input_dynamic_dims",
            "rt.malloc_with_cfg", "rt.malloc_host_with_cfg",
            "rt.malloc_for_task_scheduler"}  # fmt: skip


@pytest.mark.acl(leaks="ignore", violations="ignore")
@pytest.mark.usefixtures("fake_acl")
@pytest.mark.parametrize(("name", "arguments", "answer"), FUNCTIONS)
def test_the_answer_has_its_form_whatever_is_passed(name: str, arguments: str, answer: str) -> None:
    """Nothing is raised for a bad ret, and outputs are there on error, too (facts 1)."""
    if name in UNCALLED or "_batch_crop" in name:
        pytest.skip("its arguments are looked at in Python")
    acl = pyacl.module()
    assert acl.init() == 0
    given = zeros(name)
    assert len(given) == int(arguments.partition("-")[0])
    got = function(name)(*given)
    if answer == "0":
        assert got is None
    elif answer == "1":
        assert not isinstance(got, tuple)
    else:
        assert isinstance(got, tuple)
        assert len(got) == int(answer)
        assert isinstance(got[-1], int)


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

"""The rows on whole libraries: the fake, mutants of it, a library that is none."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from acl_bundle import errors, fake
from acl_bundle.conform import kit, report, server
from acl_bundle.conform.library import about, run
from acl_bundle.conform.report import Conformance, Result
from acl_bundle.conform.table import CallRow, rows

from .mutations import SOURCE, compiled

FOUND: dict[str, tuple[str, str, str]] = {
    "FREES_NULL": ("aclrtFree", "memory: aclrtFree of nothing", "differs"),
    "FREES_TWICE": ("aclrtFree", "memory: aclrtFree twice", "differs"),
    "CRASHES_ON_NULL": (
        "aclrtGetDevice", "devices: answers need a place aclrtGetDevice", "crashed",
    ),
    "HANGS": (
        "aclrtProcessReport", "streams: reports want a time, and a thread that is bound", "hung",
    ),
    "EXITS": ("aclrtMemset", "memory: copies want places", "crashed"),
    "COPIES_NOTHING": ("aclrtMemcpy", "memory: from place to place on the device", "differs"),
    "KEEPS_TEXTS": ("aclGetRecentErrMsg", "process: the error text is read once", "differs"),
    "COUNTS_FINALIZE": (
        "aclFinalize", "process: aclFinalize ends it whatever the count is", "differs",
    ),
    "WIDE_BF16": ("aclDataTypeSize", "descriptions: sizes of dtypes of 2 27", "differs"),
    "NULL_NAMES": ("aclmdlGetInputNameByIndex", "models: what no description says", "differs"),
    "EMPTY_ASSIGNS": (
        "aclCreateTensorDesc",
        "bundles: init, infer, update, infer aclmdlBundleLoadFromFile(path:bundle,",
        "differs",
    ),
    "ANY_GEAR": ("aclmdlSetDynamicBatchSize", "models: gears", "differs"),
    "UNLOADS_TWICE": ("aclmdlBundleUnload", "bundles: a bundle that is loaded whole", "differs"),
    "THREADS_HAVE_CONTEXTS": (
        "aclrtMalloc", "memory: memory needs a context aclrtMalloc", "differs",
    ),
    "ANY_STREAM": ("aclrtSynchronizeStream", "streams: a stream of another context", "differs"),
    "ONE_ID": (
        "aclmdlBundleLoadModel", "bundles: a bundle that is loaded graph by graph", "differs",
    ),
    "ANOTHER_CODE": (
        "aclmdlExecute", "models: a run of other inputs and outputs", "differs",
    ),
}  # fmt: skip
"""By mutation: the function that it changes, a row that meets it, and that row's verdict."""

WHOLE = {"KILLS_ITS_PARENT", "KILLS_AT_UNLOAD", "BROKEN"}
"""Mutations of more than one answer, or of the process around the rows."""

ATC = """
import sys
from acl_bundle import build

given = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:])
assert given["framework"] == "5" and given["soc_version"] == "Ascend910B3"
sizes = given.get("dynamic_batch_size")
gears = None if sizes is None else [int(one) for one in sizes.split(",")]
assert (gears is None) == ("input_shape" not in given)
build.model(given["model"], dynamic_batch=gears).save(given["output"] + ".om")
"""


def of(function: str) -> list[CallRow]:
    return [row for row in rows() if function in row.functions]


def by_id(found: Conformance) -> dict[str, Result]:
    return {row.id: row for row in found.rows}


@pytest.fixture(scope="module")
def whole() -> Conformance:
    """All rows on the fake."""
    return run(fake.library_path())


def test_the_fake_does_as_the_facts_say(whole: Conformance) -> None:
    assert [row for row in whole.rows if row.verdict != "same"] == []
    assert [row.id for row in whole.rows] == [row.id for row in rows()]
    assert whole.library["is_fake"]
    assert whole.library["soc"].startswith("Ascend")


def test_a_report_is_read_as_it_was_written(whole: Conformance, tmp_path: Path) -> None:
    whole.write(tmp_path / "report.json")
    assert report.read(tmp_path / "report.json") == whole
    assert report.compare(whole, report.read(tmp_path / "report.json")) == ([], [])


def test_every_mutation_has_a_row_here() -> None:
    mutations = {
        *re.findall(r"^#ifdef ((?!A\d+(?:_[A-Z]+)?$)\w+)$", SOURCE.read_text("utf-8"), re.MULTILINE)
    }
    assert mutations == {*FOUND, "NO_DEVICE", "NO_EXPORT", "CRASHES_AT_THE_END", *WHOLE}


@pytest.mark.parametrize("mutation", FOUND)
def test_a_mutation_is_found(mutation: str, tmp_path: Path, whole: Conformance) -> None:
    """The row says so, and the comparison has the two answers."""
    function, row, verdict = FOUND[mutation]
    patience = 4.0 if mutation == "HANGS" else 60.0
    found = run(compiled(mutation, tmp_path), chosen=of(function), patience=patience)
    assert by_id(found)[row].verdict == verdict
    assert "not tried" not in {one.verdict for one in found.rows}
    unlike, _ = report.compare(found, whole)
    assert {one.id for one in unlike} == {one.id for one in found.differing()}
    (ours,) = (one for one in unlike if one.id == row)
    assert ours.one != ours.other
    assert ours.facts == by_id(whole)[row].facts


def test_a_mutation_disturbs_no_other_row(tmp_path: Path) -> None:
    """Of 11 rows one crashes: those before and behind it are tried."""
    found = run(compiled("CRASHES_ON_NULL", tmp_path), chosen=of("aclrtGetDevice"))
    assert [one.id for one in found.differing()] == ["devices: answers need a place aclrtGetDevice"]
    (crashed,) = found.differing()
    assert crashed.why == "aclrtGetDevice(NULL) = 100000: crashed by SIGSEGV"


def test_a_crash_behind_the_rows_takes_no_row_away(tmp_path: Path) -> None:
    """The last row of each process has it; those before keep what they answered."""
    chosen = [row for row in rows() if row.state == "context" and not row.is_alone][:3]
    found = run(compiled("CRASHES_AT_THE_END", tmp_path), chosen=chosen)
    assert [one.verdict for one in found.rows] == ["same", "same", "crashed"]
    assert found.rows[-1].why == "what ends the process, behind it: crashed by SIGABRT"


BROKEN = {
    "aclrtGetDevice": "crashed by SIGSEGV",
    "aclrtProcessReport": "hung",
    "aclmdlGetInputNameByIndex": "answered otherwise|crashed by SIGSEGV",
    "aclmdlGetInputDims": "answered otherwise",
    "aclrtMallocAlign32": "the library has no aclrtMallocAlign32",
}


def test_a_library_with_every_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It lacks, crashes, hangs and answers rubbish: each is a row, and the rest go on."""
    monkeypatch.setenv("ACL_FAKE_HIDE", "aclrtMallocAlign32")
    chosen = [row for row in rows() if {*row.functions} & {*BROKEN, "aclrtFree"}]
    found = run(compiled("BROKEN", tmp_path), chosen=chosen, patience=10)
    assert [one.id for one in found.rows] == [row.id for row in chosen]
    assert found.lost() == []
    for row, one in zip(chosen, found.rows, strict=True):
        broken = {BROKEN[name] for name in row.functions if name in BROKEN}
        if one.verdict == "same":
            assert not broken - {BROKEN["aclrtGetDevice"], BROKEN["aclrtProcessReport"]}
        else:
            assert any(one.why.endswith(tuple(how.split("|"))) for how in broken), one
    assert all(found.counts()[one] for one in ("same", "differs", "crashed", "hung", "not tried"))


def test_the_process_of_the_rows_is_killed(tmp_path: Path) -> None:
    """What was answered stays; the rest is lost, and is no row of the library's."""
    chosen = [*of("aclDataTypeSize"), *of("aclrtFree")]
    found = run(compiled("KILLS_ITS_PARENT", tmp_path), chosen=chosen)
    assert {one.verdict for one in found.rows} == {"same", "lost"}
    (why,) = {one.why for one in found.lost()}
    assert why == "the process that runs the rows crashed by SIGKILL"
    assert found.counts()["lost"] == len(found.lost())
    found.write(tmp_path / "report.json")
    assert report.read(tmp_path / "report.json") == found
    unlike, said = report.compare(found, found)
    assert (unlike, len(said)) == ([], len(found.lost()))


def test_crashes_in_other_lines_are_unlike(whole: Conformance) -> None:
    one, other = (
        replace(whole.rows[0], verdict="crashed", why=f"{line}: crashed by SIGSEGV")
        for line in ("T2: aclrtFree(p) = 0", "aclrtMalloc(&p, 8, 0) = 0")
    )
    (found,), _ = report.compare(replace(whole, rows=(one,)), replace(whole, rows=(other,)))
    assert (found.line, found.one) == ("T2: aclrtFree(p) = 0", "crashed by SIGSEGV")


def test_a_report_that_lacks_what_is_shown_is_none(whole: Conformance, tmp_path: Path) -> None:
    replace(whole, library={}).write(tmp_path / "report.json")
    with pytest.raises(report.ReportFormatError, match="does not tell path, soc, device, is_fake"):
        report.read(tmp_path / "report.json")
    row = replace(whole.rows[0], verdict="differs", answers=())
    replace(whole, rows=(row,)).write(tmp_path / "report.json")
    with pytest.raises(report.ReportFormatError, match="it differs, and has no answers"):
        report.read(tmp_path / "report.json")


def test_no_device_is_no_difference(tmp_path: Path) -> None:
    """What needs no device is tried; of the rest it is said why not."""
    chosen = [row for row in rows() if "aclmdlBundleGetVarWeightSize" in row.functions]
    chosen += [*of("aclrtMemset"), *of("aclrtSetDevice")]
    found = run(compiled("NO_DEVICE", tmp_path), chosen=chosen)
    assert {one.verdict for one in found.rows} == {"same", "not tried"}
    untried = [one for one in found.rows if one.verdict == "not tried"]
    assert {one.why.partition(":")[0] for one in untried} == {"aclrtSetDevice returned 507033"}


def test_an_older_library_lacks_functions(tmp_path: Path) -> None:
    """ACL_FAKE_HIDE makes the fake one: the row is not tried, and names what is missing."""
    os.environ["ACL_FAKE_HIDE"] = "aclrtMallocAlign32"
    try:
        found = run(fake.library_path(), chosen=of("aclrtMallocAlign32"))
    finally:
        del os.environ["ACL_FAKE_HIDE"]
    assert {(one.verdict, one.why) for one in found.rows} == {
        ("not tried", "the library has no aclrtMallocAlign32")
    }


@pytest.mark.parametrize("library", ["/no/such/libascendcl.so", "libc.so.6"])
def test_what_is_no_library(library: str) -> None:
    with pytest.raises(errors.LibraryNotFoundError, match="no AscendCL library"):
        about(library)


def test_a_device_that_is_not_there() -> None:
    """It is said, and rows that need none are tried."""
    assert about(str(fake.library_path()), 99)["without_device"].startswith(
        "aclrtSetDevice returned"
    )
    found = run(fake.library_path(), 99, chosen=of("aclrtMemset"))
    assert {one.verdict for one in found.rows} == {"not tried"}


def test_the_kit_of_a_chip_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in for GE compiles it, and an atc of that, as CANN's toolkit would for a device."""
    for name in [name for name in os.environ if name.startswith("ASCEND")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(fake.library_path().parent))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "atc").write_text(f"#!{sys.executable}\n{ATC}")
    (tmp_path / "atc").chmod(0o755)
    (tmp_path / "kit").mkdir()
    made = kit.make(tmp_path / "kit", "Ascend910B3")
    assert made.missing == {}
    monkeypatch.setattr(kit, "make", lambda folder, soc, needed: made)
    named = [row for row in rows() if row.files & {*kit.MODELS}]
    assert len(named) > 10
    assert [
        one for one in run(fake.library_path(), chosen=named).rows if one.verdict != "same"
    ] == []


def test_without_a_compiler_rows_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "")
    monkeypatch.setenv("PATH", "")
    made = kit.make(tmp_path, "Ascend910B3")
    assert {*made.missing} == {*kit.MODELS}
    start = "bundle.om could not be made: compiling failed at 'toolkit'"
    assert made.missing["bundle"].startswith(start)
    assert "atc" in made.missing["model"]


def test_ctrl_c_leaves_no_process(tmp_path: Path) -> None:
    """The processes that call the library end with this call, however it ends."""

    def stop(result: Result, left: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(fake.library_path(), told=stop)
    shown = subprocess.run(
        ["ps", "--ppid", str(os.getpid()), "-o", "args="],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "acl_bundle.conform" not in shown.stdout


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"{}", b"\xff", b'{"kind": "acl-bundle conform", "schema": 2}', b"[" * 100000,
     b'{"kind": "acl-bundle conform", "schema": 1, "library": {}, "rows": [{}]}'],
    ids=range(7),
)  # fmt: skip
def test_what_is_no_report(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "other.json").write_bytes(text)
    with pytest.raises(report.ReportFormatError, match=r"other\.json: no report of acl-bundle"):
        report.read(tmp_path / "other.json")


def test_a_fork_that_dies_behind_a_wrong_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The row has its verdict, those before it keep theirs, and who is left gets another fork."""
    right, wrong, left = rows()[:3]
    said = [
        {"begin": right.id, "lacks": ""}, {"end": right.id},
        {"begin": wrong.id, "lacks": ""}, {"line": "f()", "got": "1", "is_right": False},
        {"ended": "crashed by SIGSEGV"},
    ]  # fmt: skip
    monkeypatch.setattr(server, "in_fork", lambda *_: iter(said))
    found = server._results([right, wrong, left], {"patience": 1})
    assert [(row["id"], row["verdict"]) for row in found] == [
        (right.id, "same"), (wrong.id, "differs")
    ]  # fmt: skip

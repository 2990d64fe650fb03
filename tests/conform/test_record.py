"""Traces: programs that are linked with AscendCL and such that open it, and what the fake does."""

from __future__ import annotations

import json
import os
import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from acl_bundle import fake
from acl_bundle.conform import kit, trace
from tests.laws.test_layers import ROOT

from .mutations import compiled

SOURCE = Path(__file__).with_name("recorded.c")
POLICY = """
import numpy as np
import acl_bundle as ab
with ab.Bundle.load("bundle.om") as bundle:
    bundle.init()
    bundle.update({"w": np.ones(4, np.float32)})
    print(bundle.infer(np.ones(4, np.float32)))
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C program, linked with the fake."""
    made = tmp_path_factory.mktemp("program") / "recorded"
    library = fake.library_path()
    command = [
        os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-I",
        fake.include_path(), SOURCE, "-o", made, library, f"-Wl,-rpath,{library.parent}",
        "-lpthread",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=120)
    return made


def record(
    *command: str | Path, cwd: Path, library: str = "", **more: str
) -> tuple[subprocess.CompletedProcess[str], list[trace.Recorded]]:
    """Run ``acl-bundle record``; what it left."""
    path = cwd / "trace.jsonl"
    around = {**os.environ, "ACL_BUNDLE_LIBRARY": library or str(fake.library_path()), **more}
    done = subprocess.run(
        [sys.executable, "-m", "acl_bundle.cli", "record", "-o", path, "--", *command],
        cwd=cwd, env=around, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    return done, trace.read_trace(path)


def test_a_linked_program(program: Path, tmp_path: Path) -> None:
    done, calls = record(program, "calls", cwd=tmp_path)
    assert done.returncode == 3, "the program's own"
    assert done.stderr == f"acl-bundle: 7 calls in {tmp_path / 'trace.jsonl'}\n"
    assert [(call.function, call.result) for call in calls] == [
        ("aclInit", 0), ("aclrtSetDevice", 0), ("aclrtMalloc", 0), ("aclrtMemset", 0),
        ("aclrtFree", 100000), ("aclrtFree", 0), ("aclrtResetDevice", 0),
    ]  # fmt: skip
    malloc, free = calls[2], calls[5]
    assert (malloc.args["size"], malloc.args["policy"]) == (4096, 0)
    assert malloc.out["devPtr"] == free.args["devPtr"]
    assert calls[0].args == {"configPath": None}
    assert not (tmp_path / "trace.jsonl.calls").exists()


def test_threads_have_whole_lines_and_one_order(program: Path, tmp_path: Path) -> None:
    _, calls = record(program, "threads", cwd=tmp_path)
    assert Counter(call.thread for call in calls).most_common() == [
        (thread, 100) for thread in dict.fromkeys(call.thread for call in calls)
    ]
    assert len(calls) == 800
    numbers = [number for call in calls for number in (call.seq, call.end)]
    notes = trace.read_notes(tmp_path / "trace.jsonl")
    assert {(one.thread, one.note) for one in notes} == {(call.thread, "thread") for call in calls}
    assert sorted([*numbers, *(one.seq for one in notes)], key=int) == list(range(1608))
    made = [call for call in calls if call.function == "aclCreateTensorDesc"]
    assert {tuple(call.args["dims"]) for call in made} == {(at, 2) for at in range(50)}
    found = trace.replay(tmp_path / "trace.jsonl")
    assert (found.same, found.unequal, found.left_out) == (800, [], {})


def test_both_processes_of_a_fork(program: Path, tmp_path: Path) -> None:
    _, calls = record(program, "fork", cwd=tmp_path)
    assert [*Counter(call.pid for call in calls).values()] == [7, 7]
    assert len({(call.pid, call.thread) for call in calls}) == 2
    found = trace.replay(tmp_path / "trace.jsonl")
    assert (found.calls, found.other_processes, found.same) == (7, 7, 7)


def test_a_program_that_dies_leaves_what_it_did(program: Path, tmp_path: Path) -> None:
    done, calls = record(program, "dies", cwd=tmp_path)
    assert done.returncode == 128 + 6
    assert len(calls) == 7


def test_a_program_that_is_killed_leaves_what_it_did(program: Path, tmp_path: Path) -> None:
    """SIGKILL, and a child that leaves by _exit: neither writes anything at its end."""
    done, calls = record(program, "killed", cwd=tmp_path)
    assert done.returncode == 128 + 9
    assert [*Counter(call.pid for call in calls).values()] == [14, 7]
    assert "21 calls in" in done.stderr
    assert all(call.end is not None for call in calls)


def test_a_program_that_becomes_another(program: Path, tmp_path: Path) -> None:
    """An exec: the process is the same one, and so are the calls of both programs."""
    done, calls = record(program, "again", cwd=tmp_path)
    assert done.returncode == 3
    assert [*Counter(call.pid for call in calls).values()] == [14]
    assert [call.function for call in calls[7:]] == [call.function for call in calls[:7]]


def test_a_fork_inside_a_call(program: Path, tmp_path: Path) -> None:
    """The call is the parent's and has one line; the child's calls have their own, and a note."""
    _, calls = record(program, "inside", cwd=tmp_path)
    (report,) = (call for call in calls if call.function == "aclrtProcessReport")
    assert (report.result, report.inside) == (0, 1)
    (childs,) = (call for call in calls if call.pid != report.pid)
    assert childs.function == "aclDataTypeSize"
    notes = trace.read_notes(tmp_path / "trace.jsonl")
    assert [one.note for one in notes if one.pid == childs.pid] == [
        "thread", "forked inside aclrtProcessReport"
    ]  # fmt: skip


def test_a_child_that_comes_out_of_its_parents_call(program: Path, tmp_path: Path) -> None:
    """It writes nothing of that call: the parent's slot, which both have, holds other lines."""
    _, calls = record(program, "returns", cwd=tmp_path)
    (report,) = (call for call in calls if call.function == "aclrtProcessReport")
    assert report.end is not None
    sizes = Counter(call.pid for call in calls if call.function == "aclDataTypeSize")
    assert (sizes.pop(report.pid), [*sizes.values()]) == (2000, [1])


def test_reports_come_to_the_thread_that_asks(program: Path, tmp_path: Path) -> None:
    """pthread_t of the recorded thread is that of its thread here, so the callback runs there."""
    _, calls = record(program, "inside", cwd=tmp_path)
    found = trace.replay(tmp_path / "trace.jsonl")
    assert (found.unequal, found.left_out, found.died) == ([], {}, "")
    assert (found.same, found.other_processes) == (len(calls) - 1, 1)
    assert {function: why.split(",")[0] for function, why in found.unseen} == {
        "aclrtLaunchCallback": "its callback does nothing here",
        "aclrtProcessReport": "calls inside it",
    }


def test_descriptors_are_the_programs_own(program: Path, tmp_path: Path) -> None:
    """A program that closes what it does not know gets no line into a file of its own."""
    _, calls = record(program, "closes", tmp_path / "own.txt", cwd=tmp_path)
    assert len(calls) == 2000
    assert (tmp_path / "own.txt").read_text() == "its own\n"


def test_more_threads_than_slots(program: Path, tmp_path: Path) -> None:
    """1100 at once: 76 have no slot, and their calls have lines all the same; it is told."""
    done, calls = record(program, "many", "1100", cwd=tmp_path)
    assert len({call.thread for call in calls}) == 1100
    assert len(calls) == 2200
    assert re.search(r"\d+ calls are of threads beyond 1024", done.stderr)


def test_slots_of_dead_processes_are_used_again(program: Path, tmp_path: Path) -> None:
    """1200 processes, of which none gives its slot back: nothing is lost."""
    _, calls = record(program, "leaves", "1200", cwd=tmp_path)
    assert len({call.pid for call in calls}) == 1200
    assert len(calls) == 1200


@pytest.mark.parametrize(("size", "kept"), [(4000, True), (5000, False)])
def test_a_text_that_was_cut_says_so(tmp_path: Path, size: int, kept: bool) -> None:
    path = "/no/" + "\u00e9" * (size // 2 - 2)
    _, found = called(f"acl.aclInit('{path}'.encode())", tmp_path)
    (call,) = trace.read_trace(tmp_path / "trace.jsonl")
    said = call.args["configPath"]
    if kept:
        assert said == "=" + path.encode().decode("latin-1")
        assert found.same == 1
    else:
        assert said == f"~{size}:" + path.encode()[:4096].decode("latin-1")
        why = f"configPath has {size} bytes, of which the trace keeps 4096"
        assert found.left_out == {("aclInit", why): 1}


def test_a_list_that_was_cut_says_so(tmp_path: Path) -> None:
    body = (
        "dims = (ctypes.c_int64 * 300)(*range(300));"
        " acl.aclCreateTensorDesc.restype = ctypes.c_void_p;"
        " acl.aclCreateTensorDesc(0, 300, dims, 2)"
    )
    _, found = called(body, tmp_path)
    (call,) = trace.read_trace(tmp_path / "trace.jsonl")
    assert call.args["dims"] == [*range(128), "~300"]
    why = "dims has 300 numbers, of which the trace keeps 128"
    assert found.left_out == {("aclCreateTensorDesc", why): 1}


def test_a_trace_that_cannot_be_written_is_told(program: Path, tmp_path: Path) -> None:
    """The trace is gone: the program goes on, and the command tells that lines are lost."""
    path = tmp_path / "trace.jsonl"
    code = "import os, subprocess, sys; os.unlink(sys.argv[1]); subprocess.run(sys.argv[2:])"
    command = [sys.executable, "-m", "acl_bundle.cli", "record", "-o", path, "--"]
    command += [sys.executable, "-c", code, path, program, "threads"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0
    assert "times lines were lost" in done.stderr


def test_a_program_that_is_not_there(program: Path, tmp_path: Path) -> None:
    """The trace of the run before stays."""
    _, calls = record(program, "calls", cwd=tmp_path)
    done, left = record(tmp_path / "none", cwd=tmp_path)
    assert (done.returncode, left) == (2, calls)
    assert f"{tmp_path / 'none'}: No such file or directory" in done.stderr


def test_a_limit_of_sizes_is_told_before_the_program_starts(program: Path, tmp_path: Path) -> None:
    _, calls = record(program, "calls", cwd=tmp_path)
    path = tmp_path / "trace.jsonl"
    command = [sys.executable, "-m", "acl_bundle.cli", "record", "-o", path, "--", program, "calls"]
    limited = ["sh", "-c", 'ulimit -f 1000; exec "$@"', "sh", *command]
    done = subprocess.run(limited, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (2, f"acl-bundle: {path}.calls: File too large\n")
    assert trace.read_trace(path) == calls


def test_lines_that_a_full_disk_cut_off_are_there_once(program: Path, tmp_path: Path) -> None:
    """What could not be written whole stays in its slot, and is written again behind it."""
    path = tmp_path / "trace.jsonl"
    _, calls = record(program, "calls", cwd=tmp_path)
    data = path.read_bytes()
    for cut in (7, 20, len(data) - 30):
        path.write_bytes(data[:cut] + data)
        assert trace.read_trace(path) == calls
    path.write_bytes(data[: len(data) - 30])
    with pytest.raises(trace.TraceFormatError):
        trace.read_trace(path)


def test_the_call_that_a_program_died_in(tmp_path: Path) -> None:
    """A library that crashes in aclrtGetDevice(NULL): the line is there, without an end."""
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).aclrtGetDevice(None)"
    mutant = compiled("CRASHES_ON_NULL", tmp_path)
    done, calls = record(sys.executable, "-c", code, mutant, cwd=tmp_path)
    assert done.returncode == 128 + 11
    assert "1 calls, 1 of them not ended" in done.stderr
    (call,) = calls
    assert (call.function, call.end, call.args) == ("aclrtGetDevice", None, {"deviceId": None})
    found = trace.replay(tmp_path / "trace.jsonl")
    assert found.left_out == {("aclrtGetDevice", "the program died in it"): 1}


def test_this_package_opens_the_library_itself(tmp_path: Path) -> None:
    """dlopen and dlsym: all calls are seen, and the fake does all the same again."""
    kit.make(tmp_path, None)
    (tmp_path / "policy.py").write_text(POLICY)
    onnxruntime = {"ACL_FAKE_ONNXRUNTIME": str(fake.onnxruntime_path())}
    done, calls = record(sys.executable, "policy.py", cwd=tmp_path, **onnxruntime)
    assert done.stdout == f"{np.full(4, 11, np.float32)}\n"
    assert Counter(call.function for call in calls)["aclmdlExecute"] == 3
    found = trace.replay(tmp_path / "trace.jsonl", tmp_path)
    assert (found.unequal, found.left_out) == ([], {})
    assert found.same == len(calls)

    lost = trace.replay(tmp_path / "trace.jsonl")
    assert any("no file of --files has" in why for _, why in lost.left_out)


def test_a_device_that_answers_otherwise(program: Path, tmp_path: Path) -> None:
    """What a mutant answered is not what the fake does: the row has both."""
    mutant = compiled("FREES_NULL", tmp_path)
    done, _ = record(program, "calls", cwd=tmp_path, LD_PRELOAD=str(mutant))
    assert done.returncode == 3
    (row,) = trace.replay(tmp_path / "trace.jsonl").unequal
    assert (row.function, row.recorded, row.replayed) == ("aclrtFree", 0, 100000)


def test_the_fake_that_hangs_or_dies_is_a_row(program: Path, tmp_path: Path) -> None:
    record(program, "calls", cwd=tmp_path)
    found = trace.replay(tmp_path / "trace.jsonl", library=compiled("EXITS", tmp_path))
    assert found.unequal == []
    (tmp_path / "own.jsonl").write_text(
        '{"seq":0,"pid":1,"thread":1,"function":"aclrtGetDevice","args":{"deviceId":null},'
        '"result":100000,"end":1,"took":5}\n'
    )
    mutant = compiled("CRASHES_ON_NULL", tmp_path)
    (row,) = trace.replay(tmp_path / "own.jsonl", library=mutant).unequal
    assert (row.recorded, row.replayed) == (100000, "crashed by SIGSEGV")


def called(body: str, cwd: Path) -> tuple[subprocess.CompletedProcess[str], trace.Replay]:
    """Python code over the library ``acl``, recorded; and replayed."""
    head = "import ctypes, sys; acl = ctypes.CDLL(sys.argv[1]); "
    done, _ = record(sys.executable, "-c", head + body, fake.library_path(), cwd=cwd)
    return done, trace.replay(cwd / "trace.jsonl")


def test_a_line_is_whole_whatever_a_text_has(tmp_path: Path) -> None:
    _, found = called("acl.aclInit(('/no/' + chr(0x6a21) * 130).encode())", tmp_path)
    assert found.calls == 1


def test_a_float_is_the_same_again(tmp_path: Path) -> None:
    body = "acl.aclFloat16ToFloat.restype = ctypes.c_float; acl.aclFloat16ToFloat(13653)"
    _, found = called(body, tmp_path)
    assert (found.same, found.unequal) == (1, [])


def test_a_callback_does_nothing_here(tmp_path: Path) -> None:
    body = (
        "made = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(print);"
        " acl.aclInit(None); acl.aclrtSetExceptionInfoCallback(made); acl.aclFinalize()"
    )
    _, found = called(body, tmp_path)
    why = "its callback does nothing here"
    assert found.unseen == {("aclrtSetExceptionInfoCallback", why): 1}
    assert (found.same, found.unequal, found.left_out) == (3, [], {})


def test_what_ends_the_command_ends_the_program(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    code = "import ctypes, sys; ctypes.CDLL(sys.argv[1]).aclInit(None); sys.stdin.read()"
    words = [sys.executable, "-c", code, fake.library_path()]
    command = [sys.executable, "-m", "acl_bundle.cli", "record", "-o", path, "--", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as child:
        while not path.exists() or not trace.read_trace(path):
            assert child.poll() is None
        child.terminate()
        assert child.wait(60) == 128 + 15
    assert [call.function for call in trace.read_trace(path)] == ["aclInit"]
    assert not path.with_name("trace.jsonl.calls").exists()


def test_functions_that_no_library_has_are_not_found(tmp_path: Path) -> None:
    code = "import ctypes, sys; sys.exit(hasattr(ctypes.CDLL(None), 'aclInit'))"
    done, _ = record(sys.executable, "-c", code, cwd=tmp_path)
    assert done.returncode == 0


def test_what_lies_on_the_device_is_not_read() -> None:
    made = runpy.run_path(str(ROOT / "record" / "wrappers.py"))["made"]()
    assert "*devPtr" in made
    assert not {"*matrixC);", "*y);", "*dst);"} & {*made.split()}


def written(path: Path, *calls: tuple[str, dict[str, object], dict[str, object]]) -> Path:
    """A trace of calls that all succeeded."""
    lines = [
        {"seq": 2 * at, "pid": 1, "thread": 1, "function": function, "args": args, "out": out,
         "result": 0, "end": 2 * at + 1, "took": 1}
        for at, (function, args, out) in enumerate(calls)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


START = ("aclInit", {"configPath": None}, {}), ("aclrtSetDevice", {"deviceId": 0}, {})


def test_addresses_are_given_again(tmp_path: Path) -> None:
    """The device gives a part of freed memory; a later address is of the new block."""

    def malloc(at: str, size: int) -> tuple[str, dict[str, object], dict[str, object]]:
        return "aclrtMalloc", {"devPtr": "0x8", "size": size, "policy": 0}, {"devPtr": at}

    set_ = "aclrtMemset", {"devPtr": "0x100200", "maxCount": 512, "value": 0, "count": 512}, {}
    free = [("aclrtFree", {"devPtr": at}, {}) for at in ("0x100000", "0x100200")]
    calls = (*START, malloc("0x100000", 4096), free[0], malloc("0x100200", 512), set_, free[1])
    found = trace.replay(written(tmp_path / "own.jsonl", *calls))
    assert (found.same, found.unequal, found.left_out) == (7, [], {})


def test_a_handle_lives_until_it_is_destroyed(tmp_path: Path) -> None:
    """Its address is then another handle's, and later memory of the program's own."""

    def create(at: str) -> tuple[str, dict[str, object], dict[str, object]]:
        return "aclrtCreateStream", {"stream": "0x8"}, {"stream": at}

    destroy = "aclrtDestroyStream", {"stream": "0x9000"}, {}
    malloc = "aclrtMalloc", {"devPtr": "0x8", "size": 64, "policy": 0}, {"devPtr": "0x100000"}
    copy: dict[str, object] = {
        "dst": "0x100000", "destMax": 64, "src": "0x9000", "count": 64, "kind": 1
    }  # fmt: skip
    synchronize = "aclrtSynchronizeStream", {"stream": "0x9000"}, {}
    calls = (
        *START, create("0x9000"), destroy, create("0x9000"), synchronize, destroy, malloc,
        ("aclrtMemcpy", copy, {}),
    )  # fmt: skip
    path = written(tmp_path / "own.jsonl", *calls)
    found = trace.replay(path)
    assert (found.same, found.unequal, found.left_out) == (9, [], {})
    with path.open("a") as file:
        line = {"seq": 90, "pid": 1, "thread": 1, "function": "aclrtSynchronizeStream",
                "args": {"stream": "0x9000"}, "result": 107003, "end": 91, "took": 1}  # fmt: skip
        file.write(json.dumps(line) + "\n")
    found = trace.replay(path)
    assert [row for row in found.unequal if row.replayed == 0] == []
    assert (found.same + len(found.unequal), found.left_out) == (10, {}), "it was made, and refused"


def test_a_stream_has_no_models_id(tmp_path: Path) -> None:
    kit.make(tmp_path, None, ["model"])
    calls = (
        *START,
        ("aclmdlLoadFromFile", {"modelPath": "=model.om", "modelId": "0x8"}, {"modelId": 9}),
        ("aclrtCreateStream", {"stream": "0x8"}, {"stream": "0x9000"}),
        ("aclrtStreamGetId", {"stream": "0x9000", "streamId": "0x8"}, {"streamId": 9}),
        ("aclmdlUnload", {"modelId": 9}, {}),
    )
    found = trace.replay(written(tmp_path / "own.jsonl", *calls), tmp_path)
    assert (found.same, found.unequal, found.left_out) == (6, [], {})


def test_a_kill_behind_the_write_leaves_one_call(tmp_path: Path) -> None:
    path = written(tmp_path / "own.jsonl", *START)
    with path.open("a") as file:
        file.write('{"seq":2,"pid":1,"thread":1,"function":"aclrtSetDevice","args":{}}\n')
    assert [call.end for call in trace.read_trace(path)] == [1, 3]


@pytest.mark.parametrize("line", ["", "{}", "[1]", "\x00", '{"seq": "x"}'])
def test_what_is_no_trace(tmp_path: Path, line: str) -> None:
    (tmp_path / "other.jsonl").write_text(line + "\n")
    with pytest.raises(trace.TraceFormatError, match=r"other\.jsonl: line 1 is none"):
        trace.read_trace(tmp_path / "other.jsonl")


def test_every_function_of_the_table_has_a_wrapper() -> None:
    """All that csrc/acl declares but what cannot be passed on."""
    shown = subprocess.run(
        ["nm", "-D", "--defined-only", trace.recorder_path()],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    wrapped = {line.split()[-1] for line in shown.splitlines()}
    declared = set()
    for name in ("acl_api.h", "unsimulated_api.h", "acl_dvpp.h"):
        text = (ROOT / "csrc" / "acl" / name).read_text(encoding="utf-8")
        declared |= {word.split("(")[0].split()[-1].lstrip("*") for word in text.splitlines()
                     if word.endswith(");") and word[:1].isalpha()}  # fmt: skip
    assert wrapped - declared == {"dlsym"}
    assert len(declared - wrapped) < 8, declared - wrapped

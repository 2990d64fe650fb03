"""Processes: fork, exit with everything open, and libraries of every kind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

import acl_bundle as ab
from acl_bundle import build, fake

ROOT = Path(__file__).parents[3]


def python(code: str, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter outside the checkout."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ACL_", "ASCEND_"))}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**clean, **environment},
        cwd="/",
        check=False,
    )


def test_interpreter_exit_with_everything_open(mlp: Any) -> None:
    done = python(
        """
        import atexit, sys, warnings
        warnings.simplefilter("ignore", ResourceWarning)
        from acl_bundle import fake
        atexit.register(lambda: print(fake.live(), fake.violations()))   # runs last
        import numpy as np
        import acl_bundle as ab
        fake.activate()
        device = ab.Device(0)
        bundle = ab.Bundle.load(sys.argv[1], device=device)
        bundle.init()
        bound = bundle.infer.bind({"x": np.zeros((4, 8), "f4")}, {"y": np.zeros((4, 3), "f4")})
        bound()
        other = ab.Bundle.load(sys.argv[1])
        """,
        mlp.path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[] []"
    assert done.stderr == ""


def test_exit_without_close_says_so(mlp: Any) -> None:
    done = python(
        """
        import sys, warnings
        warnings.simplefilter("always", ResourceWarning)
        import acl_bundle as ab
        from acl_bundle import fake
        fake.activate()
        bundle = ab.Bundle.load(sys.argv[1])
        """,
        mlp.path,
    )
    assert done.returncode == 0
    assert "ResourceWarning: unclosed Bundle" in done.stderr
    assert "Traceback" not in done.stderr


def test_use_after_fork_is_refused_and_the_parent_goes_on(mlp: Any) -> None:
    done = python(
        """
        import os, sys, warnings
        import numpy as np
        import acl_bundle as ab
        from acl_bundle import fake
        fake.activate()
        x, y = np.zeros((4, 8), "f4"), np.zeros((4, 3), "f4")
        bundle = ab.Bundle.load(sys.argv[1])
        bundle.init()
        infer, update, bound = bundle.infer, bundle.update, bundle.infer.bind({"x": x}, {"y": y})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            uses = [lambda: infer(x), lambda: update({}), bundle.init, bound,
                    lambda: bundle.version, lambda: bundle.weights, bundle.__enter__]
            failures = 0
            for use in uses:
                try:
                    use()
                    failures += 1
                except ab.ClosedError as error:
                    failures += "fork" not in str(error)
            bundle.close()
            os._exit(failures)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        infer(x)
        bundle.update({})
        bundle.close()
        print(status, fake.live(), fake.violations())
        """,
        mlp.path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0 [] []"


WORKERS = """
    import multiprocessing, sys, warnings
    import numpy as np
    import acl_bundle as ab
    from acl_bundle import fake
    warnings.simplefilter("ignore", DeprecationWarning)   # fork beside threads, of 3.12 and later
    fake.activate()
    fake.set("devices", 2)

    def work(device):
        try:
            with ab.Bundle.load(sys.argv[1], device=device) as bundle:
                bundle.init()
                return float(bundle.infer(np.ones((4, 8), "f4")).sum())
        except ab.AclError as error:
            return str(error)

    def control(_):
        answers = []
        for change in (fake.activate, fake.reset, lambda: fake.set("devices", 2)):
            try:
                change()
            except RuntimeError as error:
                answers.append(str(error))
        return answers

    def pool(function, values):
        with multiprocessing.get_context("fork").Pool(2) as workers:
            return workers.map(function, values, chunksize=1)

    first = pool(work, [0, 1, 2])
    own = work(0)
    late = pool(work, [0])
    print([first[:2] == [own, own], "107001" in first[2], late[0], pool(control, [0])[0]])
"""


def test_workers_that_are_forked_early_work_and_late_ones_are_told(mlp: Any) -> None:
    """As gunicorn --preload and multiprocessing fork."""
    done = python(WORKERS, mlp.path)
    assert done.returncode == 0, done.stderr
    same, outside, late, controls = eval(done.stdout)
    assert same
    assert outside
    assert "which had called aclInit (call " in late
    assert len(controls) == 3
    assert all("which had called aclInit" in text for text in controls)
    assert not any("onnxruntime" in text or "devices=2" in text for text in controls)


def test_an_end_by_somebody_else_is_named(mlp: Any) -> None:
    done = python(
        """
        import ctypes, sys
        import numpy as np
        import acl_bundle as ab
        from acl_bundle import fake
        acl = ctypes.CDLL(str(fake.activate()))
        bundle = ab.Bundle.load(sys.argv[1])
        bundle.init()
        acl.aclFinalize()
        for use in (lambda: bundle.infer(np.ones((4, 8), "f4")), bundle.close):
            try:
                use()
                print("nothing")
            except ab.AclError as error:
                print(repr(error.detail))
        """,
        mlp.path, ACL_FAKE_REPORT="off",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    used, closed = done.stdout.splitlines()
    why = r": aclFinalize \(call \d+\) has ended what aclInit \(call \d+\) began'"
    assert re.fullmatch("'aclmdlExecute" + why, used), used
    assert re.fullmatch("'aclFinalizeReference" + why, closed), closed


def test_a_text_is_of_the_call_that_failed(mlp: Any) -> None:
    """A thread without a context is nothing wrong, and nothing to begin a message with."""
    done = python(
        """
        import sys, threading
        import numpy as np
        import acl_bundle as ab
        from acl_bundle import fake
        fake.activate()
        def work():
            try:
                bundle.infer(np.ones((4, 8), "f4"))
            except ab.AclError as error:
                print(error.detail)
        with ab.Bundle.load(sys.argv[1]) as bundle:
            bundle.init()
            fake.fail("aclmdlExecute", code=507011)
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        """,
        mlp.path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "aclmdlExecute: status 507011 injected by aclfakeFail\n"


def test_a_forked_child_that_exits_normally_gives_nothing_back(mlp: Any) -> None:
    done = python(
        """
        import os, sys, warnings
        import acl_bundle as ab
        from acl_bundle import fake
        fake.activate()
        bundle = ab.Bundle.load(sys.argv[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:
            sys.exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        bundle.init()
        bundle.close()
        """,
        mlp.path,
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "0", "")


LOAD = """
    import sys
    import acl_bundle as ab
    try:
        with ab.Bundle.load(sys.argv[1], variables=sys.argv[2]) as bundle:
            bundle.init()
            print("ok", bundle.version)
    except ab.AclBundleError as error:
        print(type(error).__name__, error)
"""


def test_a_library_that_is_absent_lists_every_attempt(mlp: Any) -> None:
    done = python(LOAD, mlp.path, "auto", ASCEND_HOME_PATH="/opt/a", ASCEND_TOOLKIT_HOME="/opt/b")
    assert done.stdout.startswith("LibraryNotFoundError no AscendCL library could be opened:")
    for attempt in (
        "libascendcl.so: ",
        "libacl_rt.so + libacl_mdl.so: ",
        "/opt/a/lib64/libascendcl.so: ",
        "/opt/a/lib64/libacl_rt.so + /opt/a/lib64/libacl_mdl.so: ",
        "/opt/b/lib64/libascendcl.so: ",
        "/usr/local/Ascend/*/lib64: ",
    ):
        assert attempt in done.stdout


def test_a_library_named_by_the_environment_that_is_absent(mlp: Any) -> None:
    done = python(LOAD, mlp.path, "auto", ACL_BUNDLE_LIBRARY="/nowhere/libascendcl.so")
    assert "LibraryNotFoundError" in done.stdout
    assert "/nowhere/libascendcl.so: " in done.stdout


def test_the_environment_chooses_the_library(mlp: Any) -> None:
    done = python(
        LOAD, mlp.path, "auto",
        ACL_BUNDLE_LIBRARY=str(fake.library_path()), ACL_FAKE_ONNXRUNTIME=engine(),
    )  # fmt: skip
    assert done.stdout.strip() == "ok 0", done.stderr


def engine() -> str:
    folder = Path(onnxruntime.__file__).parent / "capi"
    return str(next(folder.glob("libonnxruntime.so.1.*")))


def compiled(folder: Path, source: str, *arguments: str) -> Path:
    """Compile C text into a library named libascendcl.so."""
    text, library = folder / "library.c", folder / "libascendcl.so"
    text.write_text(source)
    subprocess.run(
        ["cc", "-shared", "-fPIC", str(text), "-o", str(library), *arguments], check=True
    )
    return library


def test_the_stub_library_has_its_own_message(mlp: Any, tmp_path: Path) -> None:
    """Facts 0: the devlib stub answers 100039 to everything."""
    stub = compiled(
        tmp_path,
        "int aclInit(const char *p) { return 100039; }\n"
        "int aclrtGetCurrentContext(void **p) { return 100039; }\n"
        "int aclrtSetCurrentContext(void *p) { return 100039; }\n"
        "const char *aclGetRecentErrMsg(void) { return 0; }\n",
    )
    done = python(LOAD, mlp.path, "auto", ACL_BUNDLE_LIBRARY=str(stub))
    assert "AclUsageError aclInit: ACL_ERROR_COMPILING_STUB_MODE (100039)" in done.stdout
    assert "stub that programs are linked against" in done.stdout


def test_something_that_is_no_acl_library(mlp: Any, tmp_path: Path) -> None:
    other = compiled(tmp_path, "int other(void) { return 0; }\n")
    done = python(LOAD, mlp.path, "auto", ACL_BUNDLE_LIBRARY=str(other))
    assert "LibraryNotFoundError" in done.stdout
    assert "it does not define aclInit" in done.stdout


@pytest.fixture(scope="module")
def old_cann(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The fake linked again without some symbols, as an older CANN would be."""

    def link(*hidden: str) -> str:
        folder = tmp_path_factory.mktemp("old")
        script = folder / "version.map"
        script.write_text("{ local: " + " ".join(f"{name};" for name in hidden) + " };\n")
        library = folder / "libascendcl.so"
        subprocess.run(
            ["cc", "-std=c11", "-D_GNU_SOURCE", "-O0", "-fPIC", "-fvisibility=hidden", "-shared",
             "-Wl,-Bsymbolic", f"-Wl,--version-script={script}", f"-I{ROOT / 'csrc'}",
             f"-I{ROOT / 'fakes'}", *map(str, (ROOT / "fakes").glob("*/*.c")),
             "-o", str(library), "-ldl", "-lpthread", "-lm"],
            check=True,
        )  # fmt: skip
        return str(library)

    return link


INIT_FAMILY = (
    "aclmdlBundleInitFromFile",
    "aclmdlBundleInitFromMem",
    "aclmdlBundleLoadModel",
    "aclmdlBundleQueryInfoFromMem",
)


def test_an_old_library_costs_only_what_it_lacks(mlp: Any, old_cann: Any) -> None:
    library = old_cann(*INIT_FAMILY, "aclFinalizeReference")
    environment = {"ACL_BUNDLE_LIBRARY": library, "ACL_FAKE_ONNXRUNTIME": engine()}
    assert python(LOAD, mlp.path, "auto", **environment).stdout.strip() == "ok 0"
    assert python(LOAD, mlp.path, "library", **environment).stdout.strip() == "ok 0"
    owned = python(LOAD, mlp.path, "owned", **environment).stdout
    assert "variables='owned' cannot be had" in owned
    assert "aclmdlBundleInitFromMem" in owned


def test_a_library_without_bundles_at_all(mlp: Any, old_cann: Any) -> None:
    library = old_cann(*INIT_FAMILY, "aclmdlBundleLoadFromFile", "aclmdlBundleLoadFromMem")
    said = python(LOAD, mlp.path, "auto", ACL_BUNDLE_LIBRARY=library).stdout
    assert said.startswith(f"UnsupportedError {library} (AscendCL")
    assert "has no aclmdlBundleLoadFromFile" in said


@pytest.mark.usefixtures("fake_acl")
def test_a_second_library_is_refused() -> None:
    with pytest.raises(RuntimeError, match="is already open in this process"):
        ab.load_library("/somewhere/else/libascendcl.so")
    assert ab.load_library() == str(fake.library_path())
    assert ab.load_library(fake.library_path()) == str(fake.library_path())


def test_every_name_of_the_fake_is_found_by_name_once_it_is_active() -> None:
    done = python(
        """
        import ctypes
        from acl_bundle import fake
        fake.activate()
        for name in ("libascendcl.so", "libacl_rt.so", "libacl_mdl.so", "libacl_op_compiler.so"):
            print(ctypes.CDLL(name).aclFinalizeReference(None))
        """
    )
    assert done.stdout.split() == ["100037"] * 4, done.stderr


def test_an_old_cann_has_no_timeouts(mlp: Any) -> None:
    done = python(
        """
        import sys
        import numpy as np
        import acl_bundle as ab
        from acl_bundle import fake

        fake.activate()
        with ab.Bundle.load(sys.argv[1]) as bundle:
            bundle.init()
            calls = (
                lambda: bundle.update({}, timeout_ms=100),
                lambda: bundle.infer.run({"x": np.zeros((4, 8), np.float32)}, timeout_ms=100),
                lambda: bundle.infer.submit(np.zeros((4, 8), np.float32)),
            )
            for call in calls:
                try:
                    call()
                except ab.UnsupportedError as error:
                    assert "aclrtSynchronizeStreamWithTimeout" in str(error), error
                else:
                    raise AssertionError("it was not refused")
            bundle.update({})
            assert bundle.version == 1
        """,
        mlp.path,
        ACL_FAKE_HIDE="aclrtSynchronizeStreamWithTimeout",
    )
    assert done.returncode == 0, done.stderr


def test_a_plain_model_needs_none_of_the_bundle_functions(tmp_path: Path, mlp: Any) -> None:
    path = build.model(mlp.onnx).save(tmp_path / "plain.om")
    done = python(
        """
        import sys
        import numpy as np
        import acl_bundle as ab
        from acl_bundle import fake

        fake.activate()
        with ab.Bundle.load(sys.argv[1]) as bundle:
            assert np.isfinite(bundle.infer(np.ones((4, 8), np.float32))).all()
        assert fake.calls()["aclmdlLoadFromFile"] == 1
        """,
        path,
        ACL_FAKE_HIDE="aclmdlBundle*,aclmdlLoadFromMem",
    )
    assert done.returncode == 0, done.stderr

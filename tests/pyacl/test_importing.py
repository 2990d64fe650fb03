"""How it becomes `import acl`, and how it does not."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from acl_bundle import pyacl
from acl_bundle.cli.fake import env as command
from acl_bundle.pyacl.importing import FOLDER

CLEAN = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("ACL_", "ASCEND", "LD_LIBRARY_PATH", "PYTHONPATH"))
}


def python(code: str, *, shell: bool = False, cwd: Path, **env: str) -> tuple[str, str]:
    """What a program prints, on both, started plainly or in the shell of --pyacl."""
    line = shlex.join([sys.executable, "-c", code])
    lines = [*(command.lines(pyacl=True) if shell else []), line]
    done = subprocess.run(
        ["sh", "-euc", "\n".join(lines)], cwd=cwd, env={**CLEAN, **env}, capture_output=True,
        text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout, done.stderr


def test_installation_alone_makes_no_acl(tmp_path: Path) -> None:
    code = "import acl_bundle, acl_bundle.pyacl, importlib.util as u; print(u.find_spec('acl'))"
    assert python(code, cwd=tmp_path) == ("None\n", "")


def test_install_makes_every_import_ours(tmp_path: Path) -> None:
    code = (
        "from acl_bundle import pyacl; print(pyacl.install(), pyacl.install())\n"
        "import acl, acl.rt\nfrom acl import mdl\nfrom acl.util import bytes_to_ptr\n"
        "print(acl is pyacl.module(), acl.rt is pyacl.module().rt, mdl is acl.mdl)\n"
        "pyacl.uninstall()\ntry:\n    import acl\nexcept ModuleNotFoundError as e: print(e)\n"
    )
    assert python(code, cwd=tmp_path)[0] == "True True\nTrue True True\nNo module named 'acl'\n"


@pytest.mark.parametrize("first", ["import acl", "import acl.rt", "from acl import rt"])
def test_the_shell_makes_every_import_ours(tmp_path: Path, first: str) -> None:
    code = f"{first}\nimport acl; print(acl.init(), acl.rt.get_device_count(), acl.get_soc_name())"
    assert python(code, shell=True, cwd=tmp_path) == ("0 (8, 0) Ascend910B3\n", "")


def test_a_project_with_its_own_acl_sees_no_change(tmp_path: Path) -> None:
    (tmp_path / "acl.py").write_text("mine = 1\n")
    assert python("import acl; print(acl.mine)", shell=True, cwd=tmp_path) == ("1\n", "")
    code = (
        "import warnings; warnings.simplefilter('error')\nfrom acl_bundle import pyacl\n"
        "try:\n    pyacl.install()\nexcept RuntimeWarning as e: print(e)\n"
        "import acl; print(acl.mine)"
    )
    told, _ = python(code, cwd=tmp_path)
    assert told == f"acl_bundle.pyacl stays out: acl is {tmp_path}/acl.py\n1\n"


@pytest.mark.parametrize("package", [False, True])
def test_the_toolkits_on_the_path_goes_first_and_ours_says_so(
    tmp_path: Path, package: bool
) -> None:
    """A stand-in for its acl.so, which Python finds by the same search."""
    toolkit = tmp_path / "site-packages"
    file = toolkit / "acl" / "__init__.py" if package else toolkit / "acl.py"
    file.parent.mkdir(parents=True)
    file.write_text("toolkit = 1\n")
    out, err = python(
        "import acl; print(acl.toolkit)", shell=True, cwd=tmp_path, PYTHONPATH=str(toolkit)
    )
    assert out == "1\n"
    assert err == f"acl_bundle.pyacl stays out: acl is {file}\n"


def test_the_folder_of_another_installation_serves_as_well(tmp_path: Path) -> None:
    other = tmp_path / "acl_bundle" / "pyacl" / "path"
    other.mkdir(parents=True)
    shutil.copy(FOLDER / "acl.py", other)
    code = "import acl; print(acl.__name__, acl.rt)"
    out, err = python(code, cwd=Path("/"), PYTHONPATH=str(other))
    assert out == "acl <module 'acl.rt'>\n"
    assert err == ""
    code = "from acl_bundle import pyacl; print(pyacl.install())"
    assert python(code, cwd=Path("/"), PYTHONPATH=str(other))[0] == "True\n"


def test_a_folder_without_code_is_no_acl(tmp_path: Path) -> None:
    (tmp_path / "acl").mkdir()
    code = "from acl_bundle import pyacl; print(pyacl.install()); import acl; print(acl.rt)"
    assert python(code, cwd=tmp_path)[0].startswith("True\n<module 'acl.rt'")


def test_the_fixture_takes_it_out_again(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys
        import types

        import pytest

        @pytest.fixture(autouse=True)
        def mine(monkeypatch):
            monkeypatch.setitem(sys.modules, "acl", types.ModuleType("acl"))

        def test_one(fake_acl):
            mine = sys.modules["acl"]
            assert fake_acl.pyacl is not mine
            import acl
            from acl import rt
            assert acl is fake_acl.pyacl
            assert acl.init() == 0
            assert acl.finalize() == 0

        def test_two(fake_acl):
            assert not hasattr(sys.modules["acl"], "rt")
            assert "acl.rt" not in sys.modules
    """)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=2)


CONFTEST = "from acl_bundle import pyacl\nassert pyacl.install()\n"


@pytest.mark.parametrize("way", ["conftest", "path"])
def test_what_was_there_for_the_process_outlives_a_test(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A program that imports acl at its top is found by every test, before and after."""
    if way == "conftest":
        pytester.makeconftest(CONFTEST)
    else:
        monkeypatch.setenv("PYTHONPATH", str(FOLDER))
    pytester.makepyfile("""
        import sys

        import acl
        import pytest

        @pytest.mark.parametrize("round", range(3))
        def test_it_is_there(fake_acl, round):
            import acl.rt as rt
            assert rt is acl.rt is sys.modules["acl.rt"]
            assert acl is sys.modules["acl"] is fake_acl.pyacl
            assert acl.rt.set_device(0) != 0 or acl.rt.reset_device(0) == 0
    """)
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=3)


@pytest.mark.usefixtures("fake_acl")
def test_the_names_are_those_of_one_module(fake_acl: Any) -> None:
    assert fake_acl.pyacl is pyacl.module()
    assert [name for name in sys.modules if name == "acl" or name.startswith("acl.")] == [
        "acl", "acl.rt", "acl.mdl", "acl.media", "acl.op", "acl.blas", "acl.util", "acl.prof",
        "acl.himpi", "acl.fv",
    ]  # fmt: skip

"""Programs of C and C++ are built against the fake: by flags, pkg-config, a sample's cmake."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import fake
from acl_bundle.cli.fake import toolkit

from .test_fake_env import CLEAN

COMMAND = f"{shlex.quote(sys.executable)} -m acl_bundle.cli fake"
SOURCE = """
#include <stdio.h>
#include "acl/acl.h"
#ifdef MEDIA
#include "acl/ops/acl_dvpp.h"
#endif

int main(void)
{
    aclError init = aclInit(NULL), again = aclInit(NULL);
    printf("%d %d %s\\n", init == ACL_SUCCESS, again == ACL_ERROR_REPEAT_INITIALIZE,
           aclrtGetSocName());
    return aclFinalize();
}
"""
PRINTED = "1 1 Ascend910B3\n"

# The words that build files of samples have in common, through CANN's releases.
CMAKE = """
cmake_minimum_required(VERSION 3.5.1...3.28)
project(sample C)
add_definitions(-DENABLE_DVPP_INTERFACE -DMEDIA)
set(INC_PATH $ENV{DDK_PATH})
if(NOT DEFINED ENV{DDK_PATH})
    message(FATAL_ERROR "no DDK_PATH")
endif()
set(LIB_PATH $ENV{NPU_HOST_LIB})
include_directories(@include@)
link_directories(@library@)
add_executable(main main.c)
target_link_libraries(main ascendcl acl_dvpp acl_cblas)
"""
LAYOUTS = [
    ("${INC_PATH}/runtime/include/", "${LIB_PATH}"),
    ("${INC_PATH}/acllib/include/", "${INC_PATH}/acllib/lib64/stub"),
    ("${INC_PATH}/include", "${INC_PATH}/lib64/stub"),
    ("$ENV{ASCEND_HOME_PATH}/include", "$ENV{ASCEND_HOME_PATH}/lib64"),
    ("${INC_PATH}/fwkacllib/include", "${INC_PATH}/runtime/lib64/stub"),
    (
        "$ENV{ASCEND_HOME}/ascend-toolkit/latest/aarch64-linux/acllib/include",
        "$ENV{ASCEND_HOME}/nnrt/latest/arm64-linux/acllib/lib64/stub",
    ),
    ("$ENV{ASCEND_TOOLKIT_HOME}/x86_64-linux/include", "$ENV{DDK_PATH}/x86_64-linux/devlib"),
]


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-euc", script], cwd=folder, env=CLEAN,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def printed(script: str, folder: Path) -> str:
    done = shell(script, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a blank in its name, and a program in it."""
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / "main.c").write_text(SOURCE)
    return folder


def test_flags_compile_and_link(project: Path) -> None:
    flags = f"$({COMMAND} cflags) $({COMMAND} libs)"
    script = f'cc main.c {flags} -o main\neval "$({COMMAND} env)"\n./main'
    assert printed(script, project) == PRINTED


def test_flags_are_quoted_for_a_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(fake, "include_path", lambda: tmp_path / "a b")
    assert shlex.split(toolkit.cflags()) == [f"-I{tmp_path}/a b"]


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="no pkg-config here")
def test_pkg_config_finds_it(project: Path) -> None:
    script = f'eval "$({COMMAND} env)"\ncc main.c $(pkg-config --cflags --libs ascendcl) -o main'
    assert printed(f"{script}\n./main\npkg-config --modversion ascendcl", project) == (
        PRINTED + "1.17.0\n"
    )


@pytest.mark.skipif(not shutil.which("cmake"), reason="no cmake here")
@pytest.mark.parametrize(("include", "library"), LAYOUTS)
def test_build_files_of_samples_find_the_toolkit(project: Path, include: str, library: str) -> None:
    text = CMAKE.replace("@include@", include).replace("@library@", library)
    (project / "CMakeLists.txt").write_text(text)
    script = f'eval "$({COMMAND} env --toolkit ../toolkit)"\nmkdir build\ncd build\n'
    assert printed(f"{script}cmake .. >log\nmake >log\n./main", project) == PRINTED


def test_its_set_env_does_what_cann_s_does(project: Path) -> None:
    script = f"{COMMAND} env --toolkit ../toolkit >/dev/null\n. ../toolkit/set_env.sh\n"
    script += 'cc main.c -I"$ASCEND_HOME_PATH/include" -L"$NPU_HOST_LIB" -lascendcl -o main\n./main'
    assert printed(script, project) == PRINTED


def test_a_toolkit_is_made_anew(tmp_path: Path) -> None:
    """After the package has moved, say."""
    folder = tmp_path / "toolkit"
    toolkit.make(folder)
    (folder / "include" / "acl").unlink()
    (folder / "include" / "acl").symlink_to("nowhere")
    toolkit.make(folder)
    assert (folder / "include" / "acl" / "acl.h").exists()
    assert (folder / "atc" / "lib64" / "stub" / "libascendcl.so").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = shell(f"{COMMAND} env --toolkit {shlex.quote(str(tmp_path))}", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"acl-bundle: {tmp_path} holds something else than a toolkit of acl-bundle; "
        "name a new or empty folder\n"
    )
    assert [one.name for one in tmp_path.iterdir()] == ["notes.txt"]

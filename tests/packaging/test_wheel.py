"""The wheel: built from the sdist, installed where nothing else is, and run there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
INSTALLED = Path(__file__).with_name("installed.py")
FREE_THREADED = """
import runpy, sysconfig
known = sysconfig.get_config_var
sysconfig.get_config_var = lambda name: 1 if name == "Py_GIL_DISABLED" else known(name)
runpy.run_path("setup.py", run_name="__main__")
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program that must succeed; no setting of this process reaches it."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "ACL_", "VIRTUAL"))}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def listed(folder: Path) -> dict[str, tuple[int, int]]:
    """Each file and folder below one; of files the size and when they were changed."""
    found = {}
    for path in folder.rglob("*"):
        status = path.stat()
        told = (status.st_size, status.st_mtime_ns) if path.is_file() else (0, 0)
        found[str(path.relative_to(folder))] = told
    return found


class Built(NamedTuple):
    """A wheel that was made from an sdist, and what each build left behind.

    Attributes:
        left: For the checkout and the unpacked sdist: what was there before, and after.
    """

    sdist: Path
    wheel: Path
    left: list[tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build the sdist in a copy of the checkout, and from the sdist the wheel."""
    room = tmp_path_factory.mktemp("built")
    copy = room / "checkout"
    copy.mkdir()
    for name in ("acl_bundle", "backend", "csrc", "fakes", "record"):
        shutil.copytree(
            ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    shutil.rmtree(copy / "acl_bundle" / "fake" / "include")
    for name in ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"):
        shutil.copy2(ROOT / name, copy)
    (copy / "csrc" / "acl" / "pointers.h").unlink()
    (copy / "record" / "wrappers.h").unlink()
    before = listed(copy)
    run(sys.executable, "-m", "build", "--sdist", "--no-isolation", "-o", room, copy, cwd=room)
    left = [(before, listed(copy))]
    (sdist,) = room.glob("*.tar.gz")
    shutil.unpack_archive(sdist, room, filter="data")
    unpacked = room / sdist.name.removesuffix(".tar.gz")
    before = listed(unpacked)
    pip = (sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", room)
    run(*pip, unpacked, cwd=room)
    left.append((before, listed(unpacked)))
    (wheel,) = room.glob("*.whl")
    return Built(sdist, wheel, left)


@pytest.fixture(scope="module")
def wheel(built: Built) -> Path:
    return built.wheel


def test_nothing_is_left_in_a_checkout(built: Built) -> None:
    for before, after in built.left:
        assert len(before) > 500
        assert after == before


def test_a_free_threaded_python_is_refused_by_name() -> None:
    done = subprocess.run(
        (sys.executable, "-c", FREE_THREADED), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("acl-bundle cannot be built for a free-threaded Python (")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.stderr.endswith(f"use the usual build of Python {version}, which has the GIL\n")


def test_one_wheel_serves_every_python_from_3_10_on(wheel: Path) -> None:
    assert wheel.name.startswith("acl_bundle-")
    assert "-cp310-abi3-linux_" in wheel.name


def test_the_wheel_holds_shim_fake_types_and_licence(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "acl_bundle/_acl.abi3.so" in names
    linked = (
        "ascendcl",
        "acl_rt",
        "acl_mdl",
        "acl_op_compiler",
        "acl_dvpp",
        "acl_cblas",
        "acl_retr",
        "msprofiler",
    )
    assert {f"acl_bundle/fake/lib/lib{name}.so" for name in linked} < {*names}
    ge = ("ge_compiler", "graph", "graph_base", "fmk_onnx_parser")
    assert {f"acl_bundle/fake/lib/lib{name}.so" for name in ge} < {*names}
    chip = ("ge_compile.cc", "include/ge/ge_ir_build.h", "include/parser/onnx_parser.h")
    assert {f"acl_bundle/build/chip/{name}" for name in chip} < {*names}
    headers = ("acl.h", "acl_rt.h", "acl_mdl.h", "ops/acl_dvpp.h", "error_codes/rt_error_codes.h")
    assert {f"acl_bundle/fake/include/acl/{name}" for name in headers} < {*names}
    assert "acl_bundle/fake/lib/pkgconfig/ascendcl.pc" in names
    assert {"acl_bundle/py.typed", "acl_bundle/_acl.pyi", "acl_bundle/build/__init__.py"} < {*names}
    assert "acl_bundle/pyacl/path/acl.py" in names  # and nothing named acl beside acl_bundle
    assert [name for name in names if name.endswith("licenses/LICENSE")]
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"acl_bundle"}


def test_an_inference_runs_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", f"{wheel}[fake]", cwd=tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert run(python, "-I", INSTALLED, cwd=elsewhere) == "computed [[-6.0, -9.0, -12.0]]\n"

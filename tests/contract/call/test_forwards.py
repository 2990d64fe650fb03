"""The names clients link are one instance (facts 0: libacl_rt.so and libacl_mdl.so beside it)."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import build

from ..clients.program import compiled
from ..clients.test_c_client import SCALE, network, outputs
from ..face import Acl

NAMES = (
    "libacl_rt.so", "libacl_mdl.so", "libacl_op_compiler.so", "libacl_dvpp.so", "libacl_cblas.so",
    "libacl_retr.so", "libmsprofiler.so",
)  # fmt: skip
SOME = ("aclInit", "aclmdlExecute", "aclopLoad", "aclfakeReset")
BY_SONAME = """
import ctypes, sys
for name in sys.argv[1:]:
    library = ctypes.CDLL(name)
    print(name, *[ctypes.cast(getattr(library, f), ctypes.c_void_p).value for f in {some!r}])
"""


def address(library: ctypes.CDLL, name: str) -> int | None:
    return ctypes.cast(getattr(library, name), ctypes.c_void_p).value


def output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_address_by_path_is_the_fakes_own_facts_0(acl: Acl, name: str) -> None:
    own, forward = ctypes.CDLL(str(acl.path)), ctypes.CDLL(str(acl.path.parent / name))
    symbols = re.findall(r"acl\w+", output("nm", "-D", "--defined-only", acl.path))
    assert len(symbols) > 500
    assert all(address(forward, one) == address(own, one) for one in symbols)


@pytest.mark.parametrize("first", [*NAMES, "libascendcl.so"])
def test_addresses_by_soname_are_the_same_facts_0(acl: Acl, first: str) -> None:
    """Whichever name a process opens first."""
    names = sorted({*NAMES, "libascendcl.so"}, key=lambda name: name != first)
    done = subprocess.run(
        [sys.executable, "-I", "-c", BY_SONAME.format(some=SOME), *names],
        env={**os.environ, "LD_LIBRARY_PATH": str(acl.path.parent)},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[0] for row in rows] == names
    assert len({tuple(row[1:]) for row in rows}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_forward_holds_names_and_no_code_facts_0(acl: Acl, name: str) -> None:
    path = acl.path.parent / name
    dynamic = output("readelf", "-dW", path)
    assert f"soname: [{name}]" in dynamic
    assert re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic) == ["libascendcl.so"]
    assert "$ORIGIN" in dynamic
    assert not re.search(r"LOAD.* R E ", output("readelf", "-lW", path))
    named = {*re.findall(r"(acl\w+)$", output("nm", "-D", path), re.MULTILINE)}
    own = {*re.findall(r"acl\w+", output("nm", "-D", "--defined-only", acl.path))}
    assert named == own


@pytest.mark.parametrize("flags", [(), ("-no-pie", "-fno-pie"), ("-Wl,-z,now",)], ids=str)
def test_a_client_linked_with_the_split_names_runs_unmodified_facts_0(
    acl: Acl, tmp_path: Path, flags: tuple[str, ...]
) -> None:
    bundle = tmp_path / "network.om"
    build.from_onnx(network(SCALE), weights=["scale"]).save(bundle)
    program = compiled(tmp_path, "client", acl, *flags, linked=("-lacl_rt", "-lacl_mdl"))
    assert "[libascendcl.so]" not in output("readelf", "-dW", program)
    assert len(outputs(program, acl, bundle)) == 3

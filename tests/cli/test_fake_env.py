"""``eval "$(acl-bundle fake env)"``: any program then runs on the fake."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from acl_bundle import fake

ROOT = Path(__file__).parents[2]
SHELLS = [path for path in map(shutil.which, ("sh", "bash", "dash", "zsh")) if path]
CLEAN = {
    key: value
    for key, value in os.environ.items()
    if not key.startswith(("ACL_", "ASCEND", "LD_LIBRARY_PATH"))
}

# It never mentions the fake, and is linked with names that are not there at
# run time unless the shell's lines lead to them.
CLIENT = """
#include <stdio.h>
#include <stddef.h>
#include <stdint.h>
#include "acl/acl_types.h"
#include "acl/acl_api.h"

int main(int count, char **words)
{
    uint32_t model = 0;
    int init = aclInit(NULL);
    int device = aclrtSetDevice(0);
    int load = aclmdlBundleLoadFromFile(words[count - 1], &model);
    printf("%d %d %d %s\\n", init, device, load, aclrtGetSocName());
    return 0;
}
"""


def shell(
    script: str, interpreter: str = "/bin/sh", **env: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [interpreter, "-euc", script],
        cwd="/", env={**CLEAN, **env}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def evaluated(rest: str) -> str:
    """A script that takes the command's lines and goes on."""
    command = f"{shlex.quote(sys.executable)} -m acl_bundle.cli fake env"
    return f'eval "$({command})"; {rest}'


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a client's folder")
    source, program = folder / "client.c", folder / "client"
    source.write_text(CLIENT)
    command = [
        os.environ.get("CC", "cc"), "-I", ROOT / "csrc", source, "-o", program,
        "-L", fake.library_path().parent, "-lacl_mdl", "-lacl_rt",
    ]  # fmt: skip
    subprocess.run(command, check=True, timeout=60)
    return program


@pytest.mark.parametrize("interpreter", SHELLS)
def test_a_compiled_client_runs_on_the_fake(client: Path, mlp_file: Path, interpreter: str) -> None:
    program = " ".join(shlex.quote(str(word)) for word in (client, mlp_file))
    assert shell(program, interpreter).returncode == 127
    done = shell(evaluated(program), interpreter)
    assert done.stdout == "0 0 0 Ascend910B3\n"
    lines = [line for line in done.stderr.splitlines() if "made by" in line]
    assert lines == [
        "       1  device, made by aclrtSetDevice (call 2)",
        "       1  bundle of 780 bytes with 3 x model, made by aclmdlBundleLoadFromFile (call 3)",
    ]


def test_a_program_runs_in_place_of_the_command(client: Path, mlp_file: Path) -> None:
    command = [sys.executable, "-m", "acl_bundle.cli", "fake", "env", "--"]
    done = run([*command, client, "-x", "a b", mlp_file])
    assert (done.returncode, done.stdout) == (0, "0 0 0 Ascend910B3\n")
    assert "made by aclmdlBundleLoadFromFile" in done.stderr, "violations and leaks are told"
    said = run([*command, "sh", "-c", 'echo "$ACL_FAKE_REPORT|$1"; exit 7', "sh", "it's $HOME; ``"])
    assert (said.returncode, said.stdout) == (7, "live|it's $HOME; ``\n")
    assert run([*command, "/no/such"]).returncode == 127


def run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd="/", env=CLEAN, capture_output=True, text=True, timeout=120, check=False
    )


def test_violations_are_told_unless_the_shell_has_said_otherwise() -> None:
    script = evaluated('echo "$ACL_FAKE_REPORT $ACL_FAKE_LINES"')
    assert shell(script).stdout == "live on\n"
    assert shell(script, ACL_FAKE_REPORT="off", ACL_FAKE_LINES="off").stdout == "off off\n"


@pytest.fixture
def mlp_file(mlp: object) -> Path:
    """A bundle that needs ONNX Runtime."""
    return Path(mlp.path)  # type: ignore[attr-defined]


def test_settings_of_the_environment_reach_it(client: Path, mlp_file: Path) -> None:
    program = " ".join(shlex.quote(str(word)) for word in (client, mlp_file))
    done = shell(
        evaluated(f"ACL_FAKE_SOC=Ascend310P3 ACL_FAKE_FAIL=aclrtSetDevice:1:507899 {program}")
    )
    assert done.stdout == "0 507899 107002 Ascend310P3\n"


def test_what_was_on_the_path_stays_behind_it() -> None:
    script = evaluated('echo "$LD_LIBRARY_PATH"')
    own = str(fake.library_path().parent)
    assert shell(script, LD_LIBRARY_PATH="/some:/where").stdout == f"{own}:/some:/where\n"
    assert shell(script).stdout == f"{own}\n"


def test_the_lines_name_what_computes() -> None:
    script = evaluated('echo "$ACL_FAKE_ONNXRUNTIME"')
    assert shell(script).stdout == f"{fake.onnxruntime_path()}\n"
    chosen = "/with a blank/and'quote.so"
    assert shell(script, ACL_FAKE_ONNXRUNTIME=chosen).stdout == f"{chosen}\n"


def test_without_onnxruntime_it_says_so_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from acl_bundle.cli.fake import env as command  # noqa: PLC0415  as the command does

    monkeypatch.setattr(fake, "onnxruntime_path", lambda: None)
    command.env()
    out, err = capsys.readouterr()
    assert out.startswith("export LD_LIBRARY_PATH=")
    assert "ACL_FAKE_ONNXRUNTIME" not in out
    assert "from a checkout, pip install '.[fake]'" in err

"""``acl-bundle fake env`` and ``trace``: the fake in front of any program, and what it did there.

``env`` is for a shell to evaluate. Only POSIX shell comes out on stdout, so that
``eval "$(acl-bundle fake env)"`` works in sh, bash, dash and zsh; what a person should know goes to
stderr.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from acl_bundle import fake
from acl_bundle._base.extra import how
from acl_bundle.cli.fake import toolkit as toolkits
from acl_bundle.cli.shell import output
from acl_bundle.cli.shell.writable import check_writable
from acl_bundle.fake import timeline
from acl_bundle.pyacl.importing import FOLDER

__all__ = ["TELLING", "env", "lines", "trace"]


TELLING = {"ACL_FAKE_REPORT": "live", "ACL_FAKE_LINES": "on"}
"""Violations are told as they happen, with lines of Python, unless the shell has said otherwise."""


def lines(*, pyacl: bool = False, toolkit: Path | None = None) -> list[str]:
    """Return the shell lines: the loader's path with the fake first, what compiles and computes.

    Args:
        pyacl: Whether ``import acl`` shall be acl_bundle.pyacl.
        toolkit: A folder of `toolkit.make` that build files shall find.

    Raises:
        FileNotFoundError: The package was not built.
    """
    folder = shlex.quote(str(fake.library_path().parent))
    found = [f"export LD_LIBRARY_PATH={folder}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"]
    packages = f"{folder}/pkgconfig"
    found.append(f"export PKG_CONFIG_PATH={packages}${{PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}}")
    found.append(f"export ACL_BUNDLE_PYTHON={shlex.quote(sys.executable)}")
    found += [f"export {name}=${{{name}:-{value}}}" for name, value in TELLING.items()]
    if toolkit is not None:
        found += toolkits.variables(toolkit)
    if pyacl:
        ours = shlex.quote(str(FOLDER))
        found.append(f"export PYTHONPATH={ours}${{PYTHONPATH:+:$PYTHONPATH}}")
    onnxruntime = fake.onnxruntime_path()
    if onnxruntime is not None:
        found.append(f"export ACL_FAKE_ONNXRUNTIME={shlex.quote(str(onnxruntime))}")
    for name, path in fake.image_paths().items():
        found.append(f"export ACL_FAKE_{name.upper()}={shlex.quote(str(path))}")
    return found


def env(
    program: Sequence[str] = (),
    *,
    pyacl: bool = False,
    toolkit: Path | None = None,
    as_json: bool = False,
) -> None:
    """Print the shell lines, or run a program by them in place of this process.

    A toolkit is made first, with the same lines in its ``set_env.sh``. Says so when nothing was
    found that could compute.

    Raises:
        ValueError: JSON is wanted of a program.
        OSError: The toolkit cannot be made; the package was not built.
    """
    if program and as_json:
        raise ValueError(f"--json prints variables; {program[0]} prints its own: give one of them")
    found = lines(pyacl=pyacl, toolkit=toolkit)
    if toolkit is not None:
        toolkits.make(toolkit)
        (toolkit / "set_env.sh").write_text("\n".join([*found, ""]), encoding="utf-8")
    if as_json:
        output.document({"environment": _set_by(found)})
    elif not program:
        print("\n".join(found))
    if fake.onnxruntime_path() is None:
        print(
            f"acl-bundle: no onnxruntime here, so models cannot compute: {how('fake')}",
            file=sys.stderr,
        )
    if program:
        sys.stderr.flush()
        os.execv("/bin/sh", ["sh", "-c", "\n".join([*found, 'exec "$@"']), "sh", *program])


def _set_by(found: Sequence[str]) -> dict[str, str]:
    """What the lines make of this process's environment."""
    names = [line.removeprefix("export ").partition("=")[0] for line in found]
    script = "\n".join([*found, *(f'printf "%s\\0" "${name}"' for name in names)])
    done = subprocess.run(["/bin/sh", "-c", script], stdout=subprocess.PIPE, check=True)
    return dict(zip(names, map(os.fsdecode, done.stdout.split(b"\0")), strict=False))


def trace(source: Path, chrome: Path, as_json: bool) -> None:
    """Write the timeline of a trace, and say what is in it."""
    check_writable([chrome], [source])
    counts = timeline.write(source, chrome)
    if as_json:
        output.document({"out": chrome, "counts": counts})
        return
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    output.line(f"wrote {chrome}: {shown}; open it in ui.perfetto.dev or chrome://tracing")

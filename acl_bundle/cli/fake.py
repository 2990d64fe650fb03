"""``acl-bundle fake env``: the fake in front of any program, for a shell to evaluate.

Only POSIX shell comes out on stdout, so that ``eval "$(acl-bundle fake env)"``
works in sh, bash, dash and zsh; what a person should know goes to stderr.
"""

from __future__ import annotations

import shlex
import sys

from acl_bundle import fake

__all__ = ["env", "lines"]


def lines() -> list[str]:
    """Return the shell lines: the loader's path with the fake first, what compiles and computes.

    Raises:
        FileNotFoundError: The package was not built.
    """
    folder = shlex.quote(str(fake.library_path().parent))
    found = [f"export LD_LIBRARY_PATH={folder}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"]
    found.append(f"export ACL_BUNDLE_PYTHON={shlex.quote(sys.executable)}")
    onnxruntime = fake.onnxruntime_path()
    if onnxruntime is not None:
        found.append(f"export ACL_FAKE_ONNXRUNTIME={shlex.quote(str(onnxruntime))}")
    return found


def env() -> None:
    """Print the shell lines; say so when nothing was found that could compute."""
    found = lines()
    print("\n".join(found))
    if len(found) == 2:
        print(
            "acl-bundle: no onnxruntime here, so models cannot compute: "
            "pip install 'acl-bundle[fake]'",
            file=sys.stderr,
        )

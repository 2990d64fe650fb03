"""One step: reads the file ``request`` of the current folder and writes ``answer``."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

from acl_bundle.fake.compiler.fields import Fields, InvalidError, read, write
from acl_bundle.fake.compiler.models import bundle, model
from acl_bundle.fake.compiler.parse import parse

_STEPS = {"parse": parse, "model": model, "bundle": bundle}


def _answer(step: str, request: Fields) -> Fields:
    try:
        return [("success", b""), *_STEPS[step](request)]
    except InvalidError as error:
        return [("invalid", str(error).encode())]
    except (OSError, RuntimeError, ValueError) as error:
        return [("failed", str(error).encode("utf-8", "backslashreplace"))]


def main() -> None:
    """Do the step that the first argument names."""
    warnings.simplefilter("ignore")
    write(Path("answer"), _answer(sys.argv[1], read(Path("request"))))


if __name__ == "__main__":
    main()

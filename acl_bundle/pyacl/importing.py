"""How it becomes `import acl`: never by itself, and never in place of another `acl`."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

__all__ = ["FOLDER", "clear", "install", "module", "put", "stand_in", "uninstall"]

FOLDER = Path(__file__).parent / "path"
"""On PYTHONPATH it makes `import acl` ours."""
_before: dict[str, ModuleType | None] = {}
_lasting: list[bool] = []  # something in it: it is there for the process, not for one test


def module() -> ModuleType:
    """Return the module, one for the process; `sys.modules` is left alone."""
    from acl_bundle.pyacl.make import acl_module  # noqa: PLC0415  opens the compiled binding

    return acl_module()


def _names() -> dict[str, ModuleType]:
    from acl_bundle.pyacl.table import MODULES  # noqa: PLC0415

    acl = module()
    return {"acl": acl, **{f"acl.{name}": getattr(acl, name) for name in MODULES}}


def put() -> ModuleType:
    """Put it into `sys.modules`, whatever was there; `uninstall` brings that back."""
    ours = _names()
    for name, one in ours.items():
        if sys.modules.get(name) is not one:
            _before[name] = sys.modules.get(name)
            sys.modules[name] = one
    return ours["acl"]


def uninstall() -> None:
    """Take it out of `sys.modules` again; what was there before is there again."""
    for name, other in _before.items():
        if other is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = other
    _before.clear()
    _lasting.clear()


def clear() -> None:
    """Take out what `put` alone put in; forget what a library that begins anew does not know."""
    from acl_bundle.pyacl import callbacks, dumps, owners, prof  # noqa: PLC0415

    if not _lasting:
        uninstall()
    callbacks.forget()
    dumps.forget()
    prof.forget()
    owners.forget()


def install() -> bool:
    """Let `import acl` and `import acl.rt` be this, for the rest of the process.

    Returns:
        Whether it is. Where a module `acl` is imported already or is on the path (a toolkit's, or
        one of the project's own), nothing is changed, and a RuntimeWarning names it.
    """
    there = sys.modules.get("acl")
    if there is None:
        spec = _other(sys.path)
        found = None if spec is None else spec.origin
    elif there is module():
        _lasting.append(True)
        return True
    else:
        found = getattr(there, "__file__", None) or repr(there)
    if found is None:
        put()
        _lasting.append(True)
        return True
    warnings.warn(f"acl_bundle.pyacl stays out: acl is {found}", RuntimeWarning, stacklevel=2)
    return False


def _is_ours(folder: str) -> bool:
    """Whether a folder of the path is FOLDER, of this installation or of another."""
    return Path(os.path.realpath(folder)).parts[-3:] == FOLDER.parts[-3:]


def _other(path: Sequence[str]) -> ModuleSpec | None:
    """Another `acl` on a path: a module or a package; a folder without code is none."""
    spec = PathFinder.find_spec("acl", [one for one in path if not _is_ours(one)])
    return None if spec is None or spec.loader is None else spec


def stand_in() -> None:
    """Be `acl` for the import that runs the module in FOLDER; where there is another, that is."""
    spec = _other(sys.path)
    if spec is None or spec.loader is None:
        sys.modules.pop("acl", None)  # the module in FOLDER, which is nobody's
        put()
        _lasting.append(True)
        return
    print(f"acl_bundle.pyacl stays out: acl is {spec.origin}", file=sys.stderr)
    sys.modules["acl"] = other = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(other)

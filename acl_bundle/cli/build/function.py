"""``module:function``: a function of the user's that makes a model.

The module is imported as ``python -m`` does, from the current folder first. What the
function prints goes to stderr, so that stdout stays the command's own.
"""

from __future__ import annotations

import difflib
import importlib
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from types import ModuleType
from typing import Any, Final

__all__ = ["FORM", "UserCodeError", "called"]

FORM: Final = re.compile(r"([A-Za-z_][\w.]*):([A-Za-z_][\w.]*)")
_OURS: Final = (__file__, "<frozen importlib", importlib.__file__)


class UserCodeError(ValueError):
    """The user's own code raised an exception; the message has its traceback."""


def called(text: str) -> Any:
    """Import a function, call it without arguments, and return what it returns.

    Args:
        text: ``package.module:function``.

    Raises:
        ValueError: There is no such module or function.
        UserCodeError: The module or the function raised an exception.
    """
    module_name, _, name = text.partition(":")
    function = _member(_module(module_name), name)
    if not callable(function) or _is_module_of_torch(function):
        kind = type(function).__name__
        raise ValueError(
            f"{text} is a {kind}, no function; name one that returns the model, as in"
            f" def make(): return {name}, example_inputs"
        )
    with _as_users(f"{text}()"):
        return function()


def _is_module_of_torch(value: object) -> bool:
    torch: Any = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _module(name: str) -> ModuleType:
    folder = os.getcwd()
    if sys.path[:1] != [folder]:
        sys.path.insert(0, folder)
    importlib.invalidate_caches()
    with _as_users(f"importing {name}"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if not error.name or not f"{name}.".startswith(f"{error.name}."):
                raise  # the module is there, and imports one that is not
            lacks = error.name
    raise ValueError(f"there is no module {lacks!r} in {folder} or on Python's path{_near(lacks)}")


def _near(name: str) -> str:
    if name.endswith(".py"):
        return f"; a module is named without .py: {name.removesuffix('.py')}"
    here = [one.removesuffix(".py") for one in os.listdir() if one.endswith(".py")]
    close = difflib.get_close_matches(name, here, n=3) or sorted(here)[:5]
    return f"; here are {', '.join(map(repr, close))}" if close else ""


def _member(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        if not hasattr(found, part):
            own = [one for one, value in vars(found).items() if callable(value) and one[:1] != "_"]
            close = difflib.get_close_matches(part, own, n=5) or own[:20]
            has = f"it has {', '.join(map(repr, close))}" if close else "it has no functions"
            raise ValueError(f"{module.__name__} has no {name!r}; {has}")
        found = getattr(found, part)
    return found


@contextmanager
def _as_users(what: str) -> Iterator[None]:
    """Turn what the user's code raises into an error with the user's part of the traceback."""
    try:
        with redirect_stdout(sys.stderr):
            yield
    except (Exception, SystemExit) as error:
        told = traceback.TracebackException.from_exception(error)
        _cut(told, lambda frame: frame.filename.startswith(_OURS))
        text = "".join(told.format()).rstrip()
        raise UserCodeError(f"{what} raised an exception:\n{text}") from None


def _cut(told: traceback.TracebackException, ours: Callable[[Any], bool]) -> None:
    """Leave out the frames of this module and of the import system."""
    told.stack[:] = [frame for frame in told.stack if not ours(frame)]

"""What is there and not simulated: each call answers 200001 and leaves a text, as the library's do.

The text is the thread's, and `acl.get_recent_err_msg` gives it out once, as ACL does its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from acl_bundle._binding.shim import lib

__all__ = ["NOT_SUPPORTED", "answer", "take_texts"]

NOT_SUPPORTED = 200001
_ANSWERS = {
    "!": NOT_SUPPORTED,
    "!p": 0,
    "!2": (0, NOT_SUPPORTED),
    "!0": None,
}
_told = threading.local()


def answer(full: str, how: str) -> Callable[..., Any]:
    """Make the function; `how` is that of its row."""
    result = _ANSWERS[how]

    def function(*_: Any) -> Any:
        text = f"{full} is not {_by()}"
        _told.texts = [*getattr(_told, "texts", []), text][-8:]
        return result

    return function


def _by() -> str:
    fake = lib.ab_symbol(b"aclfakeTell")
    return "simulated by the fake" if fake else "in acl_bundle.pyacl, which is not the toolkit's"


def take_texts() -> list[str]:
    """Return what this thread's calls left; nothing is left behind."""
    texts: list[str] = getattr(_told, "texts", [])
    _told.texts = []
    return texts

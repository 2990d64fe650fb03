"""Arguments that cannot be what they are, named apart from the message.

Python writes ``dynamic_batch``, the shell ``--dynamic-batch``: a message names arguments as Python
does, and says which of its words they are, so that the shell can say its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["ArgumentError"]


class ArgumentError(ValueError):
    """An argument is wrong; its name is a word of the message.

    Args:
        message: As Python says it.
        names: The arguments that it names.

    Attributes:
        names: See above.
    """

    def __init__(self, message: str, *names: str) -> None:
        super().__init__(message)
        self.names: tuple[str, ...] = names

    def __reduce__(self) -> tuple[type[ArgumentError], tuple[str, ...]]:
        return type(self), (str(self), *self.names)

    def said(self, options: Mapping[str, str]) -> str:
        """Return the message with other names for its arguments.

        Args:
            options: How they are called; ``name=`` is for one with a value, ``name={...}``. What is
                missing is called as options are: ``--dynamic-batch``. What stands in quotes is a
                name of the model's, and stays.
        """
        message = str(self)
        for name in self.names:
            option = options.get(name, f"--{name.replace('_', '-')}")
            with_value = options.get(f"{name}=", f"{option} ...")
            word = rf"(?<!['\"\w-]){re.escape(name)}"
            message = re.sub(rf"{word}={{[^}}]*}}", _literal(with_value), message)
            message = re.sub(rf"{word}(?!['\"\w])", _literal(option), message)
        return message


def _literal(text: str) -> str:
    """Return what stands for a text where `re.sub` takes a template."""
    return text.replace("\\", "\\\\")

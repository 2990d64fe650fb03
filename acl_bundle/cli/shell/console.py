"""The console of all commands: what a name from a file holds never steers the terminal."""

from __future__ import annotations

import sys
from typing import Any

from rich import console
from rich.text import Text

from acl_bundle.errors import visible


class Console(console.Console):
    """Rich's, which shows control characters in texts and cells of tables as escapes.

    It goes by what the stream is, not by FORCE_COLOR, which would cut what a program reads.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        stream = sys.stderr if stderr else sys.stdout
        super().__init__(
            stderr=stderr, markup=False, highlight=False, force_terminal=stream.isatty()
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """Make what is printed of a text; rich asks for it wherever a str is shown."""
        return super().render_str(visible(text), **options)

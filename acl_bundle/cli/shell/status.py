"""What an exit status means: the same for all commands (docs/exit_codes.md)."""

from __future__ import annotations

OK = 0
"""The command did what it was asked, and the answer is yes."""
DIFFERENT = 1
"""The command did what it was asked, and the answer is no: it differs, is refused, is missing."""
TROUBLE = 2
"""The command could not do what it was asked."""
INTERRUPTED = 130
"""Ctrl-C ended it, as a shell shows SIGINT."""
CLOSED_PIPE = 141
"""Whoever read its output has enough, as a shell shows SIGPIPE."""

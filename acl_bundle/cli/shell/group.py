"""The program: typer parses the words, the command runs, and what it says goes out in one way."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperGroup

from acl_bundle.cli.shell.status import TROUBLE
from acl_bundle.cli.shell.trouble import status_of

__all__ = ["CommandLine", "wants_json"]

NAME = "acl-bundle"
COMPLETE = "_ACL_BUNDLE_COMPLETE"
"""What a shell sets when it asks for completions."""


def wants_json(words: Sequence[str]) -> bool:
    """Whether a program reads stdout: known before, and also when, the words cannot be parsed."""
    return "--json" in (words[: words.index("--")] if "--" in words else words)


class CommandLine(TyperGroup):
    """All commands, and how each of them ends."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *others: Any,
        **more: Any,
    ) -> Any:
        """Run the command that the words name.

        Raises:
            SystemExit: Always, with the command's status.
        """
        name = prog_name or NAME
        if COMPLETE in os.environ:
            return super().main(args, name, *others, **more)
        words = sys.argv[1:] if args is None else list(args)
        raise SystemExit(status_of(lambda: self._run(words, name), wants_json(words)))

    def _run(self, words: Sequence[str], name: str) -> int:
        parsed = False
        try:
            with self.make_context(name, [*words]) as context:
                parsed = True
                self.invoke(context)
        except typer.Exit as ended:
            return ended.exit_code if parsed else min(ended.exit_code, 1) * TROUBLE
        except (typer.Abort, EOFError):  # a question had no answer
            raise KeyboardInterrupt from None
        return 0

"""The members of a JSON object, one after the other.

A safetensors header may have 100 MB, and as Python objects JSON can take 25
times its bytes. So a header is never decoded as a whole: each member is, when
its turn comes, and the reader keeps what it needs of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any, Final

from acl_bundle.weights._base.file import bad

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_COLON: Final = re.compile(r"[ \t\r\n]*:[ \t\r\n]*")
_NEXT: Final = re.compile(r"[ \t\r\n]*([,}])[ \t\r\n]*")
_SCAN: Final[Any] = vars(json.JSONDecoder())["scan_once"]  # `json.loads` makes one for each text
_VALUE_MAX: Final = 1 << 13  # characters; 64 dims of 20 digits take 1,400


class Members:
    """Walks over a JSON object of flat objects and strings."""

    def __init__(self, text: str, file: str, start: int) -> None:
        """Stand at the start of ``text``, which begins at byte ``start`` of the file."""
        self._text = text
        self._file = file
        self._start = start
        self._at = 0

    def names(self) -> Iterator[str]:
        """Yield the name of each member; its value must be taken before the next."""
        self._expect("{")
        found: set[str] = set()
        if self._text[self._at : self._at + 1] == "}":
            self._at += 1
            return
        while True:
            name = self._string("a name")
            if name in found:
                raise bad(
                    self._file, f"the header has the name {name!r} twice; names must be unique"
                )
            found.add(name)
            if self._text.startswith(':{"', self._at):  # as nearly every one is written
                self._at += 1
            else:
                self._at = self._match(_COLON, "':'").end()
            yield name
            if self._text.startswith(',"', self._at):
                self._at += 1
                continue
            after = self._match(_NEXT, "',' or '}'")
            self._at = after.end()
            if after[1] == "}":
                return

    def value(self) -> Any:
        """Take a value that holds no braces but its own."""
        text, at = self._text, self._at
        end = text.find("}", at, at + _VALUE_MAX) + 1
        if text[at : at + 1] != "{" or not end:
            return text[at : at + 64].rstrip("}")  # what it is instead, for the message
        self._at = end
        piece = text[at:end]
        try:
            found, _ = _SCAN(piece, 0)
            if piece.count(":") != len(found):  # there is one in a text, or a name comes twice
                json.loads(piece, object_pairs_hook=self._unique)
            return found
        except StopIteration as error:
            raise self._damage(at + error.value, "Expecting value") from None
        except json.JSONDecodeError as error:
            raise self._damage(at + error.pos, error.msg) from None
        except (ValueError, RecursionError) as error:
            raise self._damage(at, str(error)) from None

    def strings(self) -> dict[str, str]:
        """Take an object of strings."""
        found = {}
        most = 4096 + len(self._text) // 64
        if self._text[self._at : self._at + 1] != "{":
            raise self._wrong("an object of strings")
        for name in self.names():
            if self._text[self._at : self._at + 1] != '"':
                raise self._wrong("an object of strings")
            found[name] = self._string("a string")
            if len(found) > most:
                raise bad(self._file, f"__metadata__ has more than {most} entries")
        return found

    def end(self) -> None:
        """Make sure that nothing but space follows."""
        if self._match(_SPACE, "").end() != len(self._text):
            raise self._damage(self._at, "Extra data")

    def _unique(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            name = next(one for one in names if names.count(one) > 1)
            raise bad(self._file, f"the header has the name {name!r} twice; names must be unique")
        return found

    def _expect(self, sign: str) -> None:
        if self._text[self._at : self._at + 1] != sign:
            raise self._damage(self._at, f"{sign!r} is right")
        self._at = _SPACE.match(self._text, self._at + 1).end()  # type: ignore[union-attr]

    def _string(self, what: str) -> str:
        if self._text[self._at : self._at + 1] != '"':
            raise self._damage(self._at, f"{what} in double quotes is right")
        try:
            value, self._at = scanstring(self._text, self._at + 1, True)
        except json.JSONDecodeError as error:
            raise self._damage(error.pos, error.msg) from None
        return str(value)

    def _match(self, pattern: re.Pattern[str], right: str) -> re.Match[str]:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._damage(self._at, f"{right} is right")
        return found

    def _wrong(self, right: str) -> Exception:
        seen = self._text[self._at : self._at + 32]
        return bad(self._file, f"__metadata__ is {seen!r}; {right} is right")

    def _damage(self, at: int, message: str) -> Exception:
        return bad(self._file, f"at byte {self._start + at}: the header is no JSON: {message}")

"""Texts of errors as a terminal may show them."""

from __future__ import annotations

_CONTROLS = {*range(32), *range(127, 160)} - {ord("\t"), ord("\n")}
_TOLD_MAX = 16 << 10
_TURNS = {0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}  # right to left
_VISIBLE = {
    **{code: f"\\x{code:02x}" for code in _CONTROLS},
    **{code: f"\\u{code:04x}" for code in _TURNS},
}


def visible(text: str) -> str:
    """Return a text that a terminal shows as it is: control characters as escapes.

    Names come from files, and a file may name a weight so that it clears the
    screen. Line feeds and tabs stay; so do letters of every language.
    """
    return text.translate(_VISIBLE)


def told(text: str) -> str:
    """Return what an exception shows: `visible`, without the middle of a text that is too long.

    A file may name a weight in megabytes, and an update may give a hundred thousand
    names that the graph does not have.
    """
    over = len(text) - _TOLD_MAX
    if over > 0:
        half = _TOLD_MAX // 2
        text = f"{text[:half]} [... {over} characters ...] {text[-half:]}"
    return visible(text)

"""JSON that nobody vouches for: what it would become is bounded before it is decoded.

As Python objects a text may take 25 times its bytes, of which a file that says
something takes five. Each object behind a comma, a bracket or a brace
costs some hundred bytes, so those signs are counted, which takes no time.
"""

from __future__ import annotations

from typing import Final

SIGNS_FREE, SIGN_BYTES = 1 << 13, 40
"""A text may have so many signs, and one more for each so many of its bytes.

An index of shards has 80 bytes for each sign, and what has less is short: a
configuration of peft's may list some thousand names of modules."""
_SIGNS: Final = (b",", b"[", b"{")


def crowded(raw: bytes, nbytes: int = SIGN_BYTES) -> str | None:
    """Say why a text is not decoded, None for one that may be.

    Args:
        raw: The text.
        nbytes: What pays for a sign.
    """
    found, most = sum(map(raw.count, _SIGNS)), SIGNS_FREE + len(raw) // nbytes
    if found <= most:
        return None
    return f"{found} commas, brackets and braces in {len(raw)} bytes; at most {most} are read"

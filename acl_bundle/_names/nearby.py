"""What names that a graph does not have would be under another beginning, for messages.

A trainer's module is often a part of another one: a checkpoint has ``model.`` before
each name, or the bundle was built of the whole and a part is given. What fits is only
said, never done: two models may have names alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

_LOOKED_AT = 8  # of the unknown names: enough to meet one that is a weight
_SEPARATORS = (".", "/")


def renaming(unknown: Sequence[str], known: Collection[str]) -> str:
    """Say which change of all names' beginnings would make weights of them; "" for none.

    Args:
        unknown: Names that were given and that no weight has.
        known: The names of the weights.
    """
    names, known = [name for name in unknown if isinstance(name, str)], frozenset(known)
    found: dict[tuple[str, str], int] = {}
    for old, new in {pair for name in names[:_LOOKED_AT] for pair in _pairs(name, known)}:
        made = [new + name[len(old) :] for name in names if name.startswith(old)]
        fits = sum(name in known for name in made)
        # Beginnings that differ both may belong to two parts of one model, unless all is there.
        if fits == len(known) if old and new else 2 * fits > len(names):
            found[old, new] = fits
    best = [pair for pair, fits in found.items() if fits == max(found.values())]
    if len(best) != 1:
        return ""
    ((old, new),) = best
    count = f"{found[old, new]} of the {len(names)} fit"
    return f"; {_told(old, new)} {count}: weights.rename(new, {_call(old, new)})"


def _pairs(name: str, known: Collection[str]) -> Iterator[tuple[str, str]]:
    """The beginnings of a name and of those known ones that share its longest end."""
    ends = [(0, name), *((at, name[at:]) for at in _starts(name))]
    for at, end in ends:
        alike = [one for one in known if one.endswith(end)]
        starts = [one[: len(one) - len(end)] for one in alike]
        whole = [one for one in starts if not one or one.endswith(_SEPARATORS)]
        if whole:
            yield from ((name[:at], one) for one in whole)
            return


def _starts(name: str) -> Iterator[int]:
    return (place.end() for place in re.finditer(r"[./]", name))


def _told(old: str, new: str) -> str:
    if not new:
        return f"without the leading {old!r}"
    return f"with {new!r} for the leading {old!r}" if old else f"with {new!r} before them"


def _call(old: str, new: str) -> str:
    if not new:
        return f"strip_prefix={old!r}"
    return f"regex=[({'^' + re.escape(old)!r}, {new!r})]" if old else f"add_prefix={new!r}"

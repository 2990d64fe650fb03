"""Names as wrappers of torch make them, and as they are without.

DistributedDataParallel and DataParallel put ``module.`` into each name,
torch.compile ``_orig_mod.`` and FSDP ``_fsdp_wrapped_module.``: in front of it, or
inside where a part of the model was wrapped.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

_ONE: Final = re.compile(r"(?:(?<=\.)|^)(?:module|_orig_mod|_fsdp_wrapped_module)\.")
_FLAT: Final = re.compile(r"(?:.*\.)?_?flat_param(?:_\d+)?")


def without_wrappers(name: str, knows: Callable[[str], bool]) -> str:
    """Return a name without the parts that wrappers put into it, where that makes it known.

    Of the parts in front as few are taken off as will do: a model may have a
    part that is called ``module`` itself.

    Args:
        name: As it was given.
        knows: Whether a name is known.

    Returns:
        The known name, or the one that was given.
    """
    if not isinstance(name, str) or _ONE.search(name) is None or knows(name):
        return name
    rest = name
    while (ahead := _ONE.match(rest)) is not None:
        rest = rest[ahead.end() :]
        if knows(rest):
            return rest
    plain = _ONE.sub("", name)
    return plain if knows(plain) else name


def advice(unknown: Sequence[str]) -> str:
    """Say how weights that FSDP has joined come apart; nothing where no name is of such."""
    if not any(isinstance(name, str) and _FLAT.fullmatch(name) for name in unknown):
        return ""
    return (
        "; FSDP has joined weights to 'flat_param': give the whole ones, of"
        " torch.distributed.checkpoint.state_dict.get_model_state_dict(model,"
        " options=StateDictOptions(full_state_dict=True))"
    )
